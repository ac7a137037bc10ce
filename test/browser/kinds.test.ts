/**
 * Entries read in a browser: the same search keys, statements and descriptions as in Node, and the same refusals.
 */
import fc from 'fast-check';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readEntries } from './read-entries.mjs';
import { badBodies, bodiesByKind } from '../support/entry-bodies.js';
import { describeWithChromium } from './chromium.js';
import { servePage } from './serve.mjs';

describeWithChromium('entries, in a browser', (launch) => {
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

  test('say what they say in Node', async () => {
    const bodies = [
      ...[...bodiesByKind.values()].flatMap((each) => fc.sample(each, 60)),
      ...fc.sample(badBodies, 600),
    ].map((body) => Buffer.from(body).toString('base64'));
    const found: unknown = await page.evaluate(
      `import('/test/browser/read-entries.mjs').then(({ readEntries }) =>
        import('/dist/src/kinds/index.js').then((kinds) => readEntries(kinds, ${JSON.stringify(bodies)})))`,
    );
    const kinds = await import('#src/kinds/index.js');
    expect(found).toEqual(readEntries(kinds, bodies));
  });
});
