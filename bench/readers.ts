/**
 * Measures the cost of readers to a daemon: twenty that each read 100 bytes of a file of 16 MiB, and a thousand that
 * ask for the whole file and read nothing. `node dist/bench/readers.js [MAIN]` measures this build, or the one whose
 * `dist/cli/main.js` is MAIN. Runs on Linux only. Prints a table. Compare two builds on one machine.
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';

const MIB = 2 ** 20;
const FILE = 'tile/entries/000';
const main = process.argv[2] ?? fileURLToPath(new URL('../cli/main.js', import.meta.url));

/**
 * Runs in the daemon before its own code: answers each message with the event loop's longest stall since the last one.
 */
const STALLS = encodeURIComponent(`
  import { monitorEventLoopDelay } from 'node:perf_hooks';
  const delays = monitorEventLoopDelay({ resolution: 1 });
  delays.enable();
  process.on('message', () => {
    process.send(delays.max / 1e6);
    delays.reset();
  });
`);

interface Daemon {
  readonly url: string;
  readonly process: ChildProcess;
}

/** A daemon on a new log, with a file of 16 MiB in its store. */
async function startDaemon(folder: string): Promise<Daemon> {
  const args = ['serve', '--data', folder, '--listen', '127.0.0.1:0', '--log-level', 'silent'];
  const child = spawn(process.execPath, ['--import', `data:text/javascript,${STALLS}`, main, ...args], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  });
  const line = await new Promise<string>((settle) =>
    child.stdout?.once('data', (chunk: Buffer) => {
      settle(chunk.toString());
    }),
  );
  await mkdir(join(folder, 'store', 'tile', 'entries'), { recursive: true });
  await writeFile(join(folder, 'store', FILE), randomBytes(16 * MIB));
  return { url: /http:\S+/.exec(line)?.[0] ?? '', process: child };
}

/** The peak of a process's memory so far, in MiB. */
function peakOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s+([0-9]+) kB$/m.exec(status)?.[1]) / 1024;
}

/** The longest stall of a daemon's event loop since the last call, in milliseconds. */
function longestStall({ process: child }: Daemon): Promise<number> {
  return new Promise((settle) => {
    child.once('message', (longest) => {
      settle(Number(longest));
    });
    child.send('how long?');
  });
}

async function measure(what: string, use: (url: string) => Promise<string>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'stele-readers-'));
  const daemon = await startDaemon(folder);
  try {
    await (await request(`${daemon.url}/checkpoint`)).body.dump();
    const before = peakOf(daemon.process);
    await longestStall(daemon);
    const remark = await use(daemon.url);
    const grown = `${(peakOf(daemon.process) - before).toFixed(0)} MiB`;
    const stall = `${(await longestStall(daemon)).toFixed(0)} ms`;
    console.log(`${what.padEnd(38)} ${grown.padStart(11)} ${stall.padStart(14)}   ${remark}`);
  } finally {
    daemon.process.kill('SIGKILL');
    await new Promise((settle) => daemon.process.once('exit', settle));
    await rm(folder, { recursive: true, force: true });
  }
}

/** Asks for bytes of the file. Returns how many times each status came. */
async function readParts(url: string, times: number, range: string): Promise<string> {
  const headers = { range };
  const answers = await Promise.all(
    Array.from({ length: times }, async () => {
      const { statusCode, body } = await request(`${url}/${FILE}`, { headers });
      await body.dump({ limit: 64 * MIB });
      return statusCode;
    }),
  );
  return countsOf(answers.map(String));
}

/** Runs clients that ask for the file and read nothing, for some seconds. */
async function readNothing(url: string, clients: number): Promise<string> {
  const { hostname, port } = new URL(url);
  const sockets: Socket[] = [];
  for (let i = 0; i < clients; i++) {
    const socket = connect(Number(port), hostname).pause();
    socket.on('error', () => undefined);
    socket.write(`GET /${FILE} HTTP/1.1\r\nHost: log\r\n\r\n`);
    sockets.push(socket);
    if (i % 50 === 0) await sleep(10);
  }
  await sleep(5_000);
  const beside = await readParts(url, 1, 'bytes=0-99');
  for (const socket of sockets) socket.destroy();
  return `one beside them: ${beside}`;
}

function countsOf(words: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].map(([word, count]) => `${count} x ${word}`).join(', ');
}

console.log(`${'readers of a file of 16 MiB'.padEnd(38)} more memory  longest stall`);
await measure('20 that read 100 bytes each, at once', (url) => readParts(url, 20, 'bytes=0-99'));
await measure('20 that read 100 bytes each, 50 times', async (url) => {
  let last = '';
  for (let i = 0; i < 50; i++) last = await readParts(url, 20, 'bytes=5000000-5000099');
  return last;
});
await measure('20 that read all of it, at once', (url) => readParts(url, 20, 'bytes=0-'));
await measure('100 that take nothing', (url) => readNothing(url, 100));
await measure('1000 that take nothing', (url) => readNothing(url, 1_000));
