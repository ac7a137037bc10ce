/**
 * Clients that hang up, stall, or send bodies that are expensive to read: none of them keeps another from the log.
 */
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { signedRequests } from '#bench/requests.js';

let daemon: Daemon;
let end: () => void;
let folderDone: Promise<void>;
const requests = signedRequests(4, 1);

beforeAll(async () => {
  await new Promise<void>((started, failed) => {
    folderDone = withFolder(async (folder) => {
      daemon = await startDaemon(join(folder, 'data'), ['--max-body', '16MiB']);
      const ended = new Promise<void>((resolve) => (end = resolve));
      started();
      await ended;
      await daemon.stop();
    });
    folderDone.catch(failed);
  });
});

afterAll(async () => {
  end();
  await folderDone;
});

function open(text: string | Buffer): Promise<Socket> {
  const { hostname, port } = new URL(daemon.url);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true }, () => {
      socket.write(text, () => {
        resolve(socket);
      });
    });
    socket.on('error', reject);
  });
}

function post(length: number, body: Buffer | string = ''): Buffer {
  const head = `POST /api/v2/log/entries HTTP/1.1\r\nHost: log\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head), Buffer.from(body)]);
}

async function logged(i: number): Promise<number> {
  const { status } = await fetch(`${daemon.url}/api/v2/log/entries`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: requests[i]?.toString() ?? '',
  });
  return status;
}

test('clients that leave after sending worthless bodies give back the memory they took', async () => {
  const junk = Buffer.alloc(8 * 1024 * 1024, '[');
  for (let round = 0; round < 20; round++) {
    const socket = await open(post(junk.length, junk));
    socket.destroy();
  }
  // If their memory were not released, these bodies would exceed the limit for all bodies together.
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await logged(0)).toBe(201);
});

test('clients that announce long bodies and send none take nothing', async () => {
  const sockets = await Promise.all(Array.from({ length: 64 }, () => open(post(16 * 1024 * 1024))));
  expect(await logged(1)).toBe(201);
  for (const socket of sockets) socket.destroy();
});

test('a connection that was refused is closed, though its client keeps its half open', async () => {
  const socket = await open('this is no HTTP\r\n\r\n');
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
  await new Promise((resolve) => socket.once('end', resolve));
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  // The server has closed the connection, and answers further bytes with a reset.
  const closed = new Promise((resolve) => socket.once('close', resolve));
  const writing = setInterval(() => socket.write('x'), 200);
  socket.on('error', () => undefined);
  await closed;
  clearInterval(writing);
});

test('a request of one string of 12 MiB is refused, and the one beside it is logged', async () => {
  const body = JSON.stringify({ hashedRekordRequestV002: 'a'.repeat(12 * 1024 * 1024) });
  const [refused, status] = await Promise.all([
    fetch(`${daemon.url}/api/v2/log/entries`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    }),
    logged(2),
  ]);
  expect(refused.status).toBe(400);
  expect(status).toBe(201);
});
