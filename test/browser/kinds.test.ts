/**
 * Entries read in a browser: the same search keys, statements and descriptions as in Node, and the same refusals.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEntries } from './read-entries.mjs';
import { badBodies, bodiesByKind } from '../support/entry-bodies.js';
import { describeOnPage } from './chromium.js';

describeOnPage('entries, in a browser', (page) => {
  test('say what they say in Node', async () => {
    const bodies = [
      ...[...bodiesByKind.values()].flatMap((each) => fc.sample(each, 60)),
      ...fc.sample(badBodies, 600),
    ].map((body) => Buffer.from(body).toString('base64'));
    const found: unknown = await page().evaluate(
      `import('/test/browser/read-entries.mjs').then(({ readEntries }) =>
        import('/dist/src/kinds/index.js').then((kinds) => readEntries(kinds, ${JSON.stringify(bodies)})))`,
    );
    const kinds = await import('#src/kinds/index.js');
    expect(found).toEqual(readEntries(kinds, bodies));
  });
});
