/**
 * What a body is: the verifier of entries and the reader of bodies say the same of the same bytes.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseBody } from '#src/kinds/canonical-body.js';
import { trustedLogFromVerifierKey } from '#src/sigstore/trust/trusted-root.js';
import { verifyLoggedEntry } from '#src/sigstore/verify/entry-proof.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { ED25519, formatVerifierKey, FormatError, ProofError } from '#tiles-spec/index.js';
import { badBodies, goodBodies } from '../../support/entry-bodies.js';

const vkey = formatVerifierKey({
  name: 'log.example.org',
  type: ED25519,
  publicKey: Buffer.from('03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8', 'hex'),
});
const log = trustedLogFromVerifierKey(vkey);

/** What an attempt ends in. */
function verdictOf(attempt: () => unknown): unknown {
  try {
    return attempt();
  } catch (error) {
    return error;
  }
}

/** The verifier comes to the inclusion proof, which is not there, where it has found nothing wrong with the body. */
function isTakenByVerifier(body: Uint8Array, { kind, version }: { kind: string; version: string }): unknown {
  const verdict = verdictOf(() =>
    verifyLoggedEntry({ index: 0, logId: log.logId, kind, version, body }, [log]),
  );
  return verdict instanceof ProofError && verdict.message.includes('no inclusion proof') ? true : verdict;
}

function compare(body: Uint8Array): void {
  const read = verdictOf(() => parseBody(body));
  if (read instanceof FormatError) {
    expect(isTakenByVerifier(body, { kind: 'hashedrekord', version: '0.0.2' })).toEqual(read);
  } else {
    expect(isTakenByVerifier(body, read as ReturnType<typeof parseBody>)).toBe(true);
  }
}

describe('a body', () => {
  it('is one for the verifier and for the reader, or for neither', () => {
    fc.assert(fc.property(fc.oneof(goodBodies, badBodies), compare), { numRuns: 1500 });
  });

  it.each([
    '{"api_version":"0.0.2","kind":"hashedrekord","spec":{}}',
    '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{},"more":1}',
    '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":null}',
    '{"apiVersion":"0.0.2","kind":"hashedrekord"}',
    '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{},"x":null}',
    '{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"a":1e999}}',
  ])('such as %s', (text) => {
    compare(encodeText(text));
  });
});
