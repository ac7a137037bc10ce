/**
 * A process that attacks a log until it is killed: `node attacker.js URL ATTACK CONNECTIONS`. On each connection it
 * sends one request again and again, each as soon as the last was answered. `hold` sends all but the last byte of a
 * body of 4 MiB, and waits.
 * @module
 */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'undici';
import { ATTACKS, type Attack } from './attacks.js';

const [url = '', attack = '', connections = '1'] = process.argv.slice(2);
const PATH = '/api/v2/log/entries';

async function submitForEver(body: Buffer): Promise<void> {
  const client = new Client(url);
  for (;;) {
    await client
      .request({ method: 'POST', path: PATH, headers: { 'content-type': 'application/json' }, body })
      .then((answer) => answer.body.dump())
      .catch(() => sleep(10));
  }
}

async function holdForEver(): Promise<void> {
  const { hostname, port } = new URL(url);
  const length = 4 * 1024 * 1024;
  const head = `POST ${PATH} HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const body = Buffer.alloc(length - 1, ' ');
  for (;;) {
    await new Promise<void>((resolve) => {
      const socket = connect(Number(port), hostname);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        resolve();
      });
      // Begin again after any answer or error.
      socket.once('data', () => socket.destroy());
      socket.write(head);
      socket.write(body);
    });
  }
}

const body = attack === 'hold' ? undefined : Buffer.from(ATTACKS[attack as Attack]());
// Measuring may begin only now: making the request may have taken seconds.
console.log('ready');
await Promise.all(
  Array.from({ length: Number(connections) }, () =>
    body === undefined ? holdForEver() : submitForEver(body),
  ),
);
