/**
 * Compares the identity that a certificate states with the one that a verifier demands.
 * @module
 */
import { ProofError } from '../../../../tiles-spec/index.js';
import type { StatedIdentity } from '../stated-identity.js';
import { firstMatch, wantedText, type NamePattern } from './name-pattern.js';

/**
 * The signer that a verifier demands. A text must equal the certificate's, character by character. A pattern must match
 * all of the certificate's text.
 */
export interface CertificateIdentity {
  /**
   * One of the certificate's subject alternative names: an e-mail address, a URI, a DNS name, an IP address as RFC 5952
   * writes it, or Fulcio's user name.
   */
  readonly identity: string | NamePattern;
  /**
   * The URL of the identity provider, which the certificate has in the extension 1.3.6.1.4.1.57264.1.8, or in the older
   * 1.3.6.1.4.1.57264.1.1. The certificate of a company's own authority may name no provider. A text then never matches.
   * A pattern is matched with the empty text: `^$` demands a certificate that names no provider.
   */
  readonly issuer: string | NamePattern;
}

/**
 * Checks that a certificate states the demanded identity.
 * @returns the name of the certificate that matched.
 * @throws ProofError when none of its names matches, or its issuer does not.
 */
export function requireIdentity(
  { names, issuer: statedIssuer }: StatedIdentity,
  demanded: CertificateIdentity,
): string {
  const matched = firstMatch(names, demanded.identity);
  if (matched === undefined) {
    const stated = names.length === 0 ? 'nobody' : names.join(', ').slice(0, 1000);
    throw new ProofError(`the certificate is of ${stated}, not of ${wantedText(demanded.identity)}`);
  }
  requireIssuer(statedIssuer, demanded.issuer);
  return matched;
}

function requireIssuer(stated: string | undefined, demanded: CertificateIdentity['issuer']): void {
  if (stated === undefined && typeof demanded === 'string') {
    throw new ProofError(
      `the certificate names no identity provider, and so it is not by ${demanded}; the issuer pattern ^$ takes a certificate that names none`,
    );
  }
  if (firstMatch([stated ?? ''], demanded) === undefined) {
    const provider = stated ?? 'no named provider';
    throw new ProofError(`the certificate's identity is by ${provider}, not by ${wantedText(demanded)}`);
  }
}
