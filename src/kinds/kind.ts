/**
 * What every kind of entry is: how a request for it is read, what of it is logged, what must verify before it is,
 * and what finds it again. A kind is pure and runs in a browser: it names the signatures to check, and
 * `src/signatures` checks them.
 * @module
 */
import type { z } from 'zod';
import type { Hash } from '../../tiles-spec/index.js';
import type { Algorithm } from '../signatures/algorithms.js';
import type { Verifier } from './verifier.js';

/** A signature over a digest that must verify before its entry is accepted. */
export interface SignatureToCheck {
  readonly verifier: Verifier;
  readonly digest: Uint8Array;
  readonly signature: Uint8Array;
}

/** A request that has the right shape: the entry it would become, and what must verify first. */
export interface Proposal {
  /** The `spec` of the canonical body: JSON of strings, arrays and objects. */
  readonly spec: object;
  readonly signatures: readonly SignatureToCheck[];
}

/** Hashes a message for a signature. */
export type Digest = (name: Algorithm['digestName'], message: Uint8Array) => Hash;

/**
 * A text that finds an entry: `sha256:<hex>` of an artifact (`sha384:`, `sha512:`), `spki:<hex>` and `pem:<hex>`
 * (SHA-256 of a key's DER SPKI, and of a key's or certificate's PEM as Rekor writes it), `san:<name>` and
 * `san-sha256:<hex>` of a certificate (tiles-spec/README.md, "Names in certificates").
 */
export type IndexKey = string;

/** One kind of entry, by one form of request. */
export interface EntryKind<Request = unknown> {
  /** What it is logged as. */
  readonly kind: string;
  readonly version: string;
  /** The field of `CreateEntryRequest` that holds the request. */
  readonly requestField: string;
  /** The request's shape, in JSON as sent and in memory as parsed. */
  readonly requestSchema: z.ZodType<Request>;
  /** @throws InvalidEntryError when a request of the right shape makes no entry. */
  propose(request: Request, digest: Digest): Proposal;
  /** The keys that find a logged entry, from the `spec` of its body alone. The rules of a (kind, version) are frozen. */
  keysOf(spec: unknown): IndexKey[];
}

/** Keeps a kind's own request type inside the kind. */
export function entryKind<Request>(kind: EntryKind<Request>): EntryKind {
  return {
    ...kind,
    propose: (request, digest) => kind.propose(request as Request, digest),
  };
}
