/**
 * `dsseRequestV002`: a DSSE envelope, as `@sigstore/sign` still sends it. It is logged as a hashedrekord over the
 * digest of the envelope's pre-authentication encoding, which its one signature signs.
 * @module
 */
import { z } from 'zod';
import { hashedrekord } from '../../kinds/hashedrekord-0.0.2.js';
import { preAuthenticationEncoding } from '../../signatures/pre-authentication-encoding.js';
import type { RequestForm } from '../request-form.js';
import { bytesField, loggedBytes } from './fields.js';
import { proposeHashedRekord } from './hashedrekord.js';
import { verifierField } from './verifier.js';

const one = 'must have exactly one: an envelope of several signatures is several entries';

const schema = z.strictObject({
  envelope: z.strictObject({
    payload: bytesField('What was signed.'),
    payloadType: z.string().min(1, 'is empty').describe('The type of the payload.'),
    signatures: z
      .array(z.strictObject({ sig: loggedBytes('The signature.'), keyid: z.string().optional() }))
      .length(1, one),
  }),
  verifiers: z.array(verifierField).length(1, one),
});

export const dsseRequest: RequestForm<z.infer<typeof schema>> = {
  kind: hashedrekord,
  schema,
  propose: ({ envelope, verifiers: [verifier] }, suite) => {
    const [signature] = envelope.signatures;
    if (verifier === undefined || signature === undefined)
      throw new TypeError('the schema demands one of each');
    const message = preAuthenticationEncoding(envelope.payloadType, envelope.payload);
    const digest = suite.digest(verifier.algorithm.digestName, message);
    return proposeHashedRekord(digest, signature.sig, verifier, suite);
  },
};
