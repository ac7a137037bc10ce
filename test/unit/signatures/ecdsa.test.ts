import { ECDH } from 'node:crypto';
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { P256, P384, P521 } from '#src/signatures/curves.js';
import type { AffinePoint, Curve } from '#src/signatures/curves.js';
import { verifyEcdsaBatch } from '#src/signatures/node/ecdsa.js';
import type { EcdsaItem } from '#src/signatures/node/ecdsa.js';
import { parseEcdsaSignature } from '#src/signatures/ecdsa-signature.js';

const CURVES = [P256, P384, P521];
const OPTIONS = { format: 'der', lowS: false, prehash: false } as const;
const DOES_NOT_VERIFY = 'does not verify over the digest with this key';

/** The public point of a private key. */
function pointOf({ noble }: Curve, privateKey: bigint): AffinePoint {
  const { x, y } = noble.Point.BASE.multiply(privateKey).toAffine();
  return { x, y };
}

function toBytes(number: bigint, length: number): Buffer {
  return Buffer.from(number.toString(16).padStart(2 * length, '0'), 'hex');
}

function encode({ noble }: Curve, r: bigint, s: bigint): Uint8Array {
  return new noble.Signature(r, s).toBytes('der');
}

function nobleAccepts({ noble }: Curve, { point, digest, signature }: EcdsaItem): boolean {
  return noble.verify(signature, digest, noble.Point.fromAffine(point).toBytes(false), OPTIONS);
}

/** How many items our way over ECDH answered; the rest were refused unparsed or went to noble. */
function countFast<T>(run: () => T): { result: T; fast: number } {
  const computeSecret = vi.spyOn(ECDH.prototype, 'computeSecret');
  const result = run();
  return { result, fast: computeSecret.mock.calls.length };
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe.each(CURVES)('$name', (curve) => {
  const { Fn } = curve.noble.Point;
  const length = Fn.BYTES;

  test('agrees with noble on random keys and digests, corrupted or not, in batches of any make-up', () => {
    const random = fc.record({
      privateKey: fc.bigInt(1n, Fn.ORDER - 1n),
      digest: fc.oneof(
        fc.uint8Array({ minLength: length, maxLength: length }),
        fc.uint8Array({ minLength: 1, maxLength: 80 }), // shorter and longer than n
      ),
      corruption: fc.constantFrom('none', 'none', 'high s', 'digest', 'signature', 'key', 'r plus n'),
      at: fc.nat(255),
    });
    const item = random.map(({ privateKey, digest, corruption, at }): EcdsaItem => {
      const secretKey = toBytes(privateKey, length);
      const signature = Buffer.from(curve.noble.sign(digest, secretKey, OPTIONS));
      const point = pointOf(curve, corruption === 'key' ? (privateKey % (Fn.ORDER - 1n)) + 1n : privateKey);
      if (corruption === 'digest') digest[at % digest.length] = (digest[at % digest.length] ?? 0) ^ 0x80;
      if (corruption === 'signature') signature[at % signature.length] = at;
      const parsed = parseEcdsaSignature(signature, Fn.ORDER);
      if (typeof parsed === 'string') return { point, digest, signature };
      if (corruption === 'high s')
        return { point, digest, signature: encode(curve, parsed.r, Fn.ORDER - parsed.s) };
      if (corruption !== 'r plus n') return { point, digest, signature };
      const [r, s] = [derInteger(parsed.r + Fn.ORDER), derInteger(parsed.s)];
      return { point, digest, signature: derElement(0x30, Buffer.concat([r, s])) };
    });
    let [accepted, refused] = [0, 0];
    fc.assert(
      fc.property(fc.array(item, { maxLength: 8 }), (items) => {
        const answers = verifyEcdsaBatch(curve, items).map((reason) => reason === undefined);
        accepted += answers.filter((answer) => answer).length;
        refused += answers.filter((answer) => !answer).length;
        expect(answers).toEqual(items.map((one) => nobleAccepts(curve, one)));
      }),
      { numRuns: curve === P256 ? 60 : curve === P384 ? 20 : 10 },
    );
    expect(accepted).toBeGreaterThan(0);
    expect(refused).toBeGreaterThan(0);
  });

  // Signatures that a signer chooses, for the private key d: any r = x(t·G) mod n, and then e and s to suit.
  const d = 0x1234567890abcdef1234567890abcdefn;
  const t = 0xfedcba0987654321fedcba0987654321n;
  const point = pointOf(curve, d);
  const r = Fn.create(pointOf(curve, t).x);
  // e as a digest exactly as long as n: shifted where n is not whole bytes.
  const digestOf = (e: bigint) => toBytes(e << BigInt(8 * length - Fn.BITS), length);
  /** The signature over e by the nonce t: s = (e + rd)/t. */
  const signed = (e: bigint): EcdsaItem => ({
    point,
    digest: digestOf(e),
    signature: encode(curve, r, Fn.div(Fn.add(e % Fn.ORDER, Fn.mul(r, d)), t)),
  });

  const ordinary = signed(5n);
  const zero = signed(0n);
  const order = signed(Fn.ORDER);
  const sameAsKey = signed(Fn.mul(r, d));
  // e = -rd makes T = -Q and R the point at infinity, whatever r and s are. There is no x(R), so nothing verifies.
  const oppositeOfKey = { point, digest: digestOf(Fn.neg(Fn.mul(r, d))), signature: encode(curve, r, 1n) };

  test.each([
    ['an ordinary signature', ordinary, true, 1],
    ['e = 0, so T is the point at infinity', zero, true, 0],
    ['e = 0 with a wrong s', { ...zero, signature: encode(curve, r, 7n) }, false, 0],
    ['e = n, so again T is the point at infinity', order, true, 0],
    ['T = Q', sameAsKey, true, 0],
    ['T = Q with a wrong s', { ...sameAsKey, signature: encode(curve, r, 7n) }, false, 0],
    ['T = -Q', oppositeOfKey, false, 0],
  ])('%s', (_, item, verifies, fastItems) => {
    const answer = verifies ? undefined : DOES_NOT_VERIFY;
    expect(nobleAccepts(curve, item)).toBe(verifies);
    expect(countFast(() => verifyEcdsaBatch(curve, [item]))).toEqual({ result: [answer], fast: fastItems });
  });

  test('a degenerate signature does not disturb the others of its batch', () => {
    const items = [
      ordinary,
      zero,
      ordinary,
      sameAsKey,
      oppositeOfKey,
      { ...ordinary, digest: digestOf(6n) },
      ordinary,
    ];
    const answers = [undefined, undefined, undefined, undefined, DOES_NOT_VERIFY, DOES_NOT_VERIFY, undefined];
    expect(countFast(() => verifyEcdsaBatch(curve, items))).toEqual({ result: answers, fast: 4 });
  });

  test('an empty batch', () => {
    expect(verifyEcdsaBatch(curve, [])).toEqual([]);
  });
});

function derElement(tag: number, content: Buffer): Buffer {
  const header = content.length < 0x80 ? [tag, content.length] : [tag, 0x81, content.length];
  return Buffer.concat([Buffer.from(header), content]);
}

function derInteger(number: bigint): Buffer {
  const hex = number.toString(16);
  const bytes = Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex');
  return derElement(0x02, (bytes[0] ?? 0) < 0x80 ? bytes : Buffer.concat([Buffer.from([0]), bytes]));
}

describe('signatures in DER', () => {
  const order = P256.noble.Point.Fn.ORDER;
  const n = derInteger(order).toString('hex').slice(4);
  const nMinus1 = derInteger(order - 1n)
    .toString('hex')
    .slice(4);

  test.each([
    ['3006020101020102', { r: 1n, s: 2n }],
    [`302602 0101 0221${nMinus1}`, { r: 1n, s: order - 1n }],
    [`302602 0101 0221${n}`, 'has an s that is not between 0 and the order of the curve'],
    [`302602 21${n} 020101`, 'has an r that is not between 0 and the order of the curve'],
    ['3006020100020101', 'has an r that is not between 0 and the order of the curve'],
    ['3006020101020100', 'has an s that is not between 0 and the order of the curve'],
    ['', 'is not DER: it ends early'],
    ['30', 'is not DER: it ends early'],
    ['3106020101020102', 'is not DER: a tag is 0x31 where 0x30 must be'],
    ['3006030101020102', 'is not DER: a tag is 0x03 where 0x02 must be'],
    ['30060201010201', 'is not DER: it ends early'],
    ['300602010102010200', 'is not DER: bytes follow s'],
    ['300702010102010200', 'is not DER: bytes follow s'],
    ['3003020101', 'is not DER: it ends early'],
    ['30050201010200', 'is not DER: an INTEGER is empty'],
    ['3006020181020102', 'is not DER: an INTEGER is negative'],
    ['300702020001020102', 'is not DER: an INTEGER is not minimal'],
    ['30070202ffff020102', 'is not DER: an INTEGER is negative'],
    ['308106020101020102', 'is not DER: a length is not minimal'],
    ['30820006020101020102', 'is not DER: a length is not minimal'],
    ['3080020101020102 0000', 'is not DER: a length is indefinite or too large'],
    ['308400000006020101020102', 'is not DER: a length is indefinite or too large'],
    ['3081', 'is not DER: it ends early'],
  ])('%s', (hex, expected) => {
    expect(parseEcdsaSignature(Buffer.from(hex.replaceAll(' ', ''), 'hex'), order)).toEqual(expected);
  });
});
