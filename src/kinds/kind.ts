/**
 * What a kind of entry is: the form in which entries are logged, and what a reader learns from one. Kinds are pure and
 * synchronous, and run in a browser. How an entry is asked for is another matter: `src/requests` has the request forms.
 * @module
 */
import type { z } from 'zod';
import type { LoggedStatement } from './statement.js';

/**
 * A text that finds an entry: `leaf:<hex>` of the leaf hash; `sha256:<hex>` of an artifact (`sha384:`, `sha512:`);
 * `spki:<hex>` and `pem:<hex>` (SHA-256 of a key's DER SubjectPublicKeyInfo, and of a key's or certificate's PEM as
 * Rekor writes it); `san:<name>` and `san-sha256:<hex>` of a certificate (tiles-spec/README.md, "Names in
 * certificates").
 */
export type SearchKey = string;

/** One line that describes an entry to people. */
export interface DescriptionLine {
  /** Such as `Signer`. */
  readonly label: string;
  /**
   * One line, without control characters and without characters that set the direction of text. Names in it are the
   * submitter's words: escape them for the medium in which they are shown.
   */
  readonly text: string;
}

/**
 * One kind of entry, in one version. Its rules never change once they are released: other rules are another
 * version. No method throws for a spec that `spec` has parsed.
 */
export interface EntryKind<Spec = unknown> {
  /** The `kind` of the canonical body, such as `hashedrekord`. */
  readonly kind: string;
  /** The `apiVersion` of the canonical body, such as `0.0.2`. */
  readonly version: string;
  /** The `spec` of the canonical body: from JSON to values with bytes in place of base64 and hexadecimal. */
  readonly spec: z.ZodType<Spec>;
  /** The search keys that follow from the spec alone, each once. Linear in the length of the spec. */
  derivedKeys(spec: Spec): SearchKey[];
  /** The entry's signatures, at least one: each with its key, and the digest of what was signed. */
  statements(spec: Spec): LoggedStatement[];
  /** The entry in a few lines for people. */
  describe(spec: Spec): DescriptionLine[];
}
