/* global fetch, setTimeout, TextDecoder */
/**
 * A reader as a process of its own: reads the log that its one argument, JSON, names, and says in JSON what came of it
 * and the most memory that it had, in bytes.
 */
import { readFileSync } from 'node:fs';
import { fetchGet, httpSource, LogReader } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { noteVerifier, parseVerifierKey } from '#tiles-spec/index.js';

const { place, options, plain, read } = JSON.parse(process.argv[2]);
const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(String(error)));

/** As other runtimes have it, without anything of `reader/node`. */
function openPlain() {
  const source = httpSource(place, { ...options, get: fetchGet(fetch) });
  return new LogReader({ read: source, verifier: noteVerifier(parseVerifierKey(options.verifierKey)) });
}

const READS = {
  latest: (log) => log.latest(),
  entries: async (log) => {
    const { tree } = await log.latest();
    for await (const entry of tree.entries()) if (entry.index < 0) break;
  },
  times: async (log) => (await log.latest()).tree.times(0),
};

let failure;
const log = plain === true ? openPlain() : await openLog(place, options);
try {
  await READS[read](log);
} catch (error) {
  const { name, code, path, message } = error;
  failure = { name, code, path, message };
}
const size = new TextDecoder().decode(await log.options.heads.read()).split('\n')[1];
// What is read ahead may still come in.
await new Promise((resolve) => setTimeout(resolve, 50));
const status = readFileSync('/proc/self/status', 'utf8');
const bytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
// Pages of files are those of node's own binary, which all its processes share.
const peak = bytes('VmHWM') - bytes('RssFile');
process.stdout.write(JSON.stringify({ failure, size, peak, unhandled }));
