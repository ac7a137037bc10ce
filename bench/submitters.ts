/**
 * A process that submits requests to a log: `node submitters.js URL COUNT CONNECTIONS`. Prints one line of JSON.
 * @module
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { signedRequests, submit } from './requests.js';

const [url = '', count = '1000', connections = '64'] = process.argv.slice(2);
const requests = signedRequests(Number(count), 1000);
const pool = new Pool(url, { connections: Number(connections) });
const latencies: number[] = [];
let next = 0;

async function submitInTurn(): Promise<void> {
  for (let body = requests[next++]; body !== undefined; body = requests[next++]) {
    const started = performance.now();
    for (;;) {
      const { status, retryAfter } = await submit(pool, body);
      if (status === 201) break;
      if (status !== 503) throw new Error(`status ${status}`);
      await sleep(retryAfter);
    }
    latencies.push(performance.now() - started);
  }
}

const started = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, submitInTurn));
const seconds = (performance.now() - started) / 1000;
await pool.close();
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))];
console.log(JSON.stringify({ perSecond: requests.length / seconds, p50: at(0.5), p99: at(0.99), seconds }));
