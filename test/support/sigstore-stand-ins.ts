/**
 * The services beside the log that Sigstore's clients need: a certificate authority with its certificate
 * transparency log, and a time stamp authority. They are `@sigstore/mock`'s, on a real HTTP server; the log is never
 * one of them.
 * @module
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { listenOnFreePort } from './free-port.js';
// Imported by file: the package's index loads nock, which replaces node:http for the whole process.
import { fulcioHandler, initializeCA, initializeCTLog } from '@sigstore/mock/dist/fulcio/index.js';
import { initializeTSA, tsaHandler } from '@sigstore/mock/dist/timestamp/index.js';
import type { IdentityProvider } from '@sigstore/sign';

export interface StandIns {
  /** The URL of both authorities. */
  readonly url: string;
  /** Adds the stand-ins to a log's `trusted_root.json`. The rest of the text stays as it is. */
  readonly addTo: (trustedRoot: string) => string;
  readonly stop: () => Promise<void>;
}

/** Starts the stand-ins on a free port. */
export async function startStandIns(): Promise<StandIns> {
  const key = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
  // One whole second for all, and not before the authorities' own certificates: the time stamp authority drops the
  // last zero of a time's fraction, and the verifier takes times of three decimals or none.
  const clock = new Date((Math.ceil(Date.now() / 1000) + 1) * 1000);
  const ctLog = await initializeCTLog(key(), clock);
  const authority = await initializeCA(key(), ctLog, clock);
  const timestamps = await initializeTSA(key(), clock);
  const handlers = [fulcioHandler(authority), tsaHandler(timestamps)];

  const answer = async (request: IncomingMessage) => {
    const handler = handlers.find(({ path }) => path === request.url);
    if (handler === undefined) return { statusCode: 404, response: `nothing at ${String(request.url)}` };
    return handler.fn(await text(request));
  };
  const server = createServer((request, response) => {
    void answer(request).then(({ statusCode, response: body, ...rest }) => {
      const contentType = 'contentType' in rest ? rest.contentType : undefined;
      response.writeHead(statusCode, { 'content-type': contentType ?? 'text/plain' });
      response.end(
        typeof body === 'string' ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength),
      );
    });
  });
  const port = await listenOnFreePort(server);
  const url = `http://127.0.0.1:${port}`;

  const validFor = { start: '2024-01-01T00:00:00Z' };
  const chain = (...certificates: ArrayBufferView[]) => ({
    certificates: certificates.map((der) => ({ rawBytes: base64(der) })),
  });
  const subject = (commonName: string) => ({ organization: 'sigstore.mock', commonName });
  const additions = {
    certificateAuthorities: [
      { subject: subject('sigstore'), uri: url, certChain: chain(authority.rootCertificate), validFor },
    ],
    ctlogs: [
      {
        baseUrl: url,
        hashAlgorithm: 'SHA2_256',
        publicKey: { rawBytes: base64(ctLog.publicKey), keyDetails: 'PKIX_ECDSA_P256_SHA_256', validFor },
        logId: { keyId: base64(ctLog.logID) },
      },
    ],
    timestampAuthorities: [
      {
        subject: subject('tsa'),
        uri: `${url}/api/v1/timestamp`,
        certChain: chain(timestamps.intCertificate, timestamps.rootCertificate),
        validFor,
      },
    ],
  };
  return {
    url,
    addTo: (trustedRoot) =>
      Object.entries(additions).reduce((root, [name, value]) => {
        const empty = `"${name}":[]`;
        if (!root.includes(empty)) throw new Error(`trusted_root.json has no ${empty}`);
        return root.replace(empty, `"${name}":${JSON.stringify(value)}`);
      }, trustedRoot),
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A submitter's identity, as an OpenID provider would attest it. */
export function identityOf(subject: string): IdentityProvider {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'none' })}.${part({ sub: subject, iss: ISSUER })}.${part({})}`;
  return { getToken: () => Promise.resolve(token) };
}

/** The issuer of the identities. */
export const ISSUER = 'https://issuer.example';

function base64({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}
