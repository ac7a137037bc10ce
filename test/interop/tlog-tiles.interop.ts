/**
 * Cloudflare's tlog_tiles, in Rust, reads the folder of the store.
 */
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectRefusal, expectSuccess, run } from './program.js';
import { startLog, type ServedLog } from './served-log.js';
import { describeWithTools } from './with-tools.js';

describeWithTools(['tlog-tiles'], "Cloudflare's tlog_tiles", (tools) => {
  let log: ServedLog;
  const read = (folder: string) => run(tools('tlog-tiles'), [folder], log.folder);

  beforeAll(async () => {
    log = await startLog();
    await log.add(600);
  });
  afterAll(() => log.stop());

  it('authenticates every entry', async () => {
    expect(expectSuccess(await read(log.store))).toBe('authenticated 600 entries\n');
  });

  it.each([
    ['checkpoint', 'checkpoint', /malformed checkpoint|inconsistent tile/, -130],
    // Version 0.2.0 does not authenticate this tile: it is the entry that differs from it.
    ['full tile', 'tile/0/000', /not the one in the tree/, 0],
    ['partial tile', 'tile/0/002.p/88', /inconsistent tile/, -1],
    ['tile of a higher level', 'tile/1/000.p/2', /inconsistent tile/, 0],
    ['bundle', 'tile/entries/001', /corrupt|invalid|not the one in the tree/, 100],
  ])('refuses a copy with one byte changed: in a %s', async (_what, path, words, at) => {
    const copy = join(log.folder, 'copy');
    await rm(copy, { recursive: true, force: true });
    await cp(log.store, copy, { recursive: true });
    const bytes = await readFile(join(copy, path));
    const place = (at + bytes.length) % bytes.length;
    bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
    // It cannot be written to, for it never changes.
    await rm(join(copy, path));
    await writeFile(join(copy, path), bytes);
    expectRefusal(await read(copy), words);
  });
});
