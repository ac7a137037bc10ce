/**
 * Validation in groups: what is known first comes first, and a request that takes its time, or fails, is alone with it.
 */
import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidEntryError } from '#src/errors.js';
import { hashedrekord, hashedRekordJson } from '#src/kinds/hashedrekord-0.0.2.js';
import type { KeyFormat } from '#src/pki/key-format.js';
import { checkEntries } from '#src/requests/check.js';
import type { ProposedEntry } from '#src/requests/proposal.js';
import { proposeEntry } from '#src/requests/rekor-v2/create-entry-request.js';
import { proposeBy, type RequestForm } from '#src/requests/request-form.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { leafHash } from '#tiles-spec/index.js';
import { packResults, unpackResults, type Outcome } from '#writer/validation/results.js';
import { validateInGroups } from '#writer/validation/validate.js';
import { goodRequest } from '../../support/http.js';

const key = generateKeyPairSync('ed25519');
const spki = new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));

/** A format of a test's own: it signs messages, by pure Ed25519, and WebCrypto verifies it, which is asynchronous. */
const ed25519: KeyFormat<Uint8Array> = {
  parseKey: (bytes) => bytes,
  canonicalKey: (bytes) => bytes,
  checks: (bytes, signature, { bytes: message }) => {
    if (message === undefined) throw new InvalidEntryError('message: only its digest is known');
    const verify = async () => {
      const imported = await webcrypto.subtle.importKey('spki', bytes, 'Ed25519', false, ['verify']);
      if (!(await webcrypto.subtle.verify('Ed25519', imported, signature, message)))
        throw new InvalidEntryError('signature: does not verify');
    };
    return [{ verify }];
  },
};

/** A form of a test's own, which keeps the message beside the entry. */
const pureEd25519: RequestForm<{ message: string; signature: string }> = {
  kind: hashedrekord,
  schema: z.strictObject({ message: z.string(), signature: z.string() }),
  propose: async ({ message, signature }, suite) => {
    const digest = new Uint8Array(await webcrypto.subtle.digest('SHA-512', encodeText(message)));
    if (message === '') throw new InvalidEntryError('message: is empty');
    const content = new Uint8Array(Buffer.from(signature, 'base64'));
    const signer = ed25519.parseKey(spki);
    const verifier = {
      form: 'publicKey',
      der: ed25519.canonicalKey(signer),
      keyDetails: 'PKIX_ED25519',
    } as const;
    const attestation = encodeText(message);
    return {
      spec: hashedRekordJson({
        data: { algorithm: 'SHA2_512', digest },
        signature: { content, verifier },
      }),
      attestation,
      checks: ed25519.checks(signer, content, { bytes: attestation, digests: { sha512: digest } }, suite),
    };
  },
};

/** Requests of Rekor v2, and those of the form above. */
function propose(request: Uint8Array): ProposedEntry | Promise<ProposedEntry> {
  const text = Buffer.from(request).toString();
  if (!text.startsWith('{"pureEd25519":')) return proposeEntry(request, nodeSuite);
  const { pureEd25519: value } = JSON.parse(text) as { pureEd25519: unknown };
  return proposeBy(pureEd25519, value, 'pureEd25519', nodeSuite);
}

const jsonOf = (request: unknown) => encodeText(JSON.stringify(request));
const pure = (message: string, signed = message) =>
  jsonOf({
    pureEd25519: { message, signature: sign(null, encodeText(signed), key.privateKey).toString('base64') },
  });
const cheap = () => jsonOf(goodRequest());

describe('requests in groups', () => {
  it('need no promise where their forms and checks need none', () => {
    const groups = [...validateInGroups([cheap(), jsonOf({}), cheap()], propose)];
    const outcomes = groups.flatMap((group) => (group instanceof Promise ? [] : [group]));
    expect(outcomes.map((group) => group.map(({ place }) => place))).toEqual([[1], [0, 2]]);
    expect(outcomes[0]?.[0]?.entry).toBeInstanceOf(InvalidEntryError);
    expect(outcomes[1]?.every(({ entry }) => !(entry instanceof Error))).toBe(true);
  });

  it('of an asynchronous form come last, each with its own verdict', async () => {
    const requests = [pure('a'), cheap(), pure('b', 'c'), pure(''), jsonOf({ pureEd25519: {} }), pure('d')];
    const groups: Outcome<ProposedEntry>[][] = [];
    const places: (number | undefined)[] = [];
    for (const group of validateInGroups(requests, propose, (place) => places.push(place)))
      groups.push(await group);
    expect(groups.map((group) => group.map(({ place }) => place))).toEqual([[4], [1], [0], [2], [3], [5]]);
    expect(places).toEqual([0, 1, 2, 3, 4, 5, undefined, 0, 2, 3, 5]);
    const verdicts = groups.flat().map(({ entry }) => (entry instanceof Error ? entry.message : entry.kind));
    expect(verdicts).toEqual([
      expect.stringMatching(/^pureEd25519\.message: is missing/),
      'hashedrekord',
      'hashedrekord',
      'signature: does not verify',
      'message: is empty',
      'hashedrekord',
    ]);
  });
});

describe('the results of a thread', () => {
  it('bring to the writer what the forms have made, attestations too', async () => {
    const requests = [pure('kept beside the body'), cheap(), pure('a', 'b'), jsonOf({})];
    const outcomes: Outcome<ProposedEntry>[] = [];
    for (const group of validateInGroups(requests, propose)) outcomes.push(...(await group));
    const sent = structuredClone(packResults(outcomes));
    const expected = outcomes.map(({ place, cost, entry }) => {
      if (entry instanceof Error) return { place, cost, entry };
      const { kind, version, body, attestation } = entry;
      const kept = attestation && Buffer.from(attestation);
      const copy = { body: Buffer.from(body), leafHash: Buffer.from(leafHash(body)), attestation: kept };
      return { place, cost, entry: { kind, version, ...copy } };
    });
    expect(unpackResults(sent)).toEqual(expected);
    const attestations = expected.map(({ entry }) =>
      entry instanceof Error ? undefined : entry.attestation,
    );
    expect(attestations.map(String)).toContain('kept beside the body');
  });

  it('tell an empty attestation from none', async () => {
    const entry = await Promise.resolve(propose(cheap()));
    const outcomes = [undefined, new Uint8Array()].map((attestation, place) => {
      return { place, cost: 0, entry: { ...entry, attestation } };
    });
    const [without, withEmpty] = unpackResults(packResults(outcomes)).map((outcome) => outcome.entry);
    expect(without).toMatchObject({ attestation: undefined });
    expect(withEmpty).toMatchObject({ attestation: Buffer.alloc(0) });
  });
});

describe('the checks of entries', () => {
  const entryOf = (request: Uint8Array) => Promise.resolve(propose(request));

  it('that run themselves run once the signatures hold', async () => {
    const good = await entryOf(cheap());
    const other = await entryOf(cheap());
    const [signature] = other.checks;
    let runs = 0;
    const own = {
      verify: () => {
        runs++;
        return Promise.resolve();
      },
    };
    const refused = [
      ...good.checks.map((check) => ({ ...check, ...(signature && { signature: new Uint8Array(64) }) })),
      own,
    ];
    const entries = [good, { ...good, checks: refused }, { ...good, checks: [...good.checks, own, own] }];
    const refusals = await checkEntries(entries, nodeSuite);
    expect(refusals.map((refusal) => refusal?.message.split(' ', 1)[0])).toEqual([
      undefined,
      'signature:',
      undefined,
    ]);
    expect(runs).toBe(2);
  });

  it('fail alone where the suite fails by one of them', async () => {
    const [first, second] = [await entryOf(cheap()), await entryOf(cheap())];
    const fragile = {
      ...nodeSuite,
      verify: (checks: Parameters<typeof nodeSuite.verify>[0]) => {
        if (checks.some((check) => check === first.checks[0])) throw new RangeError('out of memory');
        return nodeSuite.verify(checks);
      },
    };
    expect(await checkEntries([first, second], fragile)).toEqual([
      new RangeError('out of memory'),
      undefined,
    ]);
  });
});
