/**
 * Kinds whose entries say what was signed, and by whom, and nothing more.
 * @module
 */
import type { z } from 'zod';
import { describeStatements } from './description.js';
import type { EntryKind } from './kind.js';
import { statementKeys } from './search-keys.js';
import type { LoggedStatement } from './statement.js';

/** What makes such a kind: its schema, and where in it the signatures are. */
export interface SignedKind<Spec> {
  readonly kind: string;
  readonly version: string;
  readonly spec: z.ZodType<Spec>;
  statements(spec: Spec): LoggedStatement[];
}

/** The kind: its search keys and its description are those of its statements. */
export function signedKind<Spec>(kind: SignedKind<Spec>): EntryKind<Spec> {
  return {
    ...kind,
    derivedKeys: (spec) => statementKeys(kind.statements(spec)),
    describe: (spec) => describeStatements(kind.statements(spec)),
  };
}
