/**
 * What an entry says of its signature, where it is the entry of one signature, as a Sigstore bundle is.
 * @module
 */
import { ProofError } from '../../../tiles-spec/index.js';
import { KINDS } from '../../kinds/known-kinds.js';
import type { KnownEntry, UnknownEntry } from '../../kinds/read-entry.js';
import type { LoggedStatement } from '../../kinds/statement.js';

/**
 * The one statement of an entry.
 * @throws ProofError for an entry of a kind that is not known, or of several signatures.
 */
export function soleStatement(entry: KnownEntry | UnknownEntry): LoggedStatement {
  if (!entry.isKnown) {
    const known = KINDS.map(({ kind, version }) => `${kind} ${version}`).join(', ');
    throw new ProofError(
      `the logged entry is a ${entry.kind} ${entry.version}, whose signature this version of Stele cannot read; it reads those of ${known}`,
    );
  }
  const [statement, ...more] = entry.statements();
  if (statement === undefined || more.length > 0) {
    throw new ProofError(`the logged entry has ${more.length + 1} signatures, and a Sigstore bundle has one`);
  }
  return statement;
}
