/**
 * Torchwood's client reads the whole log, and authenticates each entry.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withMirror } from './altered-mirror.js';
import { expectRefusal, expectSuccess, run } from './program.js';
import { startLog, type ServedLog } from './served-log.js';
import { describeWithTools } from './with-tools.js';

describeWithTools(['torchwood'], 'torchwood', (tools) => {
  let log: ServedLog;

  const read = (where: string, verifierKey = log.daemon.verifierKey) =>
    run(tools('torchwood'), ['-vkey', verifierKey, where], log.folder);

  beforeAll(async () => {
    log = await startLog();
    await log.add(600);
  });
  afterAll(() => log.stop());

  it('authenticates every entry over HTTP', async () => {
    expect(expectSuccess(await read(log.url))).toBe('authenticated 600 entries\n');
  });

  it("authenticates every entry under Rekor's path", async () => {
    expect(expectSuccess(await read(`${log.url}/api/v2`))).toBe('authenticated 600 entries\n');
  });

  it('authenticates every entry in the folder of the store', async () => {
    expect(expectSuccess(await read(log.store))).toBe('authenticated 600 entries\n');
  });

  it("refuses another log's key", async () => {
    const other = await startLog();
    try {
      expectRefusal(await read(log.url, other.daemon.verifierKey), /^checkpoint: /);
    } finally {
      await other.stop();
    }
  });

  it.each([
    ['checkpoint', { path: /^\/checkpoint$/, at: 20 }, /^checkpoint: /],
    ['full tile', { path: /^\/tile\/0\/000$/, at: 0 }, /hash mismatch for entry 0|inconsistent tile/],
    ['partial tile', { path: /^\/tile\/0\/002\.p\/\d+$/, at: -1 }, /^entries: .*inconsistent tile/],
    ['tile of a higher level', { path: /^\/tile\/1\//, at: 0 }, /^entries: .*inconsistent tile/],
    ['full entry bundle', { path: /^\/tile\/entries\/000$/, at: -1 }, /hash mismatch for entry 255/],
    ['partial entry bundle', { path: /^\/tile\/entries\/002\.p\//, at: -1 }, /hash mismatch for entry 599/],
  ])('refuses a mirror where one byte of a %s is changed', async (_file, altered, words) => {
    await withMirror(log.url, altered, async (url) => {
      expectRefusal(await read(url), words);
    });
  });

  it('refuses a copy of the store where one byte of a tile is changed', async () => {
    const copy = join(log.folder, 'copy');
    await cp(log.store, copy, { recursive: true });
    expectSuccess(await read(copy));
    const tile = join(copy, 'tile', '0', '001');
    const bytes = await readFile(tile);
    bytes.writeUInt8(bytes.readUInt8(100) ^ 1, 100);
    // It cannot be written to, for it never changes.
    await rm(tile);
    await writeFile(tile, bytes);
    expectRefusal(await read(copy), /does not match Merkle tree|inconsistent tile/);
  });
});
