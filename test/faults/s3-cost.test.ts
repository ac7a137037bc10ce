/**
 * The cost of a log in a bucket, counted before a real S3 server and compared with docs/deploy.md.
 */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, vi } from 'vitest';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { S3Proxy, type Call } from '../support/faulty-s3.js';
import { describeWithS3 } from '../support/with-s3.js';
import { log, send } from '../support/http.js';
import { hashedRekordRequest } from '../support/submission.js';

/** Tolerance for byte counts: signatures are random, and so their lengths vary. */
const TOLERANCE = 0.03;

/** Batches of each size that fill entry bundles: after so many, the costs repeat. */
const CYCLES = [
  { entries: 1, batches: 256 },
  { entries: 20, batches: 64 },
  { entries: 200, batches: 32 },
];

/** The table behind a comment of docs/deploy.md: its rows by their first cell, their cells by the column's title. */
function table(comment: string): Map<string, Record<string, number>> {
  const page = readFileSync('docs/deploy.md', 'utf8');
  const text = page.split(`<!-- ${comment}: a test counts them -->\n`)[1]?.trimStart().split('\n\n')[0];
  assert.ok(text, `docs/deploy.md has no table "${comment}"`);
  const [titles = [], , ...rows] = text.split('\n').map((row) =>
    row
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim()),
  );
  return new Map(
    rows.map(([first = '', ...cells]) => [
      first,
      Object.fromEntries(cells.map((cell, i) => [titles[i + 1] ?? '', Number(cell.replaceAll(',', ''))])),
    ]),
  );
}

const BATCH = table('calls of a batch');
const AT_REST = table('calls of a log at rest');

const isClaim = ({ path }: Call) => /^staging\/\d+$/.test(path);
const deletedClaims = (calls: readonly Call[]) =>
  calls.filter((call) => call.kind === 'delete' && call.status === 204 && isClaim(call));
const isPartial = (path: string) => path.includes('.p/');

/** A request for an entry by a new key. */
function newRequest(): object {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const artifact = randomBytes(32);
  return hashedRekordRequest(
    createHash('sha256').update(artifact).digest(),
    sign('sha256', artifact, privateKey),
    {
      form: 'publicKey',
      der: publicKey.export({ format: 'der', type: 'spki' }),
      keyDetails: 'PKIX_ECDSA_P256_SHA_256',
    },
  );
}

describeWithS3('docs/deploy.md says what a bucket is asked', async (server) => {
  const bucket = await server.newBucket();
  let logs = 0;

  /** Runs `use` with a daemon whose calls to the bucket are recorded. */
  async function withDaemon(
    args: readonly string[],
    use: (daemon: Daemon, proxy: S3Proxy) => Promise<void>,
  ): Promise<void> {
    const prefix = `log-${logs++}/`;
    const proxy = await S3Proxy.start(server.endpoint, { bucket, prefix });
    const place = ['--store', `s3://${bucket}/${prefix}`, '--s3-endpoint', proxy.url, '--s3-path-style'];
    try {
      await withFolder(async (data) => {
        const daemon = await startDaemon(
          data,
          [...place, '--log-level', 'warn', ...args],
          server.environment,
        );
        try {
          await use(daemon, proxy);
        } finally {
          expect(await daemon.stop()).toBe(0);
        }
      });
    } finally {
      await proxy.stop();
    }
  }

  /** Submits one batch, and waits until the daemon makes no more calls. */
  async function publish(daemon: Daemon, proxy: S3Proxy, entries: number): Promise<void> {
    const before = deletedClaims(proxy.calls).length;
    // Make the requests first, so that all arrive within the batch's age.
    const requests = Array.from({ length: entries }, newRequest);
    await Promise.all(requests.map((request) => log(daemon.url, request)));
    await vi.waitFor(
      () => {
        expect(deletedClaims(proxy.calls).length).toBeGreaterThan(before);
      },
      { timeout: 60_000, interval: 2 },
    );
  }

  describe.concurrent('of a batch', () => {
    it('in just these sizes', () => {
      expect([...BATCH.keys()]).toEqual(CYCLES.map(({ entries }) => String(entries)));
    });

    for (const { entries, batches } of CYCLES) {
      it(`of ${entries}, on the average of ${batches}`, async () => {
        // A full batch is cut at once, and so has exactly this number of entries.
        const sizes = ['--batch-size', String(entries), '--batch-age', '3s'];
        await withDaemon([...sizes, '--partial-grace', '1s'], async (daemon, proxy) => {
          // The first batch is cut at once.
          await publish(daemon, proxy, 1);
          const first = proxy.calls.length;
          for (let batch = 0; batch < batches; batch++) await publish(daemon, proxy, entries);
          const calls = proxy.calls.slice(first);
          const puts = calls.filter(({ kind }) => kind === 'create' || kind === 'swap');
          expect(puts.filter(isClaim)).toHaveLength(batches);
          const partial = puts.filter(({ path }) => isPartial(path));
          const kept = puts.filter(({ path }) => path.startsWith('tile/') && !isPartial(path));
          const perBatch = (calls: readonly Call[]) => Math.round((10 * calls.length) / batches) / 10;
          const perEntry = (calls: readonly Call[]) =>
            calls.reduce((total, { bytes }) => total + bytes, 0) / (entries * batches);
          const {
            'bytes put an entry': putSaid,
            'bytes kept an entry': keptSaid,
            ...callsSaid
          } = saidOf(entries);
          expect(callsSaid).toEqual({
            'PUT a batch': perBatch(puts),
            'GET a batch': perBatch(calls.filter(({ kind }) => kind === 'read')),
            // Only claims are deleted one by one; partial files go by the thousand.
            'DELETE a batch': perBatch(deletedClaims(calls)),
          });
          expectAbout(putSaid, perEntry(puts));
          expectAbout(keptSaid, perEntry(kept));
          await requireCollected(proxy, partial.length);
        });
      });
    }

    function saidOf(entries: number) {
      const row = BATCH.get(String(entries));
      assert.ok(row, `docs/deploy.md says nothing of batches of ${entries}`);
      return row;
    }
  });

  it('of entries that come all the time: a batch a second', async () => {
    await withDaemon([], async (daemon, proxy) => {
      const start = performance.now();
      const submitted: Promise<unknown>[] = [];
      while (performance.now() - start < 6_500) {
        submitted.push(log(daemon.url, newRequest()));
        await sleep(100);
      }
      await Promise.all(submitted);
      const seconds = (performance.now() - start) / 1_000;
      const claims = proxy.calls.filter((call) => call.kind === 'create' && isClaim(call));
      // The first batch is cut at once.
      expect(claims.length).toBeLessThanOrEqual(1 + seconds);
      expect(claims.length).toBeGreaterThan(1);
    });
  });

  it('of a log at rest, and of its health', async () => {
    await withDaemon(['--batch-size', '100', '--batch-age', '3s'], async (daemon, proxy) => {
      // More entries than one tile holds, so that the right edge is in two tiles.
      await publish(daemon, proxy, 1);
      for (let batch = 0; batch < 3; batch++) await publish(daemon, proxy, 100);
      const counted = async (use: () => Promise<unknown>) => {
        const first = proxy.calls.length;
        await use();
        const calls = proxy.calls.slice(first);
        return {
          PUT: calls.filter(({ kind }) => kind === 'create' || kind === 'swap').length,
          GET: calls.filter(({ kind }) => kind === 'read').length,
          DELETE: calls.filter(({ kind }) => kind === 'delete').length,
        };
      };
      // An idle daemon has no slower timer, so five seconds show as much as sixty.
      expect(await counted(() => sleep(5_000))).toEqual(AT_REST.get('a minute'));
      const health = async () => {
        expect((await send(daemon.url, 'GET', '/healthz')).status).toBe(200);
      };
      const each = AT_REST.get('each `/healthz`, with two levels of tiles');
      expect(await counted(health)).toEqual(each);
      await sleep(1_100);
      expect(await counted(health)).toEqual(each);
      // At most one read a second, whatever the number of requests.
      await sleep(1_100);
      expect(await counted(() => Promise.all(Array.from({ length: 20 }, health)))).toEqual(each);
    });
  });
});

function expectAbout(said: number | undefined, counted: number): void {
  assert.ok(said !== undefined);
  expect(Math.abs(counted / said - 1), `${counted} for ${said}`).toBeLessThan(TOLERANCE);
}

/** Waits until all partial files are deleted but those whose full files do not exist yet. */
async function requireCollected({ taken, calls }: S3Proxy, count: number): Promise<void> {
  await vi.waitFor(
    () => {
      for (const path of taken.paths().filter(isPartial))
        expect(taken.peek(path.replace(/\.p\/.*/, '')), path).toBeUndefined();
    },
    { timeout: 60_000, interval: 100 },
  );
  // Each file was deleted once, many by one request: with so short a grace at most four requests a second.
  const requests = calls
    .filter(({ path }) => isPartial(path))
    .filter(({ kind }) => kind.startsWith('delete'));
  const deleted = requests.flatMap(({ path }) => path.split(' '));
  expect(new Set(deleted).size).toBe(deleted.length);
  if (count > 500) expect(requests.length).toBeLessThan(deleted.length / 10);
}
