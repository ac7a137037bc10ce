/**
 * A process that submits requests to a log: `node submitters.js URL COUNT CONNECTIONS`. Prints one line of JSON.
 * @module
 */
import { Pool } from 'undici';
import { signedRequests } from './requests.js';

const [url = '', count = '1000', connections = '64'] = process.argv.slice(2);
const requests = signedRequests(Number(count), 1000);
const pool = new Pool(url, { connections: Number(connections) });
const latencies: number[] = [];
let next = 0;

async function submit(): Promise<void> {
  for (let body = requests[next++]; body !== undefined; body = requests[next++]) {
    const started = performance.now();
    for (;;) {
      const answer = await pool.request({
        method: 'POST',
        path: '/api/v2/log/entries',
        headers: { 'content-type': 'application/json' },
        body,
      });
      await answer.body.dump();
      if (answer.statusCode === 201) break;
      if (answer.statusCode !== 503) throw new Error(`status ${answer.statusCode}`);
      await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers['retry-after'])));
    }
    latencies.push(performance.now() - started);
  }
}

const started = performance.now();
await Promise.all(Array.from({ length: Number(connections) }, submit));
const seconds = (performance.now() - started) / 1000;
await pool.close();
latencies.sort((a, b) => a - b);
const at = (share: number) => latencies[Math.floor(share * (latencies.length - 1))];
console.log(JSON.stringify({ perSecond: requests.length / seconds, p50: at(0.5), p99: at(0.99), seconds }));
