/**
 * DSSE envelopes (`dsseRequestV002`), which `@sigstore/sign` still sends: logged as a hashedrekord over the digest
 * of what the envelope's one signature signs.
 * @module
 */
import { z } from 'zod';
import { concatBytes, encodeText } from '../../tiles-spec/bytes.js';
import { keysOfHashedRekord, proposeHashedRekord } from './hashedrekord.js';
import { entryKind } from './kind.js';
import { bytesField, loggedBytes } from '../protobuf-json.js';
import { verifierField } from './verifier.js';

const one = 'must have exactly one: an envelope of several signatures is several entries';

const request = z.strictObject({
  envelope: z.strictObject({
    payload: bytesField('What was signed.'),
    payloadType: z.string().min(1, 'is empty').describe('The type of the payload.'),
    signatures: z
      .array(z.strictObject({ sig: loggedBytes('The signature.'), keyid: z.string().optional() }))
      .length(1, one),
  }),
  verifiers: z.array(verifierField).length(1, one),
});

/** DSSE's pre-authentication encoding (DSSE protocol, "Signature Definition"): what an envelope's signature is over. */
export function preAuthenticationEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = encodeText(payloadType);
  return concatBytes([
    encodeText(`DSSEv1 ${type.length} `),
    type,
    encodeText(` ${payload.length} `),
    payload,
  ]);
}

export const dsse = entryKind({
  kind: 'hashedrekord',
  version: '0.0.2',
  requestField: 'dsseRequestV002',
  requestSchema: request,
  propose: ({ envelope, verifiers: [verifier] }, digest) => {
    const [signature] = envelope.signatures;
    if (verifier === undefined || signature === undefined)
      throw new TypeError('the schema demands one of each');
    const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
    return proposeHashedRekord({
      verifier,
      digest: digest(verifier.algorithm.digestName, message),
      signature: signature.sig,
    });
  },
  keysOf: keysOfHashedRekord,
});
