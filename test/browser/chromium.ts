/**
 * The browser of this machine, and tests that need it.
 * @module
 */
import { chromium, type Browser } from 'playwright-core';
import { describeWithProgram } from '../support/program.js';

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
