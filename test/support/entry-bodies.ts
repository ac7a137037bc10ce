/**
 * Bodies of entries, good and bad: what a log may hold, and a reader must read without a throw.
 * @module
 */
import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { canonicalBody } from '#src/kinds/canonical-body.js';
import { encodeText } from '#tiles-spec/bytes.js';

import { BAD_REQUESTS } from './bad-input-cases.js';
import { brokenCertificates, hostileCertificates } from './hostile-certificates.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const pem = (label: string, bytes: Uint8Array) =>
  base64(
    Buffer.from(
      `-----BEGIN ${label}-----\n${base64(bytes).replace(/.{1,64}/g, '$&\n')}-----END ${label}-----\n`,
    ),
  );

const spki = generateKeyPairSync('ed25519').publicKey.export({ type: 'spki', format: 'der' });
const certificates = [...hostileCertificates(), ...brokenCertificates()]
  .map(({ certificate }) => Buffer.from(certificate))
  .filter(({ length }) => length > 0);

/** Keys and certificates, those spoilt on purpose, and bytes that are neither. */
const der = fc.oneof(
  fc.constant(spki),
  fc.constantFrom(...certificates),
  fc.uint8Array({ minLength: 1, maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
);
const signature = fc.uint8Array({ minLength: 1, maxLength: 100 }).map(base64);

const digest = fc
  .constantFrom(
    ['sha256', 'SHA2_256', 32] as const,
    ['sha384', 'SHA2_384', 48] as const,
    ['sha512', 'SHA2_512', 64] as const,
  )
  .chain(([name, label, length]) =>
    fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => ({ name, label, bytes })),
  );
const digestV1 = digest.map(({ name, bytes }) => ({
  algorithm: name,
  value: Buffer.from(bytes).toString('hex'),
}));
const digestV2 = digest.map(({ label, bytes }) => ({ algorithm: label, digest: base64(bytes) }));

const verifierV1 = fc
  .tuple(fc.constantFrom('PUBLIC KEY', 'CERTIFICATE'), der)
  .map(([label, bytes]) => pem(label, bytes));
const verifierV2 = fc
  .tuple(fc.constantFrom('publicKey', 'x509Certificate'), der, fc.stringMatching(/^[A-Z][A-Z0-9_]{0,20}$/))
  .map(([field, bytes, keyDetails]) => ({ [field]: { rawBytes: base64(bytes) }, keyDetails }));
const signatureV2 = fc.record({ content: signature, verifier: verifierV2 });
const several = <T>(each: fc.Arbitrary<T>) => fc.array(each, { minLength: 1, maxLength: 3 });

const FORMS: Readonly<Record<string, fc.Arbitrary<object>>> = {
  'hashedrekord 0.0.1': fc.record({
    data: fc.record({ hash: digestV1 }),
    signature: fc.record({ content: signature, publicKey: fc.record({ content: verifierV1 }) }),
  }),
  'hashedrekord 0.0.2': fc
    .record({ data: digestV2, signature: signatureV2 })
    .map((hashedRekordV002) => ({ hashedRekordV002 })),
  'dsse 0.0.1': fc.record({
    envelopeHash: digestV1,
    payloadHash: digestV1,
    signatures: several(fc.record({ signature, verifier: verifierV1 })),
  }),
  'dsse 0.0.2': fc
    .record({ payloadHash: digestV2, signatures: several(signatureV2) })
    .map((dsseV002) => ({ dsseV002 })),
  'intoto 0.0.2': fc
    .record({
      envelope: fc.record({
        payloadType: fc.string(),
        signatures: several(
          fc.record({ sig: signature.map((text) => base64(Buffer.from(text))), publicKey: verifierV1 }),
        ),
      }),
      payloadHash: digestV1,
    })
    .map((content) => ({ content })),
};

/** By kind and version, the bodies that have the kind's shape. */
export const bodiesByKind: ReadonlyMap<string, fc.Arbitrary<Uint8Array>> = new Map(
  Object.entries(FORMS).map(([name, spec]) => {
    const [kind = '', version = ''] = name.split(' ');
    return [name, spec.map((value) => canonicalBody({ kind, version }, value))];
  }),
);

/** Bodies of every known kind. */
export const goodBodies = fc.oneof(...bodiesByKind.values());

/** JSON that `JSON.stringify` never writes, or that readers of JSON take in different ways. */
const HAND_WRITTEN = [
  '1e999',
  '-1E999',
  '-0',
  '1E2',
  '1.0',
  '9007199254740993',
  '{"__proto__":{"a":1}}',
  '"\\ud800"',
];

/** Good bodies with hand-written JSON in a field of theirs, or in one more. */
const handWrittenBodies = fc
  .tuple(goodBodies, fc.nat(), fc.constantFrom(...HAND_WRITTEN), fc.constantFrom('x', '__proto__', undefined))
  .map(([body, at, written, added]) => {
    const json: unknown = JSON.parse(Buffer.from(body).toString());
    const places = placesIn(json).filter(({ object }) => added === undefined || !Array.isArray(object));
    const place = places[at % places.length];
    if (place === undefined) throw new TypeError('a body has fields');
    const { object, name } = place;
    Object.defineProperty(object, added ?? name, { value: MARK, enumerable: true });
    return encodeText(JSON.stringify(json).replace(JSON.stringify(MARK), () => written));
  });
const MARK = 'the place of hand-written JSON';

/**
 * Good bodies with a value or a few bytes changed or with hand-written JSON in them, kinds that nobody knows, requests
 * in place of bodies, and noise.
 */
export const badBodies = fc.oneof(
  handWrittenBodies,
  fc.tuple(goodBodies, fc.nat(), fc.jsonValue({ maxDepth: 3 })).map(([body, at, value]) => {
    const json: unknown = JSON.parse(Buffer.from(body).toString());
    const places = placesIn(json);
    const place = places[at % places.length];
    if (place !== undefined) place.object[place.name] = value;
    return encodeText(JSON.stringify(json));
  }),
  fc.tuple(goodBodies, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 })).map(([body, changes]) => {
    const bytes = Uint8Array.from(body);
    for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
    return bytes;
  }),
  fc
    .record({ apiVersion: fc.string(), kind: fc.string(), spec: fc.jsonValue({ maxDepth: 3 }) })
    .map((body) => encodeText(JSON.stringify(body))),
  fc.constantFrom(...requestsAsBodies()),
  fc.uint8Array({ maxLength: 200 }),
);

interface Place {
  readonly object: Record<string, unknown>;
  readonly name: string;
}

function placesIn(value: unknown): Place[] {
  if (typeof value !== 'object' || value === null) return [];
  const object = value as Record<string, unknown>;
  return Object.keys(object).flatMap((name) => [{ object, name }, ...placesIn(object[name])]);
}

function requestsAsBodies(): Uint8Array[] {
  return BAD_REQUESTS.flatMap(([, requests]) => requests).flatMap(({ body }) => {
    if (body === null || body.length > 100_000) return [];
    return [typeof body === 'string' ? encodeText(body) : Uint8Array.from(body)];
  });
}
