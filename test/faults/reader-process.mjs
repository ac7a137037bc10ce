/* global fetch, setTimeout, TextDecoder */
/**
 * A reader as a process of its own. Its one argument is JSON that names the log. Prints JSON: the outcome, and the peak
 * of the process's memory in bytes.
 */
import { readFileSync } from 'node:fs';
import { fetchGet, httpSource, LogReader } from '#reader/index.js';
import { openLog } from '#reader/node/index.js';
import { noteVerifier, parseVerifierKey } from '#tiles-spec/index.js';

const { place, options, plain, read } = JSON.parse(process.argv[2]);
const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(String(error)));

/** A reader for other runtimes, without anything of `reader/node`. */
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
// Objects that are read ahead may still arrive.
await new Promise((resolve) => setTimeout(resolve, 50));
const status = readFileSync('/proc/self/status', 'utf8');
const bytes = (name) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1]) * 1024;
// File-backed pages are not counted: they are node's binary, which all its processes share.
const peak = bytes('VmHWM') - bytes('RssFile');
process.stdout.write(JSON.stringify({ failure, size, peak, unhandled }));
