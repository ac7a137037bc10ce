/**
 * The files in which trusted roots are shipped: one alone; several, a line each, as `gh attestation trusted-root` writes
 * them; one inside a client's trust configuration.
 * @module
 */
import { FormatError } from '../../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';
import { jsonLines } from '../bundle/json-lines.js';
import { joinTrustedRoots, trustedRootOfJson, type TrustedRoot } from './trusted-root.js';

const MAX_BYTES = 4 << 20;
const MAX_ROOTS = 16;

/**
 * Parses the trusted root in a file of at most 4 MiB and 16 lines. Several become one: a user who trusts the file trusts
 * each log and authority in it.
 * @throws FormatError when there is none, naming the line that is bad.
 */
export function trustedRootIn(file: Uint8Array): TrustedRoot {
  const what = 'trusted root';
  if (file.length > MAX_BYTES) throw new FormatError(`${what} has ${file.length} bytes, over ${MAX_BYTES}`);
  const lines = jsonLines(file, what, MAX_ROOTS);
  if (lines === undefined) return rootIn(parseJson(file, what, DOCUMENT_LIMITS));
  const roots = lines.map(({ number, bytes }) => {
    const name = `line ${number}`;
    const value = parseJson(bytes, name, DOCUMENT_LIMITS);
    try {
      return rootIn(value);
    } catch (error) {
      throw error instanceof FormatError ? new FormatError(`${name}: ${error.message}`) : error;
    }
  });
  return joinTrustedRoots(roots);
}

/** The root itself, or that in a client's trust configuration. */
function rootIn(value: unknown): TrustedRoot {
  const { trustedRoot } = (value ?? {}) as { readonly trustedRoot?: unknown };
  return trustedRootOfJson(trustedRoot ?? value);
}
