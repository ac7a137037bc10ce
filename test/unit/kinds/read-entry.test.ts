/**
 * Entries of every kind, and what is none: whatever a body holds, reading it fails by a FormatError or not at all, and
 * what was read once never fails.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBody } from '#src/kinds/canonical-body.js';
import { hashedrekord, hashedRekordJson } from '#src/kinds/hashedrekord-0.0.2.js';
import { KINDS } from '#src/kinds/known-kinds.js';
import { keysOf, readEntry } from '#src/kinds/read-entry.js';
import { decodeText } from '#tiles-spec/bytes.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError } from '#tiles-spec/index.js';
import { badBodies, bodiesByKind } from '../../support/entry-bodies.js';

/** What a reader may ask of an entry. */
function readAll(body: Uint8Array) {
  const entry = readEntry(body);
  if (!entry.isKnown) return undefined;
  return { keys: entry.derivedKeys(), statements: entry.statements(), lines: entry.describe() };
}

describe('an entry of the kind', () => {
  it('is in the corpus, whatever the kind', () => {
    expect([...bodiesByKind.keys()]).toEqual(KINDS.map(({ kind, version }) => `${kind} ${version}`));
  });

  it.each([...bodiesByKind])('%s is read, whatever its keys and certificates are', (_, bodies) => {
    fc.assert(
      fc.property(bodies, (body) => {
        const read = readAll(body);
        expect(read?.statements.length).toBeGreaterThan(0);
        expect(keysOf(body).slice(1)).toEqual(read?.keys);
        expect(new Set(read?.keys).size).toBe(read?.keys.length);
        for (const { label, text } of read?.lines ?? []) {
          expect(label).toMatch(/^[A-Z][a-z]+$/);
          expect(text).toMatch(/^[^\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]+$/u);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('hashedrekord 0.0.2 is read as it was written', () => {
    const der = fc.uint8Array({ minLength: 1, maxLength: 80 });
    const form = fc.constantFrom('publicKey', 'certificate');
    const digest = fc.uint8Array({ minLength: 32, maxLength: 32 });
    fc.assert(
      fc.property(der, der, form, digest, (content, key, keyForm, bytes) => {
        const verifier = { form: keyForm, der: key, keyDetails: 'PKIX_ED25519' } as const;
        const data = { algorithm: 'SHA2_256', digest: bytes } as const;
        const body = canonicalBody(
          hashedrekord,
          hashedRekordJson({ data, signature: { content, verifier } }),
        );
        expect(readAll(body)?.statements).toEqual([
          { signature: content, verifier, digest: data, digestOf: 'message' },
        ]);
      }),
    );
  });
});

describe('what is no entry', () => {
  it('is refused by a FormatError or is of a kind that is not known, and has a leaf hash', () => {
    fc.assert(
      fc.property(badBodies, (body) => {
        const [leaf, ...others] = keysOf(body);
        expect(leaf).toMatch(/^leaf:[0-9a-f]{64}$/);
        try {
          const read = readAll(body);
          // A change may have left the entry whole.
          if (others.length > 0) expect(others).toEqual(read?.keys);
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
          expect(others).toEqual([]);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('is told from a kind that is not known', () => {
    const body = encodeText('{"apiVersion":"0.0.1","kind":"rekord","spec":{}}');
    expect(readEntry(body)).toEqual({ isKnown: false, kind: 'rekord', version: '0.0.1' });
    expect(() => readEntry(encodeText('{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{}}'))).toThrow(
      'canonical body: spec.hashedRekordV002 is missing',
    );
    expect(() => readEntry(encodeText('[]'))).toThrow(
      'it is not a canonical body: apiVersion, kind and spec',
    );
  });
});

describe('a body with a number that no double holds', () => {
  it('is no entry, in a field that its kind does not read either', () => {
    for (const bodies of bodiesByKind.values()) {
      const [body = new Uint8Array()] = fc.sample(bodies, { seed: 1, numRuns: 1 });
      const spoilt = encodeText(decodeText(body, 'body').replace('"spec":{', '"spec":{"a":1e999,'));
      expect(keysOf(spoilt)).toHaveLength(1);
      expect(() => readEntry(spoilt)).toThrow(FormatError);
    }
  });
});

describe('a body with half a character', () => {
  /** An intoto entry, which may have fields beside those that are read. */
  const bodyWith = (text: string) => {
    const [body] = fc.sample(bodiesByKind.get('intoto 0.0.2') ?? fc.constant(new Uint8Array()), {
      seed: 1,
      numRuns: 1,
    });
    const json = JSON.parse(decodeText(body ?? new Uint8Array(), 'body')) as { spec: { content: object } };
    return canonicalBody(
      { kind: 'intoto', version: '0.0.2' },
      { content: { ...json.spec.content, hash: text } },
    );
  };

  it('has no canonical form, as a whole one and the text of an escape have', () => {
    expect(keysOf(bodyWith('\u{1f600} \\ud800')).length).toBeGreaterThan(1);
    expect(keysOf(bodyWith('\ud800'))).toHaveLength(1);
    expect(keysOf(bodyWith('\\\udfff'))).toHaveLength(1);
  });
});
