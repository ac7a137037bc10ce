import { createHash } from 'node:crypto';
import { HashAlgorithm } from '@sigstore/protobuf-specs';
import { expect, it } from 'vitest';
import { DIGEST_ALGORITHMS, DIGEST_NAMES, DIGESTS, digestType } from '#src/signatures/digests.js';
import { encodeText } from '#tiles-spec/bytes.js';

it('a digest has one number, length and value, by either name', () => {
  const message = encodeText('a message');
  expect(DIGESTS.map(({ name }) => name)).toEqual(DIGEST_NAMES);
  for (const type of DIGESTS) {
    expect(DIGEST_ALGORITHMS).toContain(type.algorithm);
    expect(digestType(type.name)).toBe(type);
    expect(digestType(type.algorithm)).toBe(type);
    expect(HashAlgorithm[type.algorithm]).toBe(type.number);
    const digest = createHash(type.name).update(message).digest();
    expect(Buffer.from(type.hash(message))).toEqual(digest);
    expect(digest).toHaveLength(type.length);
  }
});
