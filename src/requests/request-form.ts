/**
 * What a request form is: a way to ask for an entry of a kind. Forms are pure and run in a browser: they say what must
 * hold, and `check.ts` has it checked.
 * @module
 */
import type { z } from 'zod';
import { MAX_ENTRY_LENGTH } from '../../tiles-spec/index.js';
import { InvalidEntryError } from '../errors.js';
import { canonicalBody } from '../kinds/canonical-body.js';
import type { EntryKind } from '../kinds/kind.js';
import { findingsOf } from '../protobuf-json.js';
import type { SignatureSuite } from '../signatures/suite.js';
import type { Proposal, ProposedEntry } from './proposal.js';

/** A way to ask for an entry. */
export interface RequestForm<Request = unknown> {
  /** The kind of the entries that it makes. */
  readonly kind: EntryKind;
  /** The request's shape, in JSON as sent and in memory as parsed. */
  readonly schema: z.ZodType<Request>;
  /**
   * Says what entry a request asks for. A form that needs no promise returns none: then validation costs none either.
   * @throws InvalidEntryError, or rejects with it, when a request of the right shape makes no entry.
   */
  propose(request: Request, suite: SignatureSuite): Proposal | Promise<Proposal>;
}

/**
 * The entry that a request in this form asks for.
 * @param request JSON; what names it in errors is `name`.
 * @returns a promise only where the form does.
 * @throws InvalidEntryError, or rejects with it, saying what is wrong and where.
 */
export function proposeBy(
  form: RequestForm,
  request: unknown,
  name: string,
  suite: SignatureSuite,
): ProposedEntry | Promise<ProposedEntry> {
  const parsed = form.schema.safeParse(request);
  if (!parsed.success) throw new InvalidEntryError(describe(name, parsed.error));
  const proposal = form.propose(parsed.data, suite);
  return proposal instanceof Promise
    ? proposal.then((settled) => entryOf(form.kind, settled))
    : entryOf(form.kind, proposal);
}

function entryOf({ kind, version }: EntryKind, { spec, attestation, checks }: Proposal): ProposedEntry {
  const body = canonicalBody({ kind, version }, spec);
  if (body.length > MAX_ENTRY_LENGTH) {
    throw new InvalidEntryError(
      `the canonical body has ${body.length} bytes; an entry has at most ${MAX_ENTRY_LENGTH}`,
    );
  }
  return { kind, version, body, attestation, checks };
}

/** `name.path: what is wrong`, of the first three. */
function describe(name: string, error: z.ZodError): string {
  return findingsOf(error)
    .map(({ path, why }) => `${path === '' ? name : `${name}.${path}`}: ${why}`)
    .join('; ')
    .slice(0, 1000);
}
