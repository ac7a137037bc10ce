/**
 * The steps of an inclusion proof, as they are computed.
 * @module
 */
import { opensslSha256 } from '../../../src/node/openssl-sha256.js';
import { encodeHex, HASH_LENGTH, type Sha256 } from '../../../tiles-spec/index.js';

/** Records every hash that is computed with its `sha`. */
export class ProofSteps {
  readonly #steps: { readonly input: Uint8Array; readonly hash: Uint8Array }[] = [];

  readonly sha: Sha256 = (input) => {
    const hash = opensslSha256(input);
    this.#steps.push({ input: input.slice(), hash });
    return hash;
  };

  /** One line a hash, by which anyone can compute it again. */
  lines(): string[] {
    return this.#steps.map(({ input, hash }) => {
      const [left, right] = childrenOf(input);
      const of =
        left === undefined || right === undefined
          ? '0x00 | entry'
          : `0x01 | ${encodeHex(left)} | ${encodeHex(right)}`;
      return `SHA256(${of}) = ${encodeHex(hash)}`;
    });
  }
}

/** The two hashes that a node is made of (RFC 6962 section 2.1); empty for a leaf. */
function childrenOf(input: Uint8Array): [Uint8Array?, Uint8Array?] {
  if (input[0] !== 1 || input.length !== 1 + 2 * HASH_LENGTH) return [];
  return [input.subarray(1, 1 + HASH_LENGTH), input.subarray(1 + HASH_LENGTH)];
}
