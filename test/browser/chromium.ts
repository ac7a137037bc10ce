/**
 * The browser of this machine, and tests that need it.
 * @module
 */
import { chromium, type Browser, type Page } from 'playwright-core';
import { afterAll, beforeAll } from 'vitest';
import { describeWithProgram } from '../support/program.js';
import { servePage } from './serve.mjs';

const CHROMIUM = {
  names: ['chromium', 'chromium-browser', 'google-chrome'],
  variable: 'STELE_TEST_CHROMIUM',
};

/** Tests that need the browser: skipped where there is none, failed there when CI=true. */
export function describeWithChromium(name: string, fn: (launch: () => Promise<Browser>) => void): void {
  describeWithProgram(CHROMIUM, name, (executable) => {
    fn(() => launch(executable));
  });
}

/** Tests on one page of the site that `servePage` serves: `page` gives it, once the tests run. */
export function describeOnPage(name: string, fn: (page: () => Page) => void): void {
  describeWithChromium(name, (launch) => {
    let page: Page | undefined;
    const cleanUp: (() => unknown)[] = [];

    beforeAll(async () => {
      const { server, url } = await servePage();
      cleanUp.push(() => server.close());
      const browser = await launch();
      cleanUp.push(() => browser.close());
      page = await browser.newPage();
      await page.goto(url);
    });

    afterAll(async () => {
      for (const undo of cleanUp.reverse()) await undo();
    });

    fn(() => {
      if (page === undefined) throw new TypeError('the page is opened before the tests run');
      return page;
    });
  });
}

function launch(executablePath: string): Promise<Browser> {
  return chromium.launch({
    executablePath,
    headless: true,
    args: [
      // Chromium's sandbox refuses root.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
