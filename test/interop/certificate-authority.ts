/**
 * A stand-in for Fulcio, by its interface v2, with an identity provider and a certificate transparency log of its own.
 * Certificates have Fulcio's profile: from an intermediate, good for ten minutes, with an embedded SCT. As Fulcio does,
 * it demands a token that the provider signed, and a proof that the key is the submitter's.
 * @module
 */
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import { createHash, createPublicKey, randomBytes, verify, webcrypto } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import { readElement, SEQUENCE } from '#tiles-spec/der.js';
import { newCertificateLog, type CertificateLog } from './certificate-log.js';
import { ISSUER, nameOf, newIdentityProvider, type Identity } from './identity-provider.js';

export interface CertificateAuthority {
  readonly url: string;
  /** The intermediate's certificate and the root's, PEM. */
  readonly chain: string;
  /** The certificate transparency log's public key, PEM. */
  readonly certificateLogKey: string;
  /** An OpenID Connect token for this identity. */
  readonly token: (identity: Identity) => string;
  /**
   * Answers Fulcio's CreateSigningCertificateRequest, as JSON: with the certificate and those of the chain, PEM.
   * @throws Error when the token is not the provider's, or the key is not shown to be the submitter's.
   */
  readonly certify: (request: unknown) => Promise<string[]>;
  readonly stop: () => Promise<void>;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' } as const;
const DAY = 24 * 3600_000;
const LIFETIME = 10 * 60_000;
const ISSUER_V1 = '1.3.6.1.4.1.57264.1.1';
const ISSUER_V2 = '1.3.6.1.4.1.57264.1.8';
const SCT_LIST = '1.3.6.1.4.1.11129.2.4.2';

/** Starts it on a free port, with keys of its own. */
export async function startCertificateAuthority(): Promise<CertificateAuthority> {
  const provider = newIdentityProvider();
  const certificateLog = newCertificateLog();
  const { chain, issue } = await makeAuthority(certificateLog);

  const certify = async (request: unknown): Promise<string[]> => {
    const { credentials, ...key } = signingRequest.parse(request);
    const identity = provider.identityIn(credentials.oidcIdentityToken);
    return [await issue(await provedKey(key, identity), identity), ...chain];
  };
  const answer = async (headers: IncomingHttpHeaders, body: unknown): Promise<string> => {
    const certificates = await certify(withBearer(headers, body));
    return JSON.stringify({ signedCertificateEmbeddedSct: { chain: { certificates } } });
  };
  const server = createServer((request, response) => {
    if (request.url !== '/api/v2/signingCert') {
      response.writeHead(404).end();
      return;
    }
    json(request)
      .then((body) => answer(request.headers, body))
      .then(
        (text) => response.writeHead(200, { 'content-type': 'application/json' }).end(text),
        (error: unknown) =>
          response
            .writeHead(400, { 'content-type': 'application/json' })
            .end(
              JSON.stringify({ code: 3, message: error instanceof Error ? error.message : '', details: [] }),
            ),
      );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    chain: chain.map((pem) => `${pem}\n`).join(''),
    certificateLogKey: certificateLog.publicKey,
    token: provider.token,
    certify,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A root, an intermediate, and what issues certificates that are in the certificate transparency log. */
async function makeAuthority(certificateLog: CertificateLog) {
  const [root, intermediate] = await Promise.all([newKey(), newKey()]);
  const names = { root: 'O=stand-in.example, CN=root', intermediate: 'O=stand-in.example, CN=intermediate' };
  const notBefore = new Date();
  const authority = async (
    name: keyof typeof names,
    { publicKey }: CryptoKeyPair,
    ...more: x509.Extension[]
  ) => {
    const certificate = await x509.X509CertificateGenerator.create({
      serialNumber: newSerialNumber(),
      subject: names[name],
      issuer: names.root,
      publicKey,
      signingKey: root.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore,
      notAfter: new Date(notBefore.getTime() + DAY),
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(root.publicKey),
        ...more,
      ],
    });
    return certificate.toString('pem');
  };
  const chain = [
    await authority(
      'intermediate',
      intermediate,
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
    ),
    await authority('root', root, new x509.BasicConstraintsExtension(true, 1, true)),
  ];

  const issuerKeyHash = createHash('sha256')
    .update(new Uint8Array(await webcrypto.subtle.exportKey('spki', intermediate.publicKey)))
    .digest();
  const issue = async (spki: Uint8Array, identity: Identity): Promise<string> => {
    const now = new Date();
    const publicKey = new x509.PublicKey(Uint8Array.from(spki));
    const type = 'email' in identity ? 'email' : 'url';
    const parts = {
      serialNumber: newSerialNumber(),
      issuer: names.intermediate,
      publicKey,
      signingKey: intermediate.privateKey,
      signingAlgorithm: ALGORITHM,
      notBefore: now,
      notAfter: new Date(now.getTime() + LIFETIME),
      extensions: [
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
        new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.codeSigning]),
        await x509.SubjectKeyIdentifierExtension.create(publicKey),
        await x509.AuthorityKeyIdentifierExtension.create(intermediate.publicKey),
        // Critical: there is no subject.
        new x509.SubjectAlternativeNameExtension([{ type, value: nameOf(identity) }], true),
        new x509.Extension(ISSUER_V1, false, Buffer.from(ISSUER)),
        new x509.Extension(
          ISSUER_V2,
          false,
          Buffer.concat([Buffer.of(0x0c, ISSUER.length), Buffer.from(ISSUER)]),
        ),
      ],
    };
    const logged = await x509.X509CertificateGenerator.create(parts);
    const sct = certificateLog.sctExtension(issuerKeyHash, toBeSigned(logged), now);
    const extensions = [...parts.extensions, new x509.Extension(SCT_LIST, false, Uint8Array.from(sct))];
    return (await x509.X509CertificateGenerator.create({ ...parts, extensions })).toString('pem');
  };
  return { chain, issue };
}

function newKey(): Promise<CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

/** Positive, and never shortened by a leading zero. */
function newSerialNumber(): string {
  return Buffer.concat([Buffer.of(0x5a), randomBytes(15)]).toString('hex');
}

/** The TBSCertificate: a certificate's first element. */
function toBeSigned(certificate: x509.X509Certificate): Uint8Array {
  const { content } = readElement(new Uint8Array(certificate.rawData), SEQUENCE);
  return readElement(content, SEQUENCE).encoded;
}

/** Sigstore-rust has the token in the request, others in a header. */
function withBearer({ authorization }: IncomingHttpHeaders, body: unknown): unknown {
  const [, oidcIdentityToken] = /^Bearer (\S+)$/.exec(authorization ?? '') ?? [];
  return oidcIdentityToken === undefined ? body : Object.assign({ credentials: { oidcIdentityToken } }, body);
}

/** Sigstore-python sends a certificate request, others a key and the identity signed with it. */
const signingRequest = z.object({
  credentials: z.object({ oidcIdentityToken: z.string() }),
  certificateSigningRequest: z.base64().optional(),
  publicKeyRequest: z
    .object({ publicKey: z.object({ content: z.string() }), proofOfPossession: z.base64() })
    .optional(),
});

type KeyRequest = Omit<z.infer<typeof signingRequest>, 'credentials'>;

/** The key that is to be certified, DER, if whoever asks has shown to hold its private half. */
async function provedKey(
  { certificateSigningRequest, publicKeyRequest }: KeyRequest,
  identity: Identity,
): Promise<Uint8Array> {
  if (certificateSigningRequest !== undefined) {
    const pem = Buffer.from(certificateSigningRequest, 'base64').toString();
    const csr = new x509.Pkcs10CertificateRequest(pem);
    if (!(await csr.verify())) throw new Error('the certificate request is not signed by its key');
    return new Uint8Array(csr.publicKey.rawData);
  }
  if (publicKeyRequest === undefined) throw new Error('there is no key to be certified');
  const key = createPublicKey(publicKeyRequest.publicKey.content);
  const subject = Buffer.from(nameOf(identity));
  if (!verify('sha256', subject, key, Buffer.from(publicKeyRequest.proofOfPossession, 'base64')))
    throw new Error('the proof of possession is not by the key');
  return key.export({ type: 'spki', format: 'der' });
}
