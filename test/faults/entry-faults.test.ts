import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseSigstoreBundle } from '#src/sigstore/bundle/sigstore-bundle.js';
import { verifyLoggedEntry } from '#src/sigstore/verify/entry-proof.js';
import type { EntryProof, TransparencyLogEntry } from '#src/sigstore/bundle/transparency-log-entry.js';
import { isTrustedLog, parseTrustedRoot, type KnownLog } from '#src/sigstore/trust/trusted-root.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError, ProofError, sha256, type Sha256 } from '#tiles-spec/index.js';
import { describeWithVectors, readVector, readVectorText } from '../support/vectors.js';
import { conformanceCase, jsonFile, verifyCase, without } from '../support/public-bundles.js';

function entryOf(file: Uint8Array): TransparencyLogEntry {
  const [entry] = parseSigstoreBundle(file).entries;
  if (entry === undefined) throw new Error('no entry');
  return entry;
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.with(at, (bytes[at] ?? 0) ^ 1);
}

function refusal(entry: TransparencyLogEntry, logs: readonly KnownLog[]): string {
  try {
    verifyLoggedEntry(entry, logs);
  } catch (error) {
    if (error instanceof ProofError || error instanceof FormatError) return error.message;
    throw error;
  }
  throw new Error('it was accepted');
}

describeWithVectors('an entry of Rekor v2, one thing changed', () => {
  const { bundle, trustedRoot } = conformanceCase('rekor2-happy-path');
  const { logs } = parseTrustedRoot(trustedRoot);
  const entry = entryOf(bundle);
  const proof = entry.proof;
  if (proof?.checkpoint === undefined) throw new Error('no checkpoint');
  const { checkpoint } = proof;
  const withProof = (change: Partial<EntryProof>): TransparencyLogEntry => ({
    ...entry,
    proof: { ...proof, ...change },
  });

  it.each<[string, TransparencyLogEntry, RegExp]>([
    ['index', { ...entry, index: 734 }, /said to have index 734, its inclusion proof is for index 735/],
    ['index in the proof', withProof({ index: 734 }), /index 735, its inclusion proof is for index 734/],
    [
      'both indices',
      { ...withProof({ index: 734 }), index: 734 },
      /entry 734 (does not lead to|in a tree of 736 is)/,
    ],
    ['index outside of the tree', { ...withProof({ index: 736 }), index: 736 }, /736/],
    ['size', withProof({ size: 737 }), /tree of 737 entries, its checkpoint of 736/],
    ['root', withProof({ root: flipped(proof.root, 5) }), /its checkpoint has rs1YPY0y/],
    ['a hash left out', withProof({ hashes: proof.hashes.slice(1) }), /./],
    ['a hash more', withProof({ hashes: [...proof.hashes, proof.root] }), /./],
    ['no hashes', withProof({ hashes: [] }), /./],
    ['kind', { ...entry, kind: 'dsse' }, /said to be a dsse 0\.0\.2, but its body is a hashedrekord 0\.0\.2/],
    ['version', { ...entry, version: '0.0.1' }, /said to be a hashedrekord 0\.0\.1/],
    ['log id, last byte', { ...entry, logId: flipped(entry.logId, 31) }, /none of the trusted logs/],
    ['log id of another log', { ...entry, logId: logs[0]?.logId ?? entry.logId }, /as Rekor v1 has it/],
    [
      'a promise',
      { ...entry, promise: new Uint8Array(70), integratedTime: 1760000000 },
      /inclusion promise, which a log like log2025-alpha1.* never gives/,
    ],
    ['no checkpoint', { ...entry, proof: { ...proof, checkpoint: '' } }, /./],
  ])('%s: refused', (_what, changed, message) => {
    expect(refusal(changed, logs)).toMatch(message);
  });

  it('every hash of the proof: refused', () => {
    expect(proof.hashes.length).toBe(8);
    for (const [i, hash] of proof.hashes.entries()) {
      const hashes = proof.hashes.with(i, flipped(hash, i));
      expect(refusal(withProof({ hashes }), logs)).toMatch(/does not lead to the root/);
    }
  });

  it('every byte of the log id, many of the body: refused', () => {
    for (const at of entry.logId.keys()) refusal({ ...entry, logId: flipped(entry.logId, at) }, logs);
    for (let at = 0; at < entry.body.length; at += 37)
      refusal({ ...entry, body: flipped(entry.body, at) }, logs);
  });

  it('every character of the checkpoint: refused', () => {
    for (const at of Array.from(checkpoint).keys()) {
      const other = checkpoint[at] === 'A' ? 'B' : 'A';
      const changed = `${checkpoint.slice(0, at)}${other}${checkpoint.slice(at + 1)}`;
      refusal(withProof({ checkpoint: changed }), logs);
    }
  });

  it('a good entry, after its log stopped: still good, as nothing tells the time', () => {
    const stopped = logs.map((log) => ({ ...log, validFor: { end: 0 } }));
    expect(verifyLoggedEntry(entry, stopped).index).toBe(735);
  });

  it('no logs, and logs whose key cannot be verified: refused', () => {
    expect(refusal(entry, [])).toMatch(/none of the trusted logs \(there are none\)/);
    const unknown = logs
      .filter(({ origin }) => origin.startsWith('log2025'))
      .map(({ url, origin, spki, logId, validFor }): KnownLog => {
        return { url, origin, spki, logId, validFor, keyDetails: 'PKIX_RSA_PKCS1V15_4096_SHA256' };
      });
    expect(unknown.some(isTrustedLog)).toBe(false);
    expect(refusal(entry, unknown)).toMatch(
      /key of the log log2025.* is of a type .*: PKIX_RSA_PKCS1V15_4096/,
    );
  });

  it("the caller's hash function sees the leaf and every node", () => {
    const made: string[] = [];
    const sha: Sha256 = (data) => {
      const hash = sha256(data);
      made.push(Buffer.from(hash).toString('base64'));
      return hash;
    };
    verifyLoggedEntry(entry, logs, sha);
    expect(made.length).toBe(1 + proof.hashes.length);
    expect(made.at(-1)).toBe(Buffer.from(proof.root).toString('base64'));
  });
});

describeWithVectors('an entry of Rekor v1, one thing changed', () => {
  const { bundle, trustedRoot } = conformanceCase('happy-path-v0.1');
  const { logs } = parseTrustedRoot(trustedRoot);
  const entry = entryOf(bundle);

  it.each<[string, TransparencyLogEntry, RegExp]>([
    ['global index', { ...entry, index: 27246493 }, /signed entry timestamp.*does not verify/],
    ['time', { ...entry, integratedTime: 1689177397 }, /signed entry timestamp.*does not verify/],
    ['promise', { ...entry, promise: new Uint8Array(70) }, /signed entry timestamp.*does not verify/],
    ['time before the log was', { ...entry, integratedTime: 1 }, /1970-01-01T00:00:01.000Z, is not within/],
    [
      'a time that no calendar has',
      { ...entry, integratedTime: Number.MAX_SAFE_INTEGER },
      /signed entry timestamp|not within/,
    ],
    ['no proof, of a bundle of v0.2', without(entry, 'promiseSuffices', 'proof'), /no inclusion proof/],
  ])('%s: refused', (_what, changed, message) => {
    expect(refusal(changed, logs)).toMatch(message);
  });

  it('no time: refused', () => {
    expect(refusal(without(entry, 'integratedTime'), logs)).toMatch(
      /an inclusion promise and no integrated time/,
    );
  });

  it('no proof, of a bundle of v0.1: the promise is enough', () => {
    expect(verifyLoggedEntry(without(entry, 'proof'), logs)).toMatchObject({
      index: 27246492,
      promise: true,
      integratedTime: 1689177396,
    });
    expect(verifyLoggedEntry(without(entry, 'proof'), logs)).not.toHaveProperty('checkpoint');
  });

  it('no proof and no promise, of a bundle of v0.1: refused', () => {
    expect(refusal(without(entry, 'proof', 'promise'), logs)).toMatch(/no inclusion proof/);
  });

  it('no promise: the proof is enough, and shows no time and no global index', () => {
    const shown = verifyLoggedEntry(without(entry, 'promise'), logs);
    expect(shown.index).toBe(23083061);
    expect(shown).not.toHaveProperty('integratedTime');
    expect(shown).not.toHaveProperty('globalIndex');
  });

  it("the time of the key's last second: accepted; the one before: refused", () => {
    const until = (end: number) => logs.map((log) => ({ ...log, validFor: { start: 0, end } }));
    expect(verifyLoggedEntry(entry, until(1689177396_000)).promise).toBe(true);
    expect(refusal(entry, until(1689177395_999))).toMatch(/is not within the time/);
  });
});

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** Every place in a JSON value, as a path. */
function placesOf(value: Json, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, each]) => placesOf(each, [...path, name]))];
}

/** A copy of the value with the part at a place replaced, or left out. */
function replaced(value: Json, [name, ...rest]: string[], by: Json | undefined): Json {
  if (name === undefined) return by ?? null;
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).flatMap(([field, each]): [string, Json][] => {
    if (field !== name) return [[field, each]];
    if (rest.length === 0 && by === undefined) return [];
    return [[field, replaced(each, rest, by)]];
  });
  return Array.isArray(value) ? fields.map(([, each]) => each) : Object.fromEntries(fields);
}

/** Replacements for a string: cut, longer, with a character changed, or another value. */
function changeOf(value: Json): fc.Arbitrary<Json | undefined> {
  const anything = fc.oneof(
    fc.constant(undefined),
    fc.constant(null),
    fc.jsonValue().map((json) => json as Json),
    fc.constantFrom('', '0', '-1', '9007199254740993', '1e3', 'AAAA', 'AAA=', '=', '\u0000', '__proto__'),
  );
  if (typeof value !== 'string' || value === '') return anything;
  const at = fc.nat(value.length - 1);
  return fc.oneof(
    anything,
    at.map((end) => value.slice(0, end)),
    fc
      .tuple(at, fc.string({ minLength: 1, maxLength: 4 }))
      .map(([i, text]) => value.slice(0, i) + text + value.slice(i + 1)),
  );
}

describeWithVectors('bundles and trusted roots, anything changed', () => {
  it.each<[string, () => { bundle: string; root: string; key?: Uint8Array }]>([
    [
      'happy-path-v0.1',
      () => ({
        bundle: readVectorText('bundles', 'happy-path-v0.1', 'bundle.sigstore.json'),
        root: Buffer.from(conformanceCase('happy-path-v0.1').trustedRoot).toString(),
      }),
    ],
    [
      'rekor2-dsse-happy-path',
      () => ({
        bundle: readVectorText('bundles', 'rekor2-dsse-happy-path', 'bundle.sigstore.json'),
        root: readVectorText('bundles', 'rekor2-dsse-happy-path', 'trusted_root.json'),
      }),
    ],
    [
      'managed-key-happy-path',
      () => ({
        bundle: readVectorText('bundles', 'managed-key-happy-path', 'bundle.sigstore.json'),
        root: Buffer.from(conformanceCase('managed-key-happy-path').trustedRoot).toString(),
        key: readVector('bundles', 'managed-key-happy-path', 'key.pub'),
      }),
    ],
  ])('%s: no error but those that say what is wrong', async (folder, files) => {
    const { bundle, root, key } = files();
    const good = conformanceCase(folder);
    const mutate = (text: string): fc.Arbitrary<Uint8Array> => {
      const json = JSON.parse(text) as Json;
      return fc.constantFrom(...placesOf(json)).chain((place) => {
        const value = place.reduce<Json>(
          (at, name) => (at as Record<string | number, Json>)[name] ?? null,
          json,
        );
        return changeOf(value).map((by) => jsonFile(replaced(json, place, by)));
      });
    };
    const accepted: number[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          mutate(bundle).map((file) => ({ bundle: file })),
          mutate(root).map((file) => ({ trustedRoot: file })),
        ),
        async (change) => {
          const verdict = await verifyCase({ ...good, ...(key === undefined ? {} : { key }), ...change });
          if (verdict.stage === 'accepted') accepted.push(verdict.index);
        },
      ),
      { numRuns: 400 },
    );
    // A field that verification does not read may change. Without its proof, a v0.1 entry has the promised index.
    const [entry] = parseSigstoreBundle(good.bundle).entries;
    expect([entry?.index, entry?.proof?.index]).toEqual(expect.arrayContaining([...new Set(accepted)]));
  });

  it('bytes that are no JSON: refused', async () => {
    const good = conformanceCase('rekor2-happy-path');
    for (const file of ['', '[]', 'null', '{}', '"', '\ufeff{}', '{"mediaType":1}', '[[[['.repeat(1000)]) {
      expect((await verifyCase({ ...good, bundle: encodeText(file) })).stage).toBe('files');
      expect((await verifyCase({ ...good, trustedRoot: encodeText(file) })).stage).toBe('files');
    }
    const large = new Uint8Array((16 << 20) + 1).fill(0x20);
    expect(await verifyCase({ ...good, bundle: large })).toMatchObject({
      message: 'bundle has 16777217 bytes, over 16777216',
    });
  });
});
