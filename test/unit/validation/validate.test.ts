/**
 * Validation in groups: what is known first comes first, and a request that takes its time, or fails, is alone with it.
 */
import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { InvalidEntryError } from '#src/errors.js';
import { hashedrekord, hashedRekordJson } from '#src/kinds/hashedrekord-0.0.2.js';
import { checkEntries } from '#src/requests/check.js';
import type { ProposedEntry } from '#src/requests/proposal.js';
import { proposeEntry } from '#src/requests/rekor-v2/create-entry-request.js';
import { proposeBy, type RequestForm } from '#src/requests/request-form.js';
import { nodeSuite } from '#src/signatures/node/suite.js';
import { encodeText } from '#tiles-spec/bytes.js';

import { validateInGroups, type Outcome } from '#writer/validation/validate.js';
import { goodRequest } from '../../support/http.js';

const key = generateKeyPairSync('ed25519');
const spki = new Uint8Array(key.publicKey.export({ type: 'spki', format: 'der' }));

/** A form of a test's own: a pure Ed25519 signature, made sure of by WebCrypto, which is asynchronous. */
const pureEd25519: RequestForm<{ message: string; signature: string }> = {
  kind: hashedrekord,
  schema: z.strictObject({ message: z.string(), signature: z.string() }),
  propose: async ({ message, signature }) => {
    const digest = new Uint8Array(await webcrypto.subtle.digest('SHA-512', encodeText(message)));
    if (message === '') throw new InvalidEntryError('message: is empty');
    const content = new Uint8Array(Buffer.from(signature, 'base64'));
    const verifier = { form: 'publicKey', der: spki, keyDetails: 'PKIX_ED25519' } as const;
    const verify = async () => {
      const imported = await webcrypto.subtle.importKey('spki', spki, 'Ed25519', false, ['verify']);
      if (!(await webcrypto.subtle.verify('Ed25519', imported, content, encodeText(message))))
        throw new InvalidEntryError('signature: does not verify');
    };
    return {
      spec: hashedRekordJson({
        data: { algorithm: 'SHA2_512', digest },
        signature: { content, verifier },
      }),
      checks: [{ verify }],
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
    const groups: Outcome[][] = [];
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
