/**
 * Attestations as PyPI serves them (PEP 740): the content of a Sigstore bundle of v0.3, under other names.
 * @module
 */
import { z } from 'zod';
import { list, readMessage, someBytes } from '../../protobuf-json.js';
import { IN_TOTO, MAX_PROOFS, type SigstoreBundle } from './sigstore-bundle.js';
import { transparencyLogEntry } from './transparency-log-entry.js';

/** Base64 that may be broken into lines: the library that made PyPI's first attestations wrote it so. */
const lines = z
  .string()
  .transform((text) => text.replaceAll('\n', ''))
  .pipe(someBytes);

const attestation = z.object({
  version: z.literal(1, { error: 'is not 1, the one version of an attestation that Stele knows' }),
  verificationMaterial: z.object({
    certificate: lines,
    transparencyEntries: z.array(transparencyLogEntry).min(1, 'is empty').max(MAX_PROOFS),
    // An entry of Rekor v2 has no time of its own, and needs one of these.
    timestamps: list(lines, MAX_PROOFS),
  }),
  envelope: z.object({ statement: lines, signature: lines }),
});

/**
 * Reads an attestation as a bundle: an envelope around the statement, signed by the certificate's key.
 * @param json parsed JSON.
 * @param what names the attestation in errors.
 * @throws FormatError when it is no attestation of version 1.
 */
export function bundleOfAttestation(json: unknown, what: string): SigstoreBundle {
  const { verificationMaterial, envelope } = readMessage(attestation, json, what);
  return {
    content: {
      type: 'dsseEnvelope',
      payloadType: IN_TOTO,
      payload: envelope.statement,
      signature: envelope.signature,
    },
    material: { type: 'certificate', der: verificationMaterial.certificate },
    entries: verificationMaterial.transparencyEntries,
    timestamps: verificationMaterial.timestamps,
  };
}
