/**
 * Attestations as PyPI serves them (PEP 740): what a Sigstore bundle of v0.3 has, under other names.
 * @module
 */
import { z } from 'zod';
import type { SigstoreBundle } from './sigstore-bundle.js';
import { list, MAX_PROOFS, readMessage, someBytes } from './message-fields.js';
import { transparencyLogEntry } from './transparency-log-entry.js';

/** The one type of an attestation's statement. */
const PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** The libraries that made PyPI's first attestations broke base64 into lines. */
const lines = z
  .string()
  .transform((text) => text.replaceAll('\n', ''))
  .pipe(someBytes);

const attestation = z.object({
  version: z.literal(1, { error: 'is not 1, the one version of an attestation that Stele knows' }),
  verificationMaterial: z.object({
    certificate: lines,
    transparencyEntries: z.array(transparencyLogEntry).min(1, 'is empty').max(MAX_PROOFS),
    // Of those whose entry has no time of its own.
    timestamps: list(lines, MAX_PROOFS),
  }),
  envelope: z.object({ statement: lines, signature: lines }),
});

/**
 * The bundle that an attestation is: its statement is the payload of an envelope, signed by the certificate's key.
 * @param what names it in errors.
 * @throws FormatError when it is none, of version 1.
 */
export function bundleOfAttestation(value: unknown, what: string): Omit<SigstoreBundle, 'version'> {
  const { verificationMaterial, envelope } = readMessage(attestation, value, what);
  return {
    content: {
      type: 'dsseEnvelope',
      payloadType: PAYLOAD_TYPE,
      payload: envelope.statement,
      signature: envelope.signature,
    },
    material: { type: 'certificate', der: verificationMaterial.certificate },
    entries: verificationMaterial.transparencyEntries,
    timestamps: verificationMaterial.timestamps,
  };
}
