/**
 * A stand-in for an OpenID Connect provider. No client connects to it: they are handed their tokens.
 * @module
 */
import { generateKeyPairSync, sign, verify, type KeyObject } from 'node:crypto';
import { z } from 'zod';

/** The provider's URL. */
export const ISSUER = 'https://issuer.example';

/** What a token says: an e-mail address for a person, a URI for a workload. */
export type Identity = { readonly email: string } | { readonly uri: string };

/** An identity as certificates and proofs of possession have it. */
export function nameOf(identity: Identity): string {
  return 'email' in identity ? identity.email : identity.uri;
}

export interface IdentityProvider {
  /** A token for this identity, good for ten minutes. */
  readonly token: (identity: Identity) => string;
  /**
   * Whom a token is of.
   * @throws Error when the provider did not sign it, it has expired, or it is not for Sigstore.
   */
  readonly identityIn: (token: string) => Identity;
}

export function newIdentityProvider(): IdentityProvider {
  // RS256, as the providers of production: cosign takes a token of another kind for a file's name.
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return {
    token: (identity) => tokenOf(identity, privateKey),
    identityIn: (token) => identityIn(token, publicKey),
  };
}

const claims = z.object({
  iss: z.literal(ISSUER),
  aud: z.literal('sigstore'),
  exp: z.number(),
  sub: z.string(),
  email: z.string().optional(),
  email_verified: z.boolean().optional(),
});

function tokenOf(identity: Identity, key: KeyObject): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const who =
    'email' in identity ? { sub: 'a-subject', ...identity, email_verified: true } : { sub: identity.uri };
  const signed = [
    part({ alg: 'RS256', typ: 'JWT' }),
    part({ iss: ISSUER, aud: 'sigstore', iat: now, exp: now + 600, ...who }),
  ].join('.');
  return `${signed}.${sign('sha256', Buffer.from(signed), key).toString('base64url')}`;
}

function identityIn(token: string, key: KeyObject): Identity {
  const [header = '', payload = '', signature = ''] = token.split('.');
  if (!verify('sha256', Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
    throw new Error('the token is not signed by its issuer');
  const { exp, sub, email, email_verified } = claims.parse(
    JSON.parse(Buffer.from(payload, 'base64url').toString()),
  );
  if (exp * 1000 < Date.now()) throw new Error('the token has expired');
  if (email === undefined) return { uri: sub };
  if (email_verified !== true) throw new Error('the e-mail address is not verified');
  return { email };
}
