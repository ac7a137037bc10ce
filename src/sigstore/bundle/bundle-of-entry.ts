/**
 * The Sigstore bundle of an entry, made from its canonical body.
 * @module
 */
import { ProofError } from '../../../tiles-spec/index.js';
import { readEntry } from '../../kinds/read-entry.js';
import { publicKeyHint, type SigstoreBundle } from './sigstore-bundle.js';
import { soleStatement } from './sole-statement.js';
import { entryOf, type PublishedEntry } from './transparency-log-entry.js';

/**
 * Makes the bundle. An envelope is logged by its digest alone: its bundle is over the digest of its encoding.
 * @param logId all 32 bytes.
 * @throws ProofError when the entry's kind is not known, or it does not hold one signature over a digest; FormatError
 *   when its body is malformed.
 */
export function bundleOfEntry(entry: PublishedEntry, logId: Uint8Array): SigstoreBundle {
  const { signature, verifier, digest, digestOf } = soleStatement(readEntry(entry.body));
  if (digestOf !== 'message')
    throw new ProofError('the entry holds no digest of what was signed: it makes no bundle');
  return {
    content: {
      type: 'messageSignature',
      digestAlgorithm: digest.algorithm,
      digest: digest.digest,
      signature,
    },
    material:
      verifier.form === 'publicKey'
        ? { type: 'publicKey', hint: publicKeyHint(verifier.der) }
        : { type: 'certificate', der: verifier.der },
    entries: [entryOf(entry, logId)],
    timestamps: [],
  };
}
