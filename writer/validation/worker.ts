/**
 * The thread that checks requests. It keeps nothing from one message to the next.
 * @module
 */
import { parentPort } from 'node:worker_threads';
import { InvalidEntryError } from '../../src/errors.js';
import { nodeSha256 } from '../../src/node-sha256.js';
import { leafHash } from '../../tiles-spec/index.js';
import { checkRequests } from './check.js';
import { pack, unpack, type CheckAnswer, type CheckResult, type Packed } from './message.js';

parentPort?.on('message', (requests: Packed) => {
  const results: CheckResult[] = [];
  const strings: Uint8Array[] = [];
  for (const checked of checkRequests(unpack(requests))) {
    if (checked instanceof Error) {
      results.push({ error: checked.message, invalid: checked instanceof InvalidEntryError });
    } else {
      results.push({ kind: checked.kind, version: checked.version });
      strings.push(checked.body, leafHash(checked.body, nodeSha256));
    }
  }
  const answer: CheckAnswer = { results, entries: pack(strings) };
  parentPort?.postMessage(answer, [answer.entries.bytes.buffer]);
});
