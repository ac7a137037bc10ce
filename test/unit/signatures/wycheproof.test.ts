import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { algorithmOf } from '#src/signatures/algorithms.js';
import { P256, P384, P521 } from '#src/signatures/curves.js';
import { verifyEcdsaBatch } from '#src/signatures/node/ecdsa.js';
import { parsePublicKey } from '#src/signatures/node/public-key.js';
import { verifySignatures } from '#src/signatures/node/verify.js';
import { locateVectors, readVectors } from '../../support/wycheproof-vectors.js';
import type { VectorFile } from '../../support/wycheproof-vectors.js';

const vectors = locateVectors();

/** Every case of the files, with what its result and we say of it. */
function casesOf(files: VectorFile[]) {
  return files.flatMap(({ name, testGroups }) =>
    testGroups.flatMap(({ publicKeyDer, sha, tests }) =>
      tests.map((t) => ({
        name: `${name} #${t.tcId} ${t.comment} [${t.flags.join(' ')}]`,
        result: t.result,
        key: Buffer.from(publicKeyDer, 'hex'),
        digest: createHash(sha.replace('-', '')).update(t.msg, 'hex').digest(),
        signature: Buffer.from(t.sig, 'hex'),
      })),
    ),
  );
}

/** Deals the cases out to batches of about `size`, so that one batch holds cases of many keys, files and results. */
function mixedBatches<T>(cases: T[], size: number): T[][] {
  const count = Math.ceil(cases.length / size);
  return Array.from({ length: count }, (_, batch) => cases.filter((_, i) => i % count === batch));
}

if ('missing' in vectors) {
  test('Wycheproof', ({ skip }) => {
    skip(vectors.missing);
  });
} else {
  describe('Wycheproof ECDSA', () => {
    test.each([
      [P256, /^ecdsa_secp256r1_sha(256|512)_test\.json$/, 2],
      [P384, /^ecdsa_secp384r1_sha(256|384|512)_test\.json$/, 3],
      [P521, /^ecdsa_secp521r1_sha512_test\.json$/, 1],
    ])('$name', (curve, name, fileCount) => {
      const files = readVectors(vectors.folder, name);
      expect(files.length).toBe(fileCount);
      const wrong: string[] = [];
      for (const batch of mixedBatches(casesOf(files), 64)) {
        const items = batch.map(({ key, digest, signature }) => {
          const parsed = parsePublicKey(key);
          if (parsed.type !== 'ecdsa' || parsed.curve !== curve) throw new Error('a key of another curve');
          return { point: parsed.point, digest, signature };
        });
        verifyEcdsaBatch(curve, items).forEach((reason, i) => {
          const { name, result } = batch[i] ?? { name: '', result: '' };
          // No case of these files is merely acceptable.
          if (result !== (reason === undefined ? 'valid' : 'invalid'))
            wrong.push(`${name}: ${reason ?? 'valid'}`);
        });
      }
      expect(wrong).toEqual([]);
    });
  });

  describe('Wycheproof RSA PKCS #1 v1.5', () => {
    test.each([2048, 3072, 4096])('%i', (bits) => {
      const algorithm = algorithmOf(`PKIX_RSA_PKCS1V15_${bits}_SHA256`);
      if (algorithm === undefined) throw new Error('no such algorithm');
      const cases = casesOf(
        readVectors(vectors.folder, new RegExp(`^rsa_signature_${bits}_sha256_test\\.json$`)),
      );
      const results = verifySignatures(cases.map((c) => ({ ...c, algorithm })));
      const wrong = cases.flatMap(({ name, result }, i) => {
        // One case a file is acceptable: a DigestInfo without the NULL (MissingNull). RFC 8017 lets a verifier take it
        // or not; Go, which reads our entries, does not, and nor do we.
        const expected = result === 'valid' ? 'valid' : 'invalid';
        const reason = results[i]?.message;
        return expected === (reason === undefined ? 'valid' : 'invalid')
          ? []
          : [`${name}: ${reason ?? 'valid'}`];
      });
      expect(wrong).toEqual([]);
      const acceptable = cases.filter(({ result }) => result === 'acceptable').map(({ name }) => name);
      expect(acceptable).toEqual([expect.stringContaining('[MissingNull]')]);
    });
  });
}
