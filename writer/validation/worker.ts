/**
 * The program of a validating thread. It keeps nothing from one message to the next.
 * @module
 */
import { parentPort, workerData } from 'node:worker_threads';
import { proposeEntry } from '../../src/requests/rekor-v2/create-entry-request.js';
import { nodeSuite } from '../../src/signatures/node/suite.js';
import { PROGRESS, unpack, type Packed } from './message.js';
import { packResults } from './results.js';
import { validateInGroups } from './validate.js';

const progress = workerData as Int32Array;

function onRequest(place: number | undefined): void {
  Atomics.add(progress, PROGRESS.steps, 1);
  Atomics.store(progress, PROGRESS.request, place === undefined ? 0 : place + 1);
}

const propose = (request: Uint8Array) => proposeEntry(request, nodeSuite);

parentPort?.on('message', (requests: Packed) => void answer(requests));

async function answer(requests: Packed): Promise<void> {
  for (const group of validateInGroups(unpack(requests), propose, onRequest)) {
    const results = packResults(group instanceof Promise ? await group : group);
    parentPort?.postMessage(results, [results.entries.bytes.buffer]);
  }
  onRequest(undefined);
}
