/**
 * A process that submits good entries at a steady rate, whatever the answers: `node steady-submitter.js URL PER_SECOND
 * SECONDS`. Prints one line of JSON. A submission's time counts from the moment at which it was due.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { signedRequests, submit } from './requests.js';

/** The measured times to an answer of 201, and the numbers of answers. */
export interface Steady {
  /** Milliseconds. */
  readonly p50: number;
  /** Milliseconds. */
  readonly p99: number;
  readonly logged: number;
  readonly refused: number;
}

const [url = '', perSecond = '200', seconds = '10'] = process.argv.slice(2);
const requests = signedRequests(Number(perSecond) * Number(seconds), 100);
const pool = new Pool(url, { connections: 500 });
const times: number[] = [];
let refused = 0;

async function measure(body: Buffer, due: number): Promise<void> {
  try {
    const { status } = await submit(pool, body);
    if (status === 201) times.push(performance.now() - due);
    else refused++;
  } catch {
    refused++;
  }
}

const started = performance.now();
const submitted: Promise<void>[] = [];
for (const [i, body] of requests.entries()) {
  const due = started + (i * 1000) / Number(perSecond);
  const early = due - performance.now();
  if (early > 0) await sleep(early);
  submitted.push(measure(body, due));
}
await Promise.all(submitted);
await pool.close();
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Infinity;
const measured: Steady = { p50: at(0.5), p99: at(0.99), logged: times.length, refused };
console.log(JSON.stringify(measured));
