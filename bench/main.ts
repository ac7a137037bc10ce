/**
 * Measures the cost of an entry, stage by stage and end to end: `npm run bench`. Prints a table, and writes it to
 * `bench/results.json` for programs. Compare ratios within a run: machines differ, and one machine varies by the hour.
 * @module
 */
import { execFile, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { LogKey } from '../src/keys/node/log-key.js';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import { proposeEntry } from '../src/requests/rekor-v2/create-entry-request.js';
import { nodeSuite } from '../src/signatures/node/suite.js';
import type { ProposedEntry } from '../src/requests/proposal.js';
import { FolderStore } from '../src/store/folder.js';
import { leafHash } from '../tiles-spec/index.js';
import { buildBatch, EMPTY_TAIL, type NewEntry } from '../writer/batch.js';
import { validateInGroups } from '../writer/validation/validate.js';
import { SqliteStaging } from '../writer/staging/staging.js';
import { signedRequests } from './requests.js';

const ENTRIES = 8_192;
const BATCH = 1_024;

interface Row {
  readonly stage: string;
  readonly microseconds: number;
}

async function time(stage: string, entries: number, work: () => unknown): Promise<Row> {
  const started = performance.now();
  await work();
  return { stage, microseconds: ((performance.now() - started) * 1000) / entries };
}

const propose = (request: Uint8Array) => proposeEntry(request, nodeSuite);

async function validated(requests: readonly Uint8Array[]): Promise<ProposedEntry[]> {
  const entries: ProposedEntry[] = [];
  for (const group of validateInGroups(requests, propose)) {
    for (const { entry } of await group) {
      if (entry instanceof Error) throw entry;
      entries.push(entry);
    }
  }
  return entries;
}

/** Measures the stages of the write path, each alone, on one thread. */
async function stages(folder: string): Promise<Row[]> {
  const requests = signedRequests(ENTRIES, 1000);
  await validated(requests.slice(0, 512));
  const entries: NewEntry[] = [];
  const rows = [
    await time('check: parse, verify, canonical body (batches of 64)', ENTRIES, async () => {
      for (let at = 0; at < ENTRIES; at += 64) {
        for (const { body } of await validated(requests.slice(at, at + 64)))
          entries.push({ body, leafHash: leafHash(body, opensslSha256) });
      }
    }),
  ];
  const key = await LogKey.create(join(folder, 'key'));
  const [signer, verifier] = [key.signer('bench.example'), key.verifier('bench.example')];
  const built: Awaited<ReturnType<typeof buildBatch>>[] = [];
  rows.push(
    await time(`build: tiles, bundles, checkpoint (batches of ${BATCH})`, ENTRIES, async () => {
      let tail = EMPTY_TAIL;
      for (let at = 0; at < ENTRIES; at += BATCH) {
        const batch = await buildBatch(tail, entries.slice(at, at + BATCH), 1, signer, verifier);
        built.push(batch);
        tail = batch.tail;
      }
    }),
  );
  const staging = await SqliteStaging.open(join(folder, 'staging.sqlite'));
  await staging.create({ origin: 'bench.example', verifierKey: '', created: 1 });
  rows.push(
    await time('sequence: staging, one transaction a batch', ENTRIES, async () => {
      for (const { batch } of built) {
        const { size, root } = batch.checkpoint;
        const hashes = entries.slice(batch.oldSize, size).map((entry) => entry.leafHash);
        await staging.sequence({ oldSize: batch.oldSize, size, root, time: 1, claim: batch.claim }, hashes);
        await staging.markPublished(batch.oldSize);
      }
    }),
  );
  await staging.close();
  const store = new FolderStore(join(folder, 'store'));
  rows.push(
    await time('publish: claim, objects, checkpoint, in a folder', ENTRIES, async () => {
      for (const { batch } of built) {
        await store.create(`staging/${batch.oldSize}`, batch.claim);
        await Promise.all(batch.objects.map(({ path, bytes }) => store.create(path, bytes)));
        await store.replace('checkpoint', batch.checkpoint.bytes, (await store.read('checkpoint'))?.etag);
        await store.delete([`staging/${batch.oldSize}`]);
      }
    }),
  );
  rows.push(
    await time('prove: inclusion proofs of a batch', ENTRIES, () => {
      for (const { batch, tree } of built) {
        for (let index = batch.oldSize; index < batch.checkpoint.size; index++) tree.inclusionProof(index);
      }
    }),
  );
  return rows;
}

/** Measures the daemon, under load from a process of its own. */
async function endToEnd(folder: string, connections: number) {
  const main = fileURLToPath(new URL('../cli/main.js', import.meta.url));
  const submitters = fileURLToPath(new URL('./submitters.js', import.meta.url));
  const daemon = spawn(
    process.execPath,
    [
      '--max-semi-space-size=64',
      main,
      'serve',
      '--data',
      join(folder, `data-${connections}`),
      '--listen',
      '127.0.0.1:0',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  try {
    const line = await new Promise<string>((resolve) =>
      daemon.stdout.once('data', (chunk: Buffer) => {
        resolve(chunk.toString());
      }),
    );
    const [url = ''] = /http:\S+/.exec(line) ?? [];
    // Enough for some seconds: every connection waits for one batch at a time.
    const count = 20 * connections;
    const { stdout } = await promisify(execFile)(process.execPath, [
      submitters,
      url,
      String(count),
      String(connections),
    ]);
    const measured = JSON.parse(stdout) as { perSecond: number; p50: number; p99: number };
    return { connections, ...measured, cpuMicroseconds: (cpuSeconds(daemon.pid) * 1e6) / count };
  } finally {
    daemon.kill();
    await new Promise((resolve) => daemon.once('exit', resolve));
  }
}

/** Processor seconds of a process so far, from Linux's /proc; NaN on other systems. */
function cpuSeconds(pid: number | undefined): number {
  if (process.platform !== 'linux') return NaN;
  const fields =
    readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
      .split(') ')[1]
      ?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'));
try {
  const rows = await stages(folder);
  const whole = rows.reduce((sum, { microseconds }) => sum + microseconds, 0);
  console.log(`${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} processors, Node ${process.version}\n`);
  console.log('us an entry   share   stage (alone, one thread)');
  for (const { stage, microseconds } of rows) {
    const share = `${((100 * microseconds) / whole).toFixed(0)} %`;
    console.log(`${microseconds.toFixed(1).padStart(11)} ${share.padStart(7)}   ${stage}`);
  }
  console.log(
    '\nconnections   entries/s   p50 ms   p99 ms   server CPU us an entry (end to end, load on the same machine)',
  );
  const loads = [];
  for (const connections of [1, 64, 512, 2048]) {
    const load = await endToEnd(folder, connections);
    loads.push(load);
    const { perSecond, p50, p99, cpuMicroseconds } = load;
    console.log(
      `${String(connections).padStart(11)} ${perSecond.toFixed(0).padStart(11)} ${p50.toFixed(0).padStart(8)} ${p99.toFixed(0).padStart(8)}   ${cpuMicroseconds.toFixed(0)}`,
    );
  }
  writeFileSync(
    'bench/results.json',
    `${JSON.stringify({ node: process.version, processor: cpus()[0]?.model, stages: rows, loads }, null, 2)}\n`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
