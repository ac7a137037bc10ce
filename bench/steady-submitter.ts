/**
 * A process that submits good entries at a steady rate, whatever the answers: `node steady-submitter.js URL PER_SECOND
 * SECONDS`. Prints one line of JSON. A submission's time counts from when it was due.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { signedRequests } from './requests.js';

/** What it measured: milliseconds to the answer 201, and how many had others. */
export interface Steady {
  readonly p50: number;
  readonly p99: number;
  readonly logged: number;
  readonly refused: number;
}

const [url = '', perSecond = '200', seconds = '10'] = process.argv.slice(2);
const requests = signedRequests(Number(perSecond) * Number(seconds), 100);
const pool = new Pool(url, { connections: 500 });
const times: number[] = [];
let refused = 0;

async function submit(body: Buffer, due: number): Promise<void> {
  try {
    const answer = await pool.request({
      method: 'POST',
      path: '/api/v2/log/entries',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await answer.body.dump();
    if (answer.statusCode === 201) times.push(performance.now() - due);
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
  submitted.push(submit(body, due));
}
await Promise.all(submitted);
await pool.close();
times.sort((a, b) => a - b);
const at = (share: number) => times[Math.floor(share * (times.length - 1))] ?? Infinity;
const measured: Steady = { p50: at(0.5), p99: at(0.99), logged: times.length, refused };
console.log(JSON.stringify(measured));
