/**
 * The files in which trusted roots are shipped: one alone; several, a line each, as `gh attestation trusted-root` writes
 * them; one inside a client's trust configuration.
 * @module
 */
import { z } from 'zod';
import { encodeText } from '../../../tiles-spec/bytes.js';
import { FormatError } from '../../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';
import { jsonLines } from '../bundle/json-lines.js';
import { list, readMessage } from '../bundle/message-fields.js';
import { parseTrustedRoot } from './trusted-root.js';

const MAX_BYTES = 4 << 20;
const MAX_ROOTS = 16;
const MAX_LIST = 100;

const messages = list(z.looseObject({}), MAX_LIST);

/** What of a trusted root is put together; its own reader reads more strictly. */
const lists = z.object({
  tlogs: messages,
  certificateAuthorities: messages,
  ctlogs: messages,
  timestampAuthorities: messages,
});

/**
 * The `trusted_root.json` that a file of at most 4 MiB is, or that its roots make together: who trusts the file trusts
 * each authority and log in it.
 * @throws FormatError when there is none, naming the line that is not.
 */
export function trustedRootIn(file: Uint8Array): Uint8Array {
  const what = 'trusted root';
  if (file.length > MAX_BYTES) throw new FormatError(`${what} has ${file.length} bytes, over ${MAX_BYTES}`);
  const lines = jsonLines(file, what, MAX_ROOTS);
  if (lines === undefined) return rootIn(parseJson(file, what, DOCUMENT_LIMITS), file);
  const roots = lines.map(({ number, bytes }) => {
    const name = `line ${number}`;
    const root = rootIn(parseJson(bytes, name, DOCUMENT_LIMITS), bytes);
    try {
      parseTrustedRoot(root);
    } catch (error) {
      throw error instanceof FormatError ? new FormatError(`${name}: ${error.message}`) : error;
    }
    return readMessage(lists, parseJson(root, name, DOCUMENT_LIMITS), name);
  });
  return encodeText(
    JSON.stringify({
      mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
      tlogs: together(roots.flatMap(({ tlogs }) => tlogs)),
      certificateAuthorities: together(roots.flatMap((root) => root.certificateAuthorities)),
      ctlogs: together(roots.flatMap(({ ctlogs }) => ctlogs)),
      timestampAuthorities: together(roots.flatMap((root) => root.timestampAuthorities)),
    }),
  );
}

/** The root itself, or that in a client's trust configuration. */
function rootIn(value: unknown, file: Uint8Array): Uint8Array {
  const { trustedRoot } = (value ?? {}) as { readonly trustedRoot?: unknown };
  return trustedRoot === undefined ? file : encodeText(JSON.stringify(trustedRoot));
}

/** Without those that are there twice. */
function together(all: readonly object[]): object[] {
  return [...new Map(all.map((each) => [JSON.stringify(each), each])).values()];
}
