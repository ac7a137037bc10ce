/**
 * Statements in lines for people.
 * @module
 */
import { certificateNames, encodeHex, sha256 } from '../../tiles-spec/index.js';
import type { DescriptionLine } from './kind.js';
import { digestKey } from './search-keys.js';
import type { LoggedStatement, LoggedVerifier } from './statement.js';

/** A certificate may have thousands of names: a description shows the first. */
const MOST_NAMES = 8;

/** Describes what was signed, and by whom: 2 to 12 lines a statement. */
export function describeStatements(statements: readonly LoggedStatement[]): DescriptionLine[] {
  return statements.flatMap(({ digest, digestOf, verifier }) => [
    { label: digestOf === 'message' ? 'Signed' : 'Payload', text: digestKey(digest) },
    ...describeSigner(verifier),
  ]);
}

function describeSigner({ form, der, keyDetails }: LoggedVerifier): DescriptionLine[] {
  const fingerprint = `sha256:${encodeHex(sha256(der))}`;
  const key = keyDetails === undefined ? [] : [{ label: 'Key', text: keyDetails }];
  if (form === 'publicKey') return [{ label: 'Signer', text: `public key ${fingerprint}` }, ...key];
  const names = certificateNames(der).flatMap((name) => (name.type === 'other' ? [] : [name.text]));
  const more = names.length - MOST_NAMES;
  return [
    { label: 'Signer', text: `certificate ${fingerprint}` },
    ...key,
    ...names.slice(0, MOST_NAMES).map((text) => ({ label: 'Name', text })),
    ...(more > 0 ? [{ label: 'Name', text: `and ${more} more` }] : []),
  ];
}
