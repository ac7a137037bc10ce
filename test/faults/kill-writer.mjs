/**
 * A program for tests: a writer on a real folder and a real SQLite staging, which kills its process at a durable call.
 * Arguments: the folder; the number of the call, from 0, or `none`; `before` or `after` the call; then a batch of
 * entries each, `label:count`. Standard output: a JSON line for each acknowledgement, and one at the end.
 */
import { existsSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { openStore } from '#cli/commands/serve/store.js';
import { LogKey } from '#src/keys/node/log-key.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { encodeHex, leafHash } from '#tiles-spec/index.js';
import { SqliteStaging } from '#writer/staging/staging.js';
import { Writer } from '#writer/writer.js';

const [folder, number, when, ...batches] = process.argv.slice(2);
const DURABLE = ['store.create', 'store.replace', 'store.delete'].concat(
  ['create', 'sequence', 'markPublished', 'discard', 'adopt'].map((method) => `staging.${method}`),
);
const calls = [];

/** A proxy of the object, in which each durable call is a kill point. */
function deadly(name, target) {
  return new Proxy(target, {
    get(_, method) {
      const value = target[method];
      if (typeof value !== 'function') return value;
      const call = `${name}.${String(method)}`;
      if (!DURABLE.includes(call)) return value.bind(target);
      return async (...args) => {
        const isLast = calls.length === Number(number);
        // The argument is a path, or the paths of a delete.
        const [what] = args;
        calls.push(typeof what === 'string' || Array.isArray(what) ? `${call} ${what}` : call);
        if (isLast && when === 'before') process.kill(process.pid, 'SIGKILL');
        const result = await value.apply(target, args);
        if (isLast && when === 'after') process.kill(process.pid, 'SIGKILL');
        return result;
      };
    },
  });
}

/** Writes synchronously: the line must be out even if the process is killed next. */
function say(line) {
  writeSync(1, `${JSON.stringify(line)}\n`);
}

const keyFile = join(folder, 'log.key');
const key = existsSync(keyFile) ? await LogKey.read(keyFile) : await LogKey.create(keyFile);
const staging = await SqliteStaging.open(join(folder, 'staging.sqlite'));
const log = pino({ level: 'silent' });
const { store, close } = await openStore({ kind: 'folder', folder: join(folder, 'store') }, log);
const writer = await Writer.open(
  {
    store: deadly('store', store),
    staging: deadly('staging', staging),
    key,
    origin: 'log.example',
    batchAge: 0,
    batchSize: 4096,
    maxPending: 4096,
    log,
    create: true,
  },
  new globalThis.AbortController().signal,
);
for (const batch of batches) {
  const [label, count] = batch.split(':');
  const entries = Array.from({ length: Number(count) }, (_, i) => encodeText(JSON.stringify({ label, i })));
  await Promise.all(
    entries.map(async (body) => {
      const leaf = leafHash(body);
      const { index, checkpoint } = await writer.submit({ body, leafHash: leaf });
      say({ leaf: encodeHex(leaf), index, size: checkpoint.size });
    }),
  );
}
const error = await writer.close();
const sequenced = (await staging.tree()).size;
const unpublished = (await staging.unpublished()).length;
await close();
await staging.close();
say({ calls, error: error?.message, sequenced, unpublished });
