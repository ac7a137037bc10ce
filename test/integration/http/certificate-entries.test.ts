/**
 * Entries whose certificates nobody can read all of: the log takes them, and everyone goes on reading.
 */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { expect, it } from 'vitest';
import { keysOf } from '#src/kinds/read-entry.js';
import { decodeBase64 } from '#tiles-spec/index.js';
import { openLog } from '#reader/node/open-log.js';
import { startDaemon, withFolder } from '../../support/daemon.js';
import { hostileCertificates } from '../../support/hostile-certificates.js';
import { log } from '../../support/http.js';

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** A request for an entry by this certificate. */
function requestBy(certificate: Uint8Array, message: Uint8Array) {
  const verifier = {
    x509Certificate: { rawBytes: Buffer.from(certificate).toString('base64') },
    keyDetails: 'PKIX_ECDSA_P256_SHA_256',
  };
  const content = sign('sha256', message, key.privateKey).toString('base64');
  const digest = createHash('sha256').update(message).digest('base64');
  return { hashedRekordRequestV002: { digest, signature: { content, verifier } } };
}

it('a log takes certificates with names that cannot be read, and every entry is found by those that can', async () => {
  await withFolder(async (folder) => {
    const daemon = await startDaemon(folder);
    try {
      // What is over an entry's length is another matter.
      const corpus = hostileCertificates(key.publicKey).filter(
        ({ certificate }) => certificate.length < 45_000,
      );
      expect(corpus.length).toBeGreaterThan(60);
      const answers = await Promise.all(
        corpus.map(({ certificate, what }) => log(daemon.url, requestBy(certificate, Buffer.from(what)))),
      );
      const { tree } = await (await openLog(daemon.url, { verifierKey: daemon.verifierKey })).latest();
      for (const [i, { what, keys }] of corpus.entries()) {
        const { body } = await tree.entry(Number(answers[i]?.logIndex));
        expect(new Uint8Array(body)).toEqual(decodeBase64(answers[i]?.canonicalizedBody ?? ''));
        expect(
          keysOf(body).filter((found) => found.startsWith('san')),
          what,
        ).toEqual(keys);
      }
    } finally {
      await daemon.stop();
    }
  });
});
