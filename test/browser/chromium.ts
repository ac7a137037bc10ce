/**
 * The browser of this machine, and tests that need it.
 * @module
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser } from 'playwright-core';
import { describe, expect, it } from 'vitest';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** Tests that need the browser: skipped where there is none, failed there when CI=true. */
export function describeWithChromium(name: string, fn: (launch: () => Promise<Browser>) => void): void {
  const executable = process.env['STELE_TEST_CHROMIUM'] ?? find();
  if (executable !== undefined) {
    describe(name, () => {
      fn(() => launch(executable));
    });
    return;
  }
  const message = `there is no ${NAMES.join(', ')} on the PATH (install one, or set STELE_TEST_CHROMIUM)`;
  describe(name, () => {
    if (process.env['CI'] === 'true') {
      it('finds the browser', () => {
        expect.fail(message);
      });
    } else {
      it.skip(message);
    }
  });
}

function find(): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  return NAMES.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
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
