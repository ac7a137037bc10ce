import { createHash } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { InvalidEntryError } from '#src/errors.js';
import { ALGORITHMS, algorithmOf } from '#src/signatures/algorithms.js';
import type { Algorithm } from '#src/signatures/algorithms.js';
import { certificateKey } from '#src/signatures/node/certificate.js';
import { parsePublicKey } from '#src/signatures/node/public-key.js';
import { verifySignatures } from '#src/signatures/node/verify.js';
import type { SignatureCheck } from '#src/signatures/suite.js';
import { OpenSsl } from '../../support/openssl-keys.js';
import type { Signed } from '../../support/openssl-keys.js';

/** What is said of a signature that is not good. */
function refusalOf({ keyDetails }: Algorithm): string {
  // openssl and others sign with the same keys without the prehash.
  const more =
    keyDetails === 'PKIX_ED25519_PH'
      ? ', as Ed25519ph: Stele takes no pure Ed25519 signature (stele upload --key makes an Ed25519ph one)'
      : '';
  return `signature: does not verify over the digest with this key${more}`;
}

const openssl = new OpenSsl();
const good = new Map<Algorithm, Signed>();
const other = new Map<Algorithm, Signed>();

beforeAll(() => {
  for (const algorithm of ALGORITHMS) {
    good.set(algorithm, openssl.signed(algorithm, Buffer.from('a message')));
    other.set(algorithm, openssl.signed(algorithm, Buffer.from('a message')));
  }
});
afterAll(() => {
  openssl.remove();
});

function signedBy(algorithm: Algorithm, keys = good): Signed {
  const signed = keys.get(algorithm);
  if (signed === undefined) throw new Error('not made');
  return signed;
}

function messages(checks: SignatureCheck[]): (string | undefined)[] {
  return verifySignatures(checks).map((error) => error?.message);
}

function flipBit(bytes: Buffer, byte: number, bit = byte % 8): Buffer {
  const flipped = Buffer.from(bytes);
  flipped[byte] = (flipped[byte] ?? 0) ^ (1 << bit);
  return flipped;
}

describe.each(ALGORITHMS.map((algorithm) => ({ name: algorithm.keyDetails, algorithm })))(
  'signatures made by openssl: $name',
  ({ algorithm }) => {
    test('verify with the bare key and with the key of a certificate', () => {
      const signed = signedBy(algorithm);
      expect(messages([signed])).toEqual([undefined]);
      expect(Buffer.from(certificateKey(signed.certificate))).toEqual(signed.key);
      expect(messages([{ ...signed, key: certificateKey(signed.certificate) }])).toEqual([undefined]);
    });

    test('do not verify with another key of the kind', () => {
      const key = signedBy(algorithm, other).key;
      expect(messages([{ ...signedBy(algorithm), key }])).toEqual([refusalOf(algorithm)]);
    });

    test('do not verify over a digest with one bit flipped, and a digest of another length is named', () => {
      const signed = signedBy(algorithm);
      const flips = Array.from(signed.digest, (_, i) => ({ ...signed, digest: flipBit(signed.digest, i) }));
      expect(new Set(messages(flips))).toEqual(new Set([refusalOf(algorithm)]));

      const { digestAlgorithm, digestLength } = algorithm;
      for (const digest of [signed.digest.subarray(1), Buffer.concat([signed.digest, Buffer.alloc(1)])]) {
        const message = `digest: is ${digest.length} bytes; ${digestAlgorithm} has ${digestLength}`;
        expect(messages([{ ...signed, digest }])).toEqual([message]);
      }
    });

    test('are refused under the six other labels, and the message names both keys', () => {
      const signed = signedBy(algorithm);
      const labels = ALGORITHMS.filter((label) => label !== algorithm);
      const checks = labels.map((label) => ({
        ...signed,
        algorithm: label,
        digest: createHash(label.digestName).update('a message').digest(),
      }));
      expect(messages(checks)).toEqual(
        labels.map(
          (label) =>
            `keyDetails: ${label.keyDetails} names an ${label.key} key, ` +
            `but the key is ${algorithm.key} (${algorithm.keyDetails})`,
        ),
      );
      expect(labels.length).toBe(6);
    });

    test('do not verify truncated, extended or with a bit flipped in any byte', () => {
      const signed = signedBy(algorithm);
      const { signature } = signed;
      const spoilt = [
        ...Array.from(signature, (_, length) => signature.subarray(0, length)),
        Buffer.concat([signature, Buffer.from([0])]),
        Buffer.concat([signature, Buffer.from([1])]),
        Buffer.concat([Buffer.from([0]), signature]),
        ...Array.from(signature, (_, i) => flipBit(signature, i)),
      ];
      const results = messages(spoilt.map((signature) => ({ ...signed, signature })));
      expect(results.filter((message) => message?.startsWith('signature: ') !== true)).toEqual([]);
    });
  },
);

test('a batch of all algorithms, good and bad, is answered in order', () => {
  const algorithms = [...ALGORITHMS, ...ALGORITHMS, ...ALGORITHMS];
  const checks = algorithms.map((algorithm, i) => {
    const signed = signedBy(algorithm);
    return i % 2 === 0 ? signed : { ...signed, digest: flipBit(signed.digest, 0) };
  });
  expect(messages(checks)).toEqual(
    algorithms.map((algorithm, i) => (i % 2 === 0 ? undefined : refusalOf(algorithm))),
  );
  expect(verifySignatures([])).toEqual([]);
});

test('each refusal says precisely why', () => {
  const [p256, p384, rsa, ed25519] = [5, 12, 9, 8].map((number) =>
    signedBy(algorithmOf(number) as Algorithm),
  );
  if (!p256 || !p384 || !rsa || !ed25519) throw new Error('not made');
  expect(
    messages([
      { ...p384, key: p256.key },
      { ...p256, digest: p256.digest.subarray(1) },
      { ...p256, signature: Buffer.concat([p256.signature, Buffer.from([0])]) },
      { ...p256, signature: Buffer.from('3006020100020101', 'hex') },
      { ...p256, key: Buffer.concat([p256.key, Buffer.from([0])]) },
      { ...rsa, signature: rsa.signature.subarray(1) },
      { ...ed25519, signature: ed25519.signature.subarray(1) },
    ]),
  ).toEqual([
    'keyDetails: PKIX_ECDSA_P384_SHA_384 names an ECDSA P-384 key, but the key is ECDSA P-256 (PKIX_ECDSA_P256_SHA_256)',
    'digest: is 31 bytes; SHA2_256 has 32',
    'signature: is not DER: bytes follow s',
    'signature: has an r that is not between 0 and the order of the curve',
    'publicKey: is not a DER SubjectPublicKeyInfo: bytes follow the key',
    'signature: is 255 bytes; with this key it has 256',
    'signature: is 63 bytes; an Ed25519ph signature has 64',
  ]);
});

test('RFC 8032, 7.3: the Ed25519ph vector', () => {
  const algorithm = algorithmOf('PKIX_ED25519_PH') as Algorithm;
  const point = 'ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf';
  const check = {
    algorithm,
    key: Buffer.from(`302a300506032b6570032100${point}`, 'hex'),
    digest: createHash('sha512').update('abc').digest(),
    signature: Buffer.from(
      '98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41' +
        '31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406',
      'hex',
    ),
  };
  expect(messages([check])).toEqual([undefined]);
});

test('Ed25519ph: S of the group order or more and R in a second encoding are refused', () => {
  const algorithm = algorithmOf('PKIX_ED25519_PH') as Algorithm;
  const { Fn } = ed25519.Point;
  const { scalar, pointBytes } = ed25519.utils.getExtendedPublicKey(Buffer.alloc(32, 7));
  const digest = createHash('sha512').update('abc').digest();
  const little = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString('hex')}`);
  const key = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), pointBytes]);
  /** A signature with the nonce 0: R is the neutral point, as encoded, and S = H(dom2, R, A, digest)·a, or plus n. */
  const check = (r: string, plus: bigint) => {
    const R = Buffer.from(r, 'hex');
    const dom2 = Buffer.from('SigEd25519 no Ed25519 collisions\x01\x00', 'latin1');
    const k = createHash('sha512').update(dom2).update(R).update(pointBytes).update(digest).digest();
    const S = Fn.mul(Fn.create(little(k)), scalar) + plus;
    const signature = Buffer.concat([R, Buffer.from(S.toString(16).padStart(64, '0'), 'hex').reverse()]);
    return { algorithm, key, digest, signature };
  };
  const one = `01${'00'.repeat(31)}`;
  const onePlusP = `ee${'ff'.repeat(30)}7f`;
  const checks = [check(one, 0n), check(one, Fn.ORDER), check(onePlusP, 0n)];
  const [refused] = checks.map((each) => refusalOf(each.algorithm));
  expect(messages(checks)).toEqual([undefined, refused, refused]);
});

test('algorithmOf knows labels and numbers of protobuf JSON and nothing else', () => {
  for (const algorithm of ALGORITHMS) {
    expect(algorithmOf(algorithm.keyDetails)).toBe(algorithm);
    expect(algorithmOf(algorithm.number)).toBe(algorithm);
  }
  for (const label of ['PKIX_ED25519', 'PKIX_ECDSA_P384_SHA_256', '5', '', 'toString', 0, 7, -1, 5.5, NaN]) {
    expect(algorithmOf(label)).toBeUndefined();
  }
});

describe('no bytes make it throw anything but InvalidEntryError', () => {
  const bytes = fc.uint8Array({ maxLength: 160 });

  /** One of the good keys, certificates or signatures with a few bytes changed, dropped or put in. */
  function spoilt(part: 'key' | 'certificate' | 'signature') {
    const edit = fc.record({ at: fc.nat(3000), remove: fc.nat(2), insert: fc.uint8Array({ maxLength: 2 }) });
    return fc
      .record({
        algorithm: fc.constantFrom(...ALGORITHMS),
        edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
      })
      .map(({ algorithm, edits }) =>
        edits.reduce((whole, { at, remove, insert }) => {
          const start = at % (whole.length + 1);
          return Buffer.concat([whole.subarray(0, start), insert, whole.subarray(start + remove)]);
        }, signedBy(algorithm)[part]),
      );
  }

  test('verifySignatures', () => {
    const check = fc.record({
      key: fc.oneof(
        bytes,
        spoilt('key'),
        fc.constantFrom(...ALGORITHMS).map((a) => signedBy(a).key),
      ),
      algorithm: fc.constantFrom(...ALGORITHMS),
      digest: fc.oneof(bytes, ...[32, 48, 64].map((n) => fc.uint8Array({ minLength: n, maxLength: n }))),
      signature: fc.oneof(bytes, spoilt('signature')),
    });
    fc.assert(
      fc.property(fc.array(check, { maxLength: 8 }), (checks) => {
        const results = verifySignatures(checks);
        return (
          results.length === checks.length && results.every((result) => result instanceof InvalidEntryError)
        );
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['parsePublicKey', 'key', parsePublicKey],
    ['certificateKey', 'certificate', certificateKey],
  ] as const)('%s', (_, part, parse) => {
    fc.assert(
      fc.property(fc.oneof(bytes, spoilt(part)), (input) => {
        try {
          parse(input);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidEntryError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
