/**
 * The names in hostile certificates, read in a browser: the same keys as in Node.
 */
import { expect, test } from 'vitest';
import { brokenCertificates, hostileCertificates } from '../support/hostile-certificates.js';
import { describeOnPage } from './chromium.js';

describeOnPage('names in certificates, in a browser', (page) => {
  test('give the keys that they give in Node, and throw at nothing', async () => {
    const corpus = [...hostileCertificates(), ...brokenCertificates()];
    const certificates = corpus.map(({ certificate }) => Buffer.from(certificate).toString('base64'));
    const found: unknown = await page().evaluate(`(async () => {
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
    const modules = await page().evaluate<string[]>(
      "performance.getEntriesByType('resource').map(({ name }) => name).filter((name) => name.endsWith('.js'))",
    );
    const packages = new Set(
      modules.flatMap((url) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1] ?? []),
    );
    expect([...packages].sort()).toEqual(['@noble/curves', '@noble/hashes']);
  });
});
