import { X509Certificate, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { afterAll, describe, expect, test } from 'vitest';
import { InvalidEntryError } from '#src/errors.js';
import { ALGORITHMS } from '#src/signatures/algorithms.js';
import { certificateKey } from '#src/signatures/node/certificate.js';
import { P256, P384, P521 } from '#src/signatures/curves.js';
import { parsePublicKey } from '#src/signatures/node/public-key.js';
import { OpenSsl } from '../../support/openssl-keys.js';

const openssl = new OpenSsl();
afterAll(() => {
  openssl.remove();
});

/** What is wrong with a key, or undefined when it is accepted. */
function whyNot(key: Uint8Array, parse: (bytes: Uint8Array) => unknown = parsePublicKey): string | undefined {
  try {
    parse(key);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidEntryError);
    return (error as InvalidEntryError).message;
  }
}

/** Runs openssl to make a key and returns its SPKI, in DER. */
function spkiOf(...genpkey: string[]): Buffer {
  openssl.run('genpkey', '-out', 'key.pem', ...genpkey);
  return openssl.run('pkey', '-in', 'key.pem', '-pubout', '-outform', 'DER');
}

/** An SPKI of RSA with these numbers, whatever they are. */
function rsaSpki(n: Buffer, e: Buffer): Buffer {
  const jwk = { kty: 'RSA', n: n.toString('base64url'), e: e.toString('base64url') };
  return createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'der' });
}

describe.each([
  [P256, 'ec_paramgen_curve:P-256', '3059 301306072a8648ce3d020106082a8648ce3d030107 034200'],
  [P384, 'ec_paramgen_curve:P-384', '3076 301006072a8648ce3d020106052b81040022 036200'],
  [P521, 'ec_paramgen_curve:P-521', '30819b 301006072a8648ce3d020106052b81040023 03818600'],
] as const)('ECDSA $name', ({ name, noble }, option, prefixHex) => {
  const prefix = Buffer.from(prefixHex.replaceAll(' ', ''), 'hex');
  const algorithm = Buffer.from(prefixHex.split(' ')[1] ?? '', 'hex');
  const { Fp } = noble.Point;
  const spki = spkiOf('-algorithm', 'EC', '-pkeyopt', option);
  const withPoint = (...point: Uint8Array[]) => Buffer.concat([prefix, ...point]);
  const [x, y] = [prefix.length + 1, prefix.length + 1 + Fp.BYTES].map((at) =>
    spki.subarray(at, at + Fp.BYTES),
  );
  if (x === undefined || y === undefined) throw new Error('unreachable');
  const notUncompressed = `publicKey: its ${name} point is not in uncompressed form`;

  test('what openssl writes is accepted, and has the exact prefix', () => {
    expect(spki.subarray(0, prefix.length)).toEqual(prefix);
    const key = parsePublicKey(spki);
    expect(key).toMatchObject({
      type: 'ecdsa',
      keyDetails: ALGORITHMS.find((a) => a.key === `ECDSA ${name}`)?.keyDetails,
    });
    expect(key).toMatchObject({ curve: { name }, point: { x: Fp.fromBytes(x), y: Fp.fromBytes(y) } });
  });

  test('hybrid and compressed points, and the point at infinity, are refused', () => {
    const even = (y.at(-1) ?? 0) % 2 === 0;
    const hybrid = withPoint(Buffer.from([even ? 6 : 7]), x, y);
    expect(createPublicKey({ key: hybrid, format: 'der', type: 'spki' }).asymmetricKeyType).toBe('ec'); // OpenSSL takes it
    expect(whyNot(hybrid)).toBe(notUncompressed);
    const convert = (form: string) =>
      openssl.run('ec', '-in', 'key.pem', '-pubout', '-outform', 'DER', '-conv_form', form);
    openssl.run('genpkey', '-out', 'key.pem', '-algorithm', 'EC', '-pkeyopt', option);
    expect(whyNot(convert('compressed'))).toBe(notUncompressed);
    expect(whyNot(convert('hybrid'))).toBe(notUncompressed);
    expect(whyNot(convert('uncompressed'))).toBeUndefined();
    const infinity = [Buffer.from([0x30, algorithm.length + 4]), algorithm, Buffer.from('03020000', 'hex')];
    expect(whyNot(Buffer.concat(infinity))).toBe(notUncompressed);
  });

  test('a point off the curve and a coordinate of p or more are refused', () => {
    const off = Buffer.from(spki);
    off.writeUInt8((off.at(-1) ?? 0) ^ 1, off.length - 1);
    expect(whyNot(off)).toBe(`publicKey: its point is not on ${name}`);
    const swapped = withPoint(Buffer.from([4]), y, x);
    expect(whyNot(swapped)).toBe(`publicKey: its point is not on ${name}`);
    const p = Buffer.from(Fp.ORDER.toString(16).padStart(2 * Fp.BYTES, '0'), 'hex');
    const tooLarge = `publicKey: a coordinate of its ${name} point is not below the field prime`;
    expect(whyNot(withPoint(Buffer.from([4]), p, y))).toBe(tooLarge);
    expect(whyNot(withPoint(Buffer.from([4]), x, p))).toBe(tooLarge);
    expect(whyNot(withPoint(Buffer.from([4]), Buffer.alloc(2 * Fp.BYTES)))).toBe(
      `publicKey: its point is not on ${name}`,
    );
  });

  test('explicit curve parameters are refused', () => {
    const explicit = spkiOf('-algorithm', 'EC', '-pkeyopt', option, '-pkeyopt', 'ec_param_enc:explicit');
    expect(whyNot(explicit)).toMatch(/^publicKey: its algorithm .*is not accepted$/);
  });
});

describe('RSA', () => {
  const modulus = (bits: number) => {
    const n = Buffer.alloc(Math.ceil(bits / 8), 0xa5);
    n.writeUInt8(1 << ((bits - 1) % 8), 0);
    return n;
  };
  const F4 = Buffer.from([1, 0, 1]);

  test.each([2048, 3072, 4096])('%i bits are accepted', (bits) => {
    const expected = { type: 'rsa', keyDetails: `PKIX_RSA_PKCS1V15_${bits}_SHA256`, modulusLength: bits / 8 };
    expect(parsePublicKey(rsaSpki(modulus(bits), F4))).toMatchObject(expected);
  });

  test.each([1024, 2047, 2049, 2056, 3071, 4095, 4097, 8192])('%i bits are refused', (bits) => {
    const message = `publicKey: its RSA modulus has ${bits} bits; 2048, 3072 and 4096 are accepted`;
    expect(whyNot(rsaSpki(modulus(bits), F4))).toBe(message);
  });

  test.each([
    ['00', false],
    ['01', false],
    ['02', false],
    ['03', true],
    ['04', false],
    ['010000', false],
    ['010001', true],
    ['7fffffff', true],
    ['80000001', false],
    ['010000000000000001', false],
  ])('exponent 0x%s', (e, accepted) => {
    const message = 'publicKey: its RSA exponent is not an odd number from 3 to 2^31 - 1';
    expect(whyNot(rsaSpki(modulus(2048), Buffer.from(e, 'hex')))).toBe(accepted ? undefined : message);
  });

  const spki = rsaSpki(modulus(2048), F4);
  /** The SPKI with bytes put in at `at`, and the lengths of what they are inside of put right. */
  function insert(at: number, bytes: number[], lengthsAt: number[]): Buffer {
    const changed = Buffer.concat([spki.subarray(0, at), Buffer.from(bytes), spki.subarray(at)]);
    for (const lengthAt of lengthsAt)
      changed.writeUInt16BE(changed.readUInt16BE(lengthAt) + bytes.length, lengthAt);
    return changed;
  }

  test('an RSAPublicKey that OpenSSL reads but DER does not allow is refused', () => {
    // 30 82 LLLL, 15 bytes of AlgorithmIdentifier, 03 82 LLLL 00, 30 82 LLLL, 02 82 LLLL 00 n, 02 03 010001
    const end = spki.length;
    const message =
      /^publicKey: is not the DER encoding of an RSA key: (a length|an INTEGER) is not minimal$|is not the DER encoding of an RSA key: bytes follow/;
    const reads = (key: Buffer) => createPublicKey({ key, format: 'der', type: 'spki' }).asymmetricKeyType;
    const longExponent = insert(end - 4, [0x81], [2, 21, 26]);
    const paddedModulus = insert(32, [0], [2, 21, 26, 30]);
    for (const key of [longExponent, paddedModulus]) {
      expect(reads(key)).toBe('rsa');
      expect(whyNot(key)).toMatch(message);
    }
    expect(whyNot(insert(end, [5, 0], [2, 21]))).toMatch(message);
    expect(whyNot(insert(end, [5, 0], [2, 21, 26]))).toMatch(message);
  });

  test('RSA-PSS keys are refused', () => {
    const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).publicKey;
    expect(whyNot(pss.export({ type: 'spki', format: 'der' }))).toBe(
      'publicKey: its algorithm (rsa-pss) is not accepted',
    );
  });
});

describe('Ed25519', () => {
  const spki = spkiOf('-algorithm', 'ED25519');
  const withPoint = (hex: string) => Buffer.concat([spki.subarray(0, 12), Buffer.from(hex, 'hex')]);

  test('what openssl writes is accepted', () => {
    expect(parsePublicKey(spki)).toEqual({
      type: 'ed25519',
      keyDetails: 'PKIX_ED25519_PH',
      point: spki.subarray(12),
    });
  });

  test.each([
    '0100000000000000000000000000000000000000000000000000000000000000', // order 1
    'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // order 2
    '0000000000000000000000000000000000000000000000000000000000000000', // order 4
    '0000000000000000000000000000000000000000000000000000000000000080', // order 4
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05', // order 8
    '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85', // order 8
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a', // order 8
    'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa', // order 8
  ])('a point of small order is refused: %s', (hex) => {
    expect(whyNot(withPoint(hex))).toBe('publicKey: its Ed25519 point has small order');
  });

  test.each([
    'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p + 1
    'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f', // y = p
    '0100000000000000000000000000000000000000000000000000000000000080', // x = 0 with the sign of 1
    '0200000000000000000000000000000000000000000000000000000000000000', // no x for y = 2
  ])('bytes that are no point in canonical form are refused: %s', (hex) => {
    const message = 'publicKey: its Ed25519 point is not on the curve or not in canonical form';
    expect(whyNot(withPoint(hex))).toBe(message);
  });
});

describe('a SubjectPublicKeyInfo', () => {
  const keys = [
    spkiOf('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'),
    spkiOf('-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'),
    spkiOf('-algorithm', 'ED25519'),
  ];

  test('with bytes after it, or any byte of its end missing, is refused', () => {
    for (const key of keys) {
      expect(whyNot(Buffer.concat([key, Buffer.from([0])]))).toBe(
        'publicKey: is not a DER SubjectPublicKeyInfo: bytes follow the key',
      );
      for (let length = 0; length < key.length; length++) {
        expect(whyNot(key.subarray(0, length))).toBe(
          'publicKey: is not a DER SubjectPublicKeyInfo: it ends early',
        );
      }
    }
  });

  test('with bytes after the key inside it, or a key that is not whole bytes, is refused', () => {
    const [p256] = keys;
    if (p256 === undefined) throw new Error('unreachable');
    const longer = Buffer.concat([p256, Buffer.from([5, 0])]);
    longer.writeUInt8(longer.readUInt8(1) + 2, 1);
    expect(whyNot(longer)).toBe('publicKey: is not a DER SubjectPublicKeyInfo: bytes follow the key');
    const bits = Buffer.from(p256);
    bits.writeUInt8(1, 25);
    expect(whyNot(bits)).toBe('publicKey: is not a DER SubjectPublicKeyInfo: the key is not whole bytes');
  });

  test('of another algorithm is refused by its name', () => {
    expect(whyNot(spkiOf('-algorithm', 'X25519'))).toBe('publicKey: its algorithm (x25519) is not accepted');
    expect(whyNot(spkiOf('-algorithm', 'ED448'))).toBe('publicKey: its algorithm (ed448) is not accepted');
    const secp256k1 = spkiOf('-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1');
    expect(whyNot(secp256k1)).toBe('publicKey: its algorithm (ec secp256k1) is not accepted');
    expect(whyNot(Buffer.from('3007300306012a030100', 'hex'))).toMatch(/^publicKey: /);
  });

  test('in PEM, or a private key, is refused', () => {
    expect(whyNot(openssl.run('pkey', '-in', 'key.pem', '-pubout'))).toMatch(/^publicKey: is not a DER/);
    expect(whyNot(openssl.run('pkey', '-in', 'key.pem', '-outform', 'DER'))).toMatch(
      /^publicKey: is not a DER/,
    );
  });
});

describe('a certificate', () => {
  openssl.run('genpkey', '-out', 'certified.pem', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256');
  const make = (...args: string[]) =>
    openssl.run('req', '-x509', '-new', '-key', 'certified.pem', '-subj', '/CN=t', ...args);
  const der = make('-outform', 'DER');
  const key = openssl.run('pkey', '-in', 'certified.pem', '-pubout', '-outform', 'DER');

  test('gives its key, be it of version 1 or 3, expired or with an unknown critical extension', () => {
    expect(Buffer.from(certificateKey(der))).toEqual(key);
    const unknown = make('-outform', 'DER', '-addext', '1.2.3.4=critical,DER:0500');
    expect(Buffer.from(certificateKey(unknown))).toEqual(key);
    openssl.run('req', '-new', '-key', 'certified.pem', '-subj', '/CN=t', '-out', 'csr.pem');
    const sign = ['x509', '-req', '-in', 'csr.pem', '-signkey', 'certified.pem', '-outform', 'DER'];
    const version1 = openssl.run(...sign, '-days', '-1');
    expect(new Date(new X509Certificate(version1).validTo).getTime()).toBeLessThan(Date.now());
    expect(version1.includes(Buffer.from('a003020102', 'hex'))).toBe(false);
    expect(Buffer.from(certificateKey(version1))).toEqual(key);
  });

  test('in which OpenSSL overlooks a length that DER does not allow is refused', () => {
    const at = der.indexOf(key) + 1;
    const ber = Buffer.concat([der.subarray(0, at), Buffer.from([0x81]), der.subarray(at)]);
    for (const lengthAt of [2, 6]) ber.writeUInt16BE(ber.readUInt16BE(lengthAt) + 1, lengthAt);
    expect(new X509Certificate(ber).raw).toEqual(ber);
    expect(whyNot(ber, certificateKey)).toBe('x509Certificate: is not DER: a length is not minimal');
  });

  test('in PEM, with bytes after it, cut short, or not at all is refused', () => {
    const message = 'x509Certificate: is not a DER X.509 certificate, or bytes follow it';
    const twice = Buffer.concat([der, der]);
    for (const bytes of [
      make(),
      Buffer.concat([der, Buffer.from([0])]),
      twice,
      der.subarray(0, -1),
      key,
      Buffer.alloc(0),
    ]) {
      expect(whyNot(bytes, certificateKey)).toBe(message);
    }
  });
});
