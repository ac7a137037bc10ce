/**
 * Readers of small parts of a long file, and readers who never take the bytes that they asked for: neither costs the
 * daemon memory beyond its limit, nor keeps others waiting.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { send } from '../support/http.js';

const MIB = 2 ** 20;
const FILE = 'tile/entries/000';
const isLinux = process.platform === 'linux';

/** A daemon in whose store there is a file of 16 MiB. */
function withLongFile(use: (daemon: Daemon, bytes: Buffer) => Promise<void>): Promise<void> {
  return withFolder(async (data) => {
    const daemon = await startDaemon(data);
    const bytes = randomBytes(16 * MIB);
    await mkdir(join(data, 'store', 'tile', 'entries'), { recursive: true });
    await writeFile(join(data, 'store', FILE), bytes);
    try {
      await send(daemon.url, 'GET', '/checkpoint');
      await use(daemon, bytes);
    } finally {
      await daemon.stop('SIGKILL');
    }
  });
}

/** The peak of a daemon's memory so far, in bytes. */
function peakOf({ process: { pid } }: Daemon): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(status)?.[1]) * 1024;
}

/** A client that asks for a file and reads none of the answer. */
async function askAndWait(url: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname).pause();
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  socket.write(`GET /${FILE} HTTP/1.1\r\nHost: log\r\n\r\n`);
  return socket;
}

it.runIf(isLinux)('twenty clients that read 100 bytes each of 16 MiB cost what they read', () =>
  withLongFile(async (daemon, bytes) => {
    const before = peakOf(daemon);
    for (let round = 0; round < 5; round++) {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () =>
          send(daemon.url, 'GET', `/${FILE}`, null, { range: 'bytes=9000000-9000099' }),
        ),
      );
      for (const { status, body } of answers) {
        expect(status).toBe(206);
        expect(body.equals(bytes.subarray(9_000_000, 9_000_100))).toBe(true);
      }
      expect((await send(daemon.url, 'HEAD', `/${FILE}`)).headers['content-length']).toBe(String(16 * MIB));
    }
    expect(peakOf(daemon) - before).toBeLessThan(100 * MIB);
  }),
);

it.runIf(isLinux)('a thousand clients that take nothing hold no more than 128 MiB, and others read on', () =>
  withLongFile(async (daemon, bytes) => {
    const before = peakOf(daemon);
    const sockets = await Promise.all(Array.from({ length: 1_000 }, () => askAndWait(daemon.url)));
    await sleep(3_000);
    // Other readers are served meanwhile.
    expect((await send(daemon.url, 'GET', '/checkpoint')).status).toBe(200);
    const { body } = await send(daemon.url, 'GET', `/${FILE}`);
    expect(body.equals(bytes)).toBe(true);
    // Beside the memory of answers there is garbage that has not been collected yet.
    expect(peakOf(daemon) - before).toBeLessThan(400 * MIB);
    for (const socket of sockets) socket.destroy();
    expect(daemon.log()).not.toMatch(/Warning/);
  }),
);

it('requests behind one another on a connection hold no more than the first of them', () =>
  withLongFile(async (daemon) => {
    // 4,000 requests on each of 8 connections, each for 64 KiB that the client does not read.
    const ask = `GET /${FILE} HTTP/1.1\r\nHost: log\r\n\r\n`;
    const { hostname, port } = new URL(daemon.url);
    for (let i = 0; i < 8; i++) {
      const socket = connect(Number(port), hostname).pause();
      socket.on('error', () => undefined);
      socket.write(ask.repeat(4_000));
      await sleep(100);
      // The client leaves before the answer: nothing of the request may stay in memory.
      if (i % 2 === 0) socket.destroy();
    }
    // Longer than a busy machine takes, and shorter than a client may take for so long a file.
    await vi.waitFor(
      async () => {
        expect((await send(daemon.url, 'GET', `/${FILE}`, null, { range: 'bytes=5-' })).status).toBe(206);
      },
      { timeout: 20_000, interval: 500 },
    );
    expect(daemon.log()).not.toMatch(/Warning/);
  }));
