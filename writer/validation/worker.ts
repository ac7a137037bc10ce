/**
 * The program of a validating thread. It keeps nothing from one message to the next.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { InvalidEntryError } from '../../src/errors.js';
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import { proposeEntry } from '../../src/requests/rekor-v2/create-entry-request.js';
import { nodeSuite } from '../../src/signatures/node/suite.js';
import { leafHash } from '../../tiles-spec/index.js';
import { pack, PROGRESS, unpack, type Answer, type Packed, type Result } from './message.js';
import { validateInGroups, type Outcome } from './validate.js';

const progress = workerData as Int32Array;

function onRequest(place: number | undefined): void {
  Atomics.add(progress, PROGRESS.steps, 1);
  Atomics.store(progress, PROGRESS.request, place === undefined ? 0 : place + 1);
}

const propose = (request: Uint8Array) => proposeEntry(request, nodeSuite);

parentPort?.on('message', (requests: Packed) => void answer(requests));

async function answer(requests: Packed): Promise<void> {
  for (const group of validateInGroups(unpack(requests), propose, onRequest)) {
    const packed = answerOf(group instanceof Promise ? await group : group);
    parentPort?.postMessage(packed, [packed.entries.bytes.buffer]);
  }
  onRequest(undefined);
}

function answerOf(outcomes: readonly Outcome[]): Answer {
  const results: Result[] = [];
  const strings: Uint8Array[][] = [];
  for (const { place, entry, cost } of outcomes) {
    if (entry instanceof Error) {
      results.push({ place, cost, error: entry.message, invalid: entry instanceof InvalidEntryError });
    } else {
      const { kind, version, body } = entry;
      results.push({ place, cost, kind, version });
      strings.push([body, leafHash(body, opensslSha256)]);
    }
  }
  return { results, entries: pack(strings) };
}
