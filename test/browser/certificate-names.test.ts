/**
 * The names in hostile certificates, read in a browser: the same keys as in Node.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Browser, Page } from 'playwright-core';
import { brokenCertificates, hostileCertificates } from '../support/hostile-certificates.js';
import { describeWithChromium } from './chromium.js';
import { servePage } from './serve.mjs';

describeWithChromium('names in certificates, in a browser', (launch) => {
  let page: Page;
  const cleanUp: (() => unknown)[] = [];

  beforeAll(async () => {
    const { server, url } = await servePage();
    cleanUp.push(() => server.close());
    const browser: Browser = await launch();
    cleanUp.push(() => browser.close());
    page = await browser.newPage();
    await page.goto(url);
  });

  afterAll(async () => {
    for (const undo of cleanUp.reverse()) await undo();
  });

  test('give the keys that they give in Node, and throw at nothing', async () => {
    const corpus = [...hostileCertificates(), ...brokenCertificates()];
    const certificates = corpus.map(({ certificate }) => Buffer.from(certificate).toString('base64'));
    const found: unknown = await page.evaluate(`(async () => {
      const { certificateKeys } = await import('/dist/src/kinds/certificate-keys.js');
      const bytesOf = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
      return ${JSON.stringify(certificates)}.map((certificate) => certificateKeys(bytesOf(certificate)));
    })()`);
    const names = (found as string[][]).map((keys) => keys.filter((key) => key.startsWith('san')));
    expect(corpus.map(({ what }, i) => [what, names[i]])).toEqual(
      corpus.map(({ what, keys }) => [what, keys]),
    );
  });

  test('need no library of certificates', async () => {
    const modules = await page.evaluate<string[]>(
      "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))",
    );
    const packages = new Set(
      modules.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []),
    );
    expect([...packages].sort()).toEqual(['@noble/curves', '@noble/hashes']);
  });
});
