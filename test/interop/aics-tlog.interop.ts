/**
 * Aics-tlog, in Python, audits the whole log: every tile and every entry, against the signed checkpoint.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { serveAsTheyLie } from '../support/cli.js';
import { withMirror } from './altered-mirror.js';
import { expectRefusal, expectSuccess, run } from './program.js';
import { startLog, type ServedLog } from './served-log.js';
import { describeWithTools } from './with-tools.js';

const DRIVER = join(import.meta.dirname, 'python', 'aics_audit.py');

describeWithTools(['python-aics'], 'aics-tlog', (tools) => {
  let log: ServedLog;

  const audit = (url: string, verifierKey = log.daemon.verifierKey) =>
    run(tools('python-aics'), [DRIVER, url, verifierKey], log.folder);

  beforeAll(async () => {
    log = await startLog();
    await log.add(600);
  });
  afterAll(() => log.stop());

  it('authenticates every entry', async () => {
    expect(expectSuccess(await audit(log.url))).toBe('authenticated 600 entries in 3 bundles\n');
  });

  it("refuses another log's key", async () => {
    const other = await startLog();
    try {
      expectRefusal(await audit(log.url, other.daemon.verifierKey), /^checkpoint: /m);
    } finally {
      await other.stop();
    }
  });

  it.each([
    ['checkpoint', { path: /^\/checkpoint$/, at: 20 }, /^checkpoint: |Error/m],
    ['full tile', { path: /^\/tile\/0\/000$/, at: 0 }, /TileVerificationError|TileUnavailableError/],
    [
      'partial tile',
      { path: /^\/tile\/0\/002\.p\/\d+$/, at: -1 },
      /TileVerificationError|TileUnavailableError/,
    ],
    [
      'full entry bundle',
      { path: /^\/tile\/entries\/000$/, at: -1 },
      /TileVerificationError|TileUnavailableError/,
    ],
  ])('refuses a mirror where one byte of a %s is changed', async (_file, altered, words) => {
    await withMirror(log.url, altered, async (url) => {
      expectRefusal(await audit(url), words);
    });
  });

  it('cannot read bundles that a server does not say to be gzip, of which stele fsck warns', async () => {
    const server = await serveAsTheyLie(log.store);
    try {
      expectRefusal(await audit(server.url), /TileUnavailableError/);
    } finally {
      server.close();
    }
  });
});
