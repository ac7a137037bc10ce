/**
 * The bytes that the signatures of a DSSE envelope are over.
 * @module
 */
import { concatBytes, encodeText } from '../../tiles-spec/bytes.js';

/**
 * DSSE's pre-authentication encoding (DSSE protocol, "Signature Definition"). The lengths in it are decimal, and count
 * bytes: of the type, its UTF-8.
 */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = encodeText(payloadType);
  return concatBytes([
    encodeText(`DSSEv1 ${type.length} `),
    type,
    encodeText(` ${payload.length} `),
    payload,
  ]);
}
