/**
 * Requests become entries: one body for all spellings of one request, and InvalidEntryError for all that is none.
 */
import { createHash, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InvalidEntryError } from '#src/errors.js';
import { parseJson } from '#src/json.js';
import { proposeEntry, validateRequest } from '#src/requests/rekor-v2/create-entry-request.js';
import type { ProposedEntry } from '#src/requests/proposal.js';
import { ALGORITHMS } from '#src/signatures/algorithms.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { decodeText } from '#tiles-spec/bytes.js';
import { encodeText } from '#tiles-spec/bytes.js';

import { validateInGroups } from '#writer/validation/validate.js';
import { der, newAuthority, subjectAltNames } from '../../support/certificates.js';

/** Proposes without a promise, as the forms of Rekor v2 do. */
function propose(text: string): ProposedEntry {
  const entry = proposeEntry(encodeText(text), nodeSuite);
  if (entry instanceof Promise) throw new Error('a promise');
  return entry;
}

const bytes = (maxLength: number) =>
  fc.uint8Array({ minLength: 1, maxLength }).map((each) => Buffer.from(each));

/** How one request may be spelled: choices are drawn in turn. */
type Choices = fc.Arbitrary<() => number>;

const choices: Choices = fc.infiniteStream(fc.nat(1_000)).map((stream) => () => Number(stream.next().value));

const SNAKE_CASE: Readonly<Record<string, string>> = {
  hashedRekordRequestV002: 'hashed_rekord_request_v0_0_2',
  dsseRequestV002: 'dsse_request_v0_0_2',
  publicKey: 'public_key',
  x509Certificate: 'x509_certificate',
  rawBytes: 'raw_bytes',
  keyDetails: 'key_details',
  payloadType: 'payload_type',
};

/** Writes a value with fields in either spelling and any order, bytes in any base64, and fields that are null. */
function spell(value: unknown, next: () => number): string {
  if (Buffer.isBuffer(value)) return JSON.stringify(spellBytes(value, next));
  if (Array.isArray(value)) return `[${value.map((item) => spell(item, next)).join(space(next))}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const given = Object.entries(value);
  const nulls = ['publicKey', 'x509Certificate', 'keyid']
    .filter((name) => !Object.hasOwn(value, name) && belongs(name, value) && next() % 2 === 0)
    .map((name) => [name, null] as const);
  const fields = [...given, ...nulls]
    .map((field) => ({ field, order: next() }))
    .sort((a, b) => a.order - b.order)
    .map(({ field: [name, each] }) => {
      const spelled = next() % 2 === 0 ? (SNAKE_CASE[name] ?? name) : name;
      return `${JSON.stringify(spelled)}${next() % 2 === 0 ? ' :\n' : ':'}${spell(each, next)}`;
    });
  return `{${fields.join(space(next))}}`;
}

const space = (next: () => number) => [',', ' , ', ',\n\t'][next() % 3] ?? ',';

/** Whether a message of Rekor's that has these fields may have that one, too. */
function belongs(name: string, message: object): boolean {
  return name === 'keyid' ? 'sig' in message : 'keyDetails' in message;
}

function spellBytes(value: Buffer, next: () => number): string {
  const text = value.toString(next() % 2 === 0 ? 'base64' : 'base64url');
  const bare = text.replace(/=+$/, '');
  return next() % 2 === 0 ? bare : bare.padEnd(Math.ceil(bare.length / 4) * 4, '=');
}

const { publicKey: certified } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const authority = newAuthority('requests');
const certificates = Array.from({ length: 8 }, (_, i) =>
  authority.issue(certified, [subjectAltNames(der(0x82, Buffer.from(`${'a'.repeat(i)}.example`)))], false),
);

const algorithm = fc.constantFrom(...ALGORITHMS);
const verifier = fc.oneof(
  fc.record({ form: fc.constant('publicKey'), rawBytes: bytes(80), algorithm }),
  // A certificate's key is read when the entry is proposed, so these are real.
  fc.record({ form: fc.constant('x509Certificate'), rawBytes: fc.constantFrom(...certificates), algorithm }),
);

describe('a request', () => {
  it('for a hashedrekord has one canonical body, however it is spelled', () => {
    fc.assert(
      fc.property(
        bytes(64),
        bytes(100),
        verifier,
        choices,
        fc.boolean(),
        (digested, content, by, next, number) => {
          const { form, rawBytes, algorithm } = by;
          const keyDetails = number ? algorithm.number : algorithm.keyDetails;
          const request = {
            hashedRekordRequestV002: {
              digest: digested,
              signature: { content, verifier: { [form]: { rawBytes }, keyDetails } },
            },
          };
          const entry = propose(spell(request, next));
          // Sorted by name, as RFC 8785 has it.
          const expected = {
            apiVersion: '0.0.2',
            kind: 'hashedrekord',
            spec: {
              hashedRekordV002: {
                data: { algorithm: algorithm.digestAlgorithm, digest: digested.toString('base64') },
                signature: {
                  content: content.toString('base64'),
                  verifier:
                    form === 'publicKey'
                      ? {
                          keyDetails: algorithm.keyDetails,
                          publicKey: { rawBytes: rawBytes.toString('base64') },
                        }
                      : {
                          keyDetails: algorithm.keyDetails,
                          x509Certificate: { rawBytes: rawBytes.toString('base64') },
                        },
                },
              },
            },
          };
          expect(decodeText(entry.body, 'body')).toBe(JSON.stringify(expected));
          expect(entry).toMatchObject({ kind: 'hashedrekord', version: '0.0.2' });
          expect(entry.checks).toMatchObject([
            { algorithm, digest: new Uint8Array(digested), signature: new Uint8Array(content) },
          ]);
        },
      ),
      { numRuns: 400 },
    );
  });

  it('for a DSSE envelope is one for a hashedrekord over what was signed', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }).map((each) => Buffer.from(each)),
        fc.string({ minLength: 1 }),
        bytes(100),
        verifier,
        choices,
        (payload, payloadType, sig, by, next) => {
          const { form, rawBytes, algorithm } = by;
          const dsse = {
            dsseRequestV002: {
              envelope: { payload, payloadType, signatures: [{ sig }] },
              verifiers: [{ [form]: { rawBytes }, keyDetails: algorithm.number }],
            },
          };
          const type = Buffer.from(payloadType);
          const signed = createHash(algorithm.digestName)
            .update(`DSSEv1 ${type.length} `)
            .update(type)
            .update(` ${payload.length} `)
            .update(payload)
            .digest();
          const hashedrekord = {
            hashedRekordRequestV002: {
              digest: signed,
              signature: {
                content: sig,
                verifier: { [form]: { rawBytes }, keyDetails: algorithm.keyDetails },
              },
            },
          };
          expect(propose(spell(dsse, next)).body).toStrictEqual(propose(spell(hashedrekord, next)).body);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('what is no request', () => {
  const parsedJson = (request: Uint8Array): unknown => {
    try {
      return parseJson(request, 'the request');
    } catch {
      return undefined;
    }
  };
  const expectInvalid = async (request: Uint8Array) => {
    // As the daemon's threads read it.
    const outcomes = [];
    for (const group of validateInGroups([request], (each) => proposeEntry(each, nodeSuite)))
      outcomes.push(...(await group));
    expect(outcomes).toHaveLength(1);
    const error: unknown = outcomes[0]?.entry;
    expect(error).toBeInstanceOf(InvalidEntryError);
    expect((error as Error).message).toMatch(/^.{1,1100}$/s);
    // As the command line checks it, which has it parsed.
    const json = parsedJson(request);
    if (json === undefined) return;
    const thrown: unknown = await validateRequest(json, nodeSuite).catch((refusal: unknown) => refusal);
    expect(thrown).toEqual(error);
  };

  it('throws nothing but InvalidEntryError: JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        await expectInvalid(encodeText(text));
      }),
      { numRuns: 500 },
    );
  });

  it('throws nothing but InvalidEntryError: bytes', async () => {
    await fc.assert(fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), expectInvalid), { numRuns: 500 });
  });

  it('throws nothing but InvalidEntryError: a request with anything anywhere', async () => {
    const forms = [
      (hole: unknown) => ({ hashedRekordRequestV002: hole }),
      (hole: unknown) => ({ hashedRekordRequestV002: { digest: hole, signature: hole } }),
      (hole: unknown) => ({
        hashedRekordRequestV002: { digest: 'AA==', signature: { content: hole, verifier: hole } },
      }),
      (hole: unknown) => ({
        hashedRekordRequestV002: {
          digest: 'AA==',
          signature: { content: 'AA==', verifier: { publicKey: hole, keyDetails: 5 } },
        },
      }),
      (hole: unknown) => ({
        hashedRekordRequestV002: {
          digest: 'AA==',
          signature: { content: 'AA==', verifier: { x509Certificate: { rawBytes: hole }, keyDetails: hole } },
        },
      }),
      (hole: unknown) => ({ dsseRequestV002: hole }),
      (hole: unknown) => ({ dsseRequestV002: { envelope: hole, verifiers: [hole] } }),
      (hole: unknown) => ({
        dsseRequestV002: { envelope: { payload: hole, signatures: [hole] }, verifiers: hole },
      }),
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...forms), fc.jsonValue({ maxDepth: 3 }), async (form, hole) => {
        await expectInvalid(encodeText(JSON.stringify(form(hole))));
      }),
      { numRuns: 1_000 },
    );
  });

  it('throws nothing but InvalidEntryError: any key, certificate and signature', async () => {
    const bytesOfKeys = fc.oneof(
      bytes(60),
      bytes(60).map((each) => Buffer.concat([Buffer.of(0x30, each.length), each])),
      bytes(60).map((each) => Buffer.concat([Buffer.of(0x30, each.length + 2, 0x30, each.length), each])),
      bytes(70).map((each) =>
        Buffer.concat([Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex'), each]),
      ),
      bytes(60).map((each) => Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), each])),
    );
    const form = fc.constantFrom('publicKey', 'x509Certificate');
    await fc.assert(
      fc.asyncProperty(
        bytesOfKeys,
        bytesOfKeys,
        form,
        algorithm,
        async (key, signature, field, { number, digestLength }) => {
          const request = {
            hashedRekordRequestV002: {
              digest: Buffer.alloc(digestLength).toString('base64'),
              signature: {
                content: signature.toString('base64'),
                verifier: { [field]: { rawBytes: key.toString('base64') }, keyDetails: number },
              },
            },
          };
          await expectInvalid(encodeText(JSON.stringify(request)));
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('is told by its first three faults', () => {
    expect(() =>
      propose(
        '{"hashedRekordRequestV002":{"digest":"","signature":{"content":1,"verifier":{},"b":1},"a":1}}',
      ),
    ).toThrow(
      /^hashedRekordRequestV002\.digest: is empty; hashedRekordRequestV002\.signature\.content: [^;]+; hashedRekordRequestV002\.signature\.verifier\.keyDetails: is missing$/,
    );
  });

  it('by a value that no entry can hold is refused for its length, before anything is made of it', () => {
    const long = (character: string) => JSON.stringify(character.repeat(65_536));
    const request = (digest: string) =>
      propose(
        `{"hashedRekordRequestV002":{"digest":${digest},"signature":{"content":"AA==","verifier":{}}}}`,
      );
    // Neither is base64: that is not looked at.
    for (const character of ['!', '-']) {
      expect(() => request(long(character))).toThrow(
        /^hashedRekordRequestV002\.digest: has 65536 characters; an entry has at most 65535 bytes/,
      );
    }
    expect(() => propose(`{"${'_a'.repeat(129)}":0}`)).toThrow(
      'a field has a name of 258 characters, over 256',
    );
  });
});
