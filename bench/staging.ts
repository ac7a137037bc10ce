/**
 * Measures staging's cost on disk and in time: `node dist/bench/staging.js [BATCHES]`, by default 200,000 batches of
 * one entry. Uses a folder below TMPDIR. Most of the time is that of fsync.
 * @module
 */
import { createHash } from 'node:crypto';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LeafTable } from '../writer/staging/leaf-table.js';
import { SqliteStaging } from '../writer/staging/staging.js';

/** Entries between two rounds of deleting partial objects. */
const COLLECTED_EVERY = 4_096;
const CLAIM = Buffer.alloc(8_192, 1);

function leafOf(index: number): Buffer {
  return createHash('sha256').update(`leaf ${index}`).digest();
}

/**
 * Runs batches of `width` entries through staging. Returns microseconds an entry for `sequence` and `markPublished`.
 */
async function run(file: string, batches: number, width: number) {
  const staging = await SqliteStaging.open(file);
  await staging.create({ origin: 'bench.example', verifierKey: '', created: 1 });
  let [sequence, publish] = [0, 0];
  for (let i = 0; i < batches; i++) {
    const [oldSize, size] = [i * width, (i + 1) * width];
    const leaves = Array.from({ length: width }, (_, j) => leafOf(oldSize + j));
    const batch = { oldSize, size, root: leafOf(-i), time: 1_700_000_000_000 + i, claim: CLAIM };
    const begun = performance.now();
    await staging.sequence(batch, leaves);
    const sequenced = performance.now();
    await staging.markPublished(oldSize);
    publish += performance.now() - sequenced;
    sequence += sequenced - begun;
    staging.claimDropped(oldSize);
    if (size % COLLECTED_EVERY === 0) await staging.markCollected(size);
  }
  await staging.close();
  const entries = batches * width;
  return { sequence: (sequence * 1000) / entries, publish: (publish * 1000) / entries };
}

async function timeToOpen(file: string): Promise<number> {
  const begun = performance.now();
  const staging = await SqliteStaging.open(file);
  const time = performance.now() - begun;
  await staging.close();
  return time;
}

/**
 * Fills a leaf table with `leaves` leaves, three times. Returns its bytes a leaf, and the longest time of adding one
 * leaf. Each leaf counts with the shortest of its three times, which excludes pauses by other processes.
 */
function growTables(leaves: number): { longest: number; bytes: number } {
  const times = new Float64Array(leaves).fill(Infinity);
  let bytes = 0;
  for (let round = 0; round < 3; round++) {
    const table = new LeafTable();
    for (let i = 0; i < leaves; i++) {
      const hash = leafOf(i);
      const begun = performance.now();
      table.add(hash, i);
      times[i] = Math.min(times[i] ?? Infinity, performance.now() - begun);
    }
    bytes = table.bytes / leaves;
  }
  return { longest: times.reduce((longest, time) => Math.max(longest, time), 0), bytes };
}

const batches = Number(process.argv[2] ?? 200_000);
const folder = await mkdtemp(join(tmpdir(), 'stele-bench-'));
try {
  const file = join(folder, 'ones.sqlite');
  const ones = await run(file, batches, 1);
  const { size } = await stat(file);
  console.log(`${batches} batches of one: ${(size / batches).toFixed(1)} bytes an entry on disk`);
  console.log(`time to open: ${(await timeToOpen(file)).toFixed(0)} ms`);
  const wide = await run(join(folder, 'wide.sqlite'), 100, 1_024);
  console.log('us an entry   sequence   mark published');
  for (const [name, { sequence, publish }] of [
    ['1', ones],
    ['1024', wide],
  ] as const) {
    console.log(
      `batches of ${name.padEnd(5)} ${sequence.toFixed(1).padStart(6)} ${publish.toFixed(1).padStart(15)}`,
    );
  }
  const { longest, bytes } = growTables(5_000_000);
  console.log(
    `leaf table at 5,000,000: ${bytes.toFixed(1)} bytes a leaf, the longest add ${longest.toFixed(2)} ms`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}
