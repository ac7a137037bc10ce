/**
 * The reader's core in a browser: it reads a log on another origin, proves an entry, and refuses a tampered one.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { constants, deflateRawSync, gzipSync } from 'node:zlib';
import type { Browser, Page, Response } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { decodeBase64, encodeHex, leafHash, maxEntryBundleLength } from '#tiles-spec/index.js';
import { startDaemon, withFolder, type Daemon } from '../support/daemon.js';
import { goodEnvelope, goodRequest, log } from '../support/http.js';
import { deployedSite, describeWithNginx } from '../support/nginx.js';
import { describeWithChromium } from './chromium.js';
import { servePage } from './serve.mjs';

/** A full tile of 256, and a partial one. */
const ENTRIES = 300;
const IN_FULL = 7;
const IN_PARTIAL = 290;

/** Zeros by the gigabyte, as long as a full bundle may be while it is compressed. */
const BOMB = (() => {
  const header = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
  const block = deflateRawSync(Buffer.alloc(1 << 26), { finishFlush: constants.Z_FULL_FLUSH });
  const blocks = Math.floor((maxEntryBundleLength(256) - header.length) / block.length);
  return Buffer.concat([header, ...Array.from({ length: blocks }, () => block)]);
})();

describeWithChromium('the reader in a browser', (launch) => {
  let browser: Browser;
  let daemon: Daemon;
  let store: string;
  let pageUrl: string;
  /** The bodies of the log's entries. */
  const bodies = new Map<number, Uint8Array>();
  const cleanUp: (() => unknown)[] = [];

  beforeAll(async () => {
    const data = await mkdtemp(join(tmpdir(), 'stele-'));
    cleanUp.push(() => rm(data, { recursive: true }));
    store = join(data, 'store');
    daemon = await startDaemon(data);
    cleanUp.push(daemon.stop);
    const answers = await Promise.all(
      Array.from({ length: ENTRIES }, (_, i) =>
        log(daemon.url, i % 3 === 0 ? goodEnvelope() : goodRequest()),
      ),
    );
    for (const { logIndex, canonicalizedBody } of answers) {
      bodies.set(Number(logIndex), decodeBase64(canonicalizedBody));
    }
    const { server, url } = await servePage();
    cleanUp.push(() => server.close());
    pageUrl = url;
    browser = await launch();
    cleanUp.push(() => browser.close());
  });

  afterAll(async () => {
    for (const undo of cleanUp.reverse()) await undo();
  });

  interface Visit {
    readonly page: Page;
    readonly responses: readonly Response[];
    /** What went wrong: errors on the console, in scripts and in requests. */
    readonly faults: readonly string[];
  }

  /** Opens the page for an entry, and lets `look` at it when it is done. */
  async function visit(logUrl: string, index: number, look: (visit: Visit) => Promise<void>): Promise<void> {
    const page = await browser.newPage({ viewport: { width: 960, height: 900 } });
    const responses: Response[] = [];
    const faults: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
    });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('crash', () => faults.push('the page died'));
    page.on('requestfailed', (request) =>
      faults.push(`${request.url()}: ${request.failure()?.errorText ?? ''}`),
    );
    page.on('response', (response) => {
      responses.push(response);
      if (response.status() !== 200) faults.push(`${response.url()}: ${response.status()}`);
    });
    const query = new URLSearchParams({ log: logUrl, vkey: daemon.verifierKey, index: String(index) });
    await page.goto(`${pageUrl}?${query.toString()}`);
    await page.waitForSelector('html[data-done]', { state: 'attached' });
    await look({ page, responses, faults });
    await page.close();
  }

  const resultOf = (page: Page, section: string) => page.innerText(`#${section} .result`);

  async function factsOf(page: Page): Promise<Record<string, string>> {
    const [names, values] = await Promise.all([
      page.locator('#entry dt').allInnerTexts(),
      page.locator('#entry dd').allInnerTexts(),
    ]);
    return Object.fromEntries(names.map((name, i) => [name, values[i] ?? '']));
  }

  function factsOfEntry(index: number, proofLength: number): Record<string, string> {
    const body = bodies.get(index) ?? new Uint8Array();
    const { kind, apiVersion } = JSON.parse(Buffer.from(body).toString()) as {
      kind: string;
      apiVersion: string;
    };
    return {
      origin: '127.0.0.1',
      'checkpoint size': String(ENTRIES),
      index: String(index),
      kind: `${kind} ${apiVersion}`,
      'leaf hash': encodeHex(leafHash(body)),
      'hashes in the proof': String(proofLength),
    };
  }

  test('proves an entry of a full bundle on another origin, and refuses what is tampered with', async () => {
    expect(new URL(pageUrl).origin).not.toBe(new URL(daemon.url).origin);
    await visit(daemon.url, IN_FULL, async ({ page, responses, faults }) => {
      expect(await resultOf(page, 'entry')).toBe('verified');
      expect(await factsOf(page)).toEqual(factsOfEntry(IN_FULL, 9));
      expect(await resultOf(page, 'tampered-bundle')).toBe(
        'refused: tile/entries/000: entry 255 is not the one in the tree',
      );
      expect(await resultOf(page, 'tampered-tile')).toBe(
        `refused: tile/0/000 is not the tile of the tree of ${ENTRIES}`,
      );
      // The browser's fetch decodes bundles by itself.
      const bundles = responses.filter((response) => response.url().includes('/tile/entries/'));
      expect(new Set(bundles.map((bundle) => bundle.url()))).toEqual(
        new Set([`${daemon.url}/tile/entries/000`]),
      );
      for (const bundle of bundles) expect(bundle.headers()['content-encoding']).toBe('gzip');
      expect(faults).toEqual([]);
      await withFolder(async (folder) => {
        const path = process.env['STELE_SCREENSHOT'] ?? join(folder, 'page.png');
        await page.screenshot({ path, fullPage: true });
        expect((await readFile(path)).length).toBeGreaterThan(10_000);
      });
    });
  });

  test('proves an entry of the partial bundle at the end, and refuses what is tampered with', async () => {
    await visit(daemon.url, IN_PARTIAL, async ({ page, faults }) => {
      expect(await resultOf(page, 'entry')).toBe('verified');
      expect(await factsOf(page)).toEqual(factsOfEntry(IN_PARTIAL, 6));
      expect(await resultOf(page, 'tampered-bundle')).toBe(
        `refused: tile/entries/001.p/44: entry ${ENTRIES - 1} is not the one in the tree`,
      );
      expect(await resultOf(page, 'tampered-tile')).toBe(
        `refused: the right edge (tile/0/001.p/44, tile/1/000.p/1) does not hash to the root of the tree of ${ENTRIES}`,
      );
      expect(faults).toEqual([]);
    });
  });

  test('asks the log for nothing but its files: no preflight, and all by GET', async () => {
    await visit(daemon.url, IN_FULL, async () => {});
    const metrics = await (await fetch(`${daemon.url}/metrics`)).text();
    const methods = [...metrics.matchAll(/^stele_http_requests_total\{.*method="(\w+)"/gm)];
    // POST is of the entries that were submitted.
    expect(new Set(methods.map(([, method]) => method))).toEqual(new Set(['GET', 'POST']));
  });

  test('reads a log from a web server that does not say that bundles are gzip', async () => {
    await withFiles(store, {}, {}, async (files) => {
      await visit(files, IN_FULL, async ({ page, responses, faults }) => {
        expect(await resultOf(page, 'entry')).toBe('verified');
        expect(await factsOf(page)).toEqual(factsOfEntry(IN_FULL, 9));
        expect(await resultOf(page, 'tampered-bundle')).toBe(
          'refused: tile/entries/000: gzip: the data is damaged',
        );
        const bundles = responses.filter((response) => response.url().includes('/tile/entries/'));
        expect(bundles.length).toBeGreaterThan(0);
        for (const bundle of bundles) {
          expect(bundle.headers()['content-encoding']).toBeUndefined();
          expect((await bundle.body()).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
        }
        expect(faults).toEqual([]);
      });
    });
  });

  describeWithNginx('from nginx, by deploy/nginx.conf', (start) => {
    test('reads a log', async () => {
      const site = { root: store, daemon: new URL(daemon.url).host };
      const nginx = await start((port) => deployedSite(port, site));
      try {
        const url = `http://127.0.0.1:${nginx.port}`;
        await visit(url, IN_PARTIAL, async ({ page, responses, faults }) => {
          expect(await resultOf(page, 'entry')).toBe('verified');
          expect(await factsOf(page)).toEqual(factsOfEntry(IN_PARTIAL, 6));
          expect(faults).toEqual([]);
          const answers = responses.filter((response) => response.url().startsWith(url));
          expect(answers.length).toBeGreaterThan(0);
          for (const answer of answers) expect(answer.headers()['server']).toMatch(/^nginx/);
        });
      } finally {
        await nginx.stop();
      }
    });
  });

  const bundle = 'tile/entries/000';

  test('refuses a gzip bomb of 16 GiB, and the page goes on', async () => {
    await withFiles(store, { [bundle]: BOMB }, {}, async (files) => {
      await visit(files, IN_FULL, async ({ page, faults }) => {
        expect(await resultOf(page, 'entry')).toBe(
          `refused: ${bundle}: gzip: over ${maxEntryBundleLength(256)} bytes`,
        );
        expect(await page.evaluate('1 + 1')).toBe(2);
        expect(faults).toEqual([]);
      });
    });
  });

  test('refuses one that the browser itself decompresses', async () => {
    await withFiles(store, { [bundle]: BOMB }, { 'content-encoding': 'gzip' }, async (files) => {
      await visit(files, IN_FULL, async ({ page }) => {
        expect(await resultOf(page, 'entry')).toMatch(
          /^refused: http:.*\/tile\/entries\/000: has over \d+ bytes$/,
        );
        expect(await page.evaluate('1 + 1')).toBe(2);
      });
    });
  });

  test.each([
    ['bytes that follow', (gzip: Buffer) => Buffer.concat([gzip, Buffer.from('x')])],
    ['a second member', (gzip: Buffer) => Buffer.concat([gzip, gzipSync('x')])],
    ['an end that is missing', (gzip: Buffer) => gzip.subarray(0, -1)],
  ])('refuses gzip with %s', async (_, damage) => {
    const damaged = damage(await readFile(join(store, bundle)));
    await withFiles(store, { [bundle]: damaged }, {}, async (files) => {
      await visit(files, IN_FULL, async ({ page, faults }) => {
        expect(await resultOf(page, 'entry')).toBe(`refused: ${bundle}: gzip: the data is damaged`);
        expect(faults).toEqual([]);
      });
    });
  });
});

/** Serves a folder, for all origins, as the simplest web server does; `instead` has files that are others. */
async function withFiles(
  folder: string,
  instead: Readonly<Record<string, Uint8Array>>,
  bundleHeaders: Readonly<Record<string, string>>,
  use: (url: string) => Promise<void>,
): Promise<void> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '').slice(1);
    response.setHeader('access-control-allow-origin', '*');
    Promise.resolve(instead[path] ?? readFile(join(folder, path))).then(
      (bytes) => response.writeHead(200, path.startsWith('tile/entries/') ? bundleHeaders : {}).end(bytes),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    await use(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
