/**
 * The identity that a verifier demands of a certificate, and whether the certificate states it.
 * @module
 */
import { ProofError } from '../../../../tiles-spec/index.js';
import type { StatedIdentity } from '../stated-identity.js';
import { firstMatch, wantedText, type NamePattern } from './name-pattern.js';

/** Who must have signed. A text must equal the certificate's, character by character; a pattern must match it whole. */
export interface CertificateIdentity {
  /**
   * A subject alternative name of the certificate: an e-mail address, a URI, a DNS name, an IP address as RFC 5952
   * writes it, or Fulcio's user name.
   */
  readonly identity: string | NamePattern;
  /**
   * The identity provider's URL: the extension 1.3.6.1.4.1.57264.1.8, or the older 1.1. A certificate of a company's own
   * authority may name no provider. No text accepts such a certificate. A pattern is matched with the empty text
   * instead, so `^$` accepts only such certificates.
   */
  readonly issuer: string | NamePattern;
}

/**
 * Checks that a certificate states the wanted identity.
 * @returns the name that matched.
 * @throws ProofError when no name, or not the issuer, matched.
 */
export function requireIdentity({ names, issuer }: StatedIdentity, wanted: CertificateIdentity): string {
  const identity = firstMatch(names, wanted.identity);
  if (identity === undefined) {
    const actual = names.length === 0 ? 'nobody' : names.join(', ').slice(0, 1000);
    throw new ProofError(`the certificate is of ${actual}, not of ${wantedText(wanted.identity)}`);
  }
  if (issuer === undefined && typeof wanted.issuer === 'string') {
    throw new ProofError(
      `the certificate names no identity provider, and so it is not by ${wanted.issuer}; the issuer pattern ^$ takes a certificate that names none`,
    );
  }
  if (firstMatch([issuer ?? ''], wanted.issuer) === undefined) {
    const actual = issuer ?? 'no named provider';
    throw new ProofError(`the certificate's identity is by ${actual}, not by ${wantedText(wanted.issuer)}`);
  }
  return identity;
}
