/**
 * What a request asks for, before it is checked.
 * @module
 */
import type { Check } from '../signatures/check.js';

/** What a request form makes of a request. */
export interface Proposal {
  /** The `spec` of the canonical body: JSON of strings, arrays and objects. */
  readonly spec: object;
  /** A document that the kind keeps beside the body. The queue of accepted entries bounds its length. */
  readonly attestation?: Uint8Array | undefined;
  /** All of them must hold before the entry is accepted. */
  readonly checks: readonly Check[];
}

/** An entry that is accepted if its checks hold. */
export interface ProposedEntry extends Pick<Proposal, 'attestation' | 'checks'> {
  readonly kind: string;
  readonly version: string;
  /** The canonical body: RFC 8785 JSON, at most 65,535 bytes. Its leaf hash is the entry's identity. */
  readonly body: Uint8Array;
}
