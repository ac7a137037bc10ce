/**
 * Who must have signed, by the names in a certificate.
 * @module
 */
import type { Alternatives } from './alternatives.js';
import type { Settings } from './setting.js';

const GROUP = 'Who signed';

export const SIGNER_SETTINGS = {
  'certificate-identity': {
    value: 'NAME',
    description:
      'who must have signed: an e-mail address, URI, DNS name, IP address or user name that the certificate has, as it stands there',
    group: GROUP,
  },
  'certificate-identity-regexp': {
    value: 'REGEXP',
    description:
      'instead of --certificate-identity a pattern that the whole name must match: a regular expression of JavaScript (flag u), anchored at both ends',
    group: GROUP,
  },
  'certificate-oidc-issuer': {
    value: 'URL',
    description: 'the identity provider that must have vouched for that name',
    group: GROUP,
  },
  'certificate-oidc-issuer-regexp': {
    value: 'REGEXP',
    description:
      "instead of --certificate-oidc-issuer a pattern that the whole URL must match; ^$ is for a certificate that names none, as a company's own authority makes (it needs an SCT of a log in the trusted root too)",
    group: GROUP,
  },
} as const satisfies Settings;

/** A name is given as it stands or as a pattern, and a key stands for all that a certificate says. */
export const SIGNER_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['certificate-identity'], ['certificate-identity-regexp']] },
  { of: [['certificate-oidc-issuer'], ['certificate-oidc-issuer-regexp']] },
  { of: [['public-key'], Object.keys(SIGNER_SETTINGS)] },
];
