/**
 * PEM (RFC 7468), strict in its base64. Text between the blocks is ignored.
 * @module
 */
import { decodeBase64, FormatError } from '../../tiles-spec/index.js';

/** The content between a BEGIN and its END line. */
export interface PemBlock {
  /** Such as `PUBLIC KEY` or `CERTIFICATE`. */
  readonly label: string;
  readonly der: Uint8Array;
}

const BLOCK =
  /-----BEGIN ([A-Z0-9 ]{1,40})-----[ \t]*\r?\n([A-Za-z0-9+/=\r\n \t]*?)-----END ([A-Z0-9 ]{1,40})-----/g;

/** Whether a file is PEM. If not, it may be DER. */
export function isPem(file: Uint8Array): boolean {
  return new TextDecoder('latin1').decode(file).includes('-----BEGIN ');
}

/**
 * The blocks of a PEM text, in their order.
 * @param what names the text in errors.
 * @throws FormatError when there is no block, the END line of one has another label than its BEGIN line, or its base64
 *   is wrong.
 */
export function parsePem(text: string, what: string): [PemBlock, ...PemBlock[]] {
  const [first, ...rest] = [...text.matchAll(BLOCK)].map(([, label = '', base64 = '', end]) => {
    if (label !== end) throw new FormatError(`${what} begins a ${label} in PEM and ends a ${String(end)}`);
    return { label, der: decodeBase64(base64.replace(/[\r\n \t]/g, '')) };
  });
  if (first === undefined) throw new FormatError(`${what} has no PEM block`);
  return [first, ...rest];
}
