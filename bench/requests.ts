/**
 * Signed requests to submit, which are distinct hashedrekords over a number of P-256 keys; and their submission.
 * @module
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import type { Pool } from 'undici';

/** Bodies of `count` distinct requests, signed by `keys` keys in turn. About 60 us each. */
export function signedRequests(count: number, keys: number): Buffer[] {
  const signers = Array.from({ length: keys }, () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    return { privateKey, spki: publicKey.export({ type: 'spki', format: 'der' }).toString('base64') };
  });
  return Array.from({ length: count }, (_, i) => {
    const signer = signers[i % keys];
    if (signer === undefined) throw new RangeError('at least one key');
    const artifact = Buffer.from(`artifact ${i} of ${process.pid}`);
    return Buffer.from(
      JSON.stringify({
        hashedRekordRequestV002: {
          digest: createHash('sha256').update(artifact).digest('base64'),
          signature: {
            content: sign('sha256', artifact, signer.privateKey).toString('base64'),
            verifier: { publicKey: { rawBytes: signer.spki }, keyDetails: 'PKIX_ECDSA_P256_SHA_256' },
          },
        },
      }),
    );
  });
}

/** Submits one request. Returns the answer's status, and its `Retry-After` in milliseconds, or 0. */
export async function submit(pool: Pool, body: Buffer): Promise<{ status: number; retryAfter: number }> {
  const answer = await pool.request({
    method: 'POST',
    path: '/api/v2/log/entries',
    headers: { 'content-type': 'application/json' },
    body,
  });
  await answer.body.dump();
  return { status: answer.statusCode, retryAfter: 1000 * Number(answer.headers['retry-after'] ?? 0) };
}
