/**
 * PEM (RFC 7468), strict in its base64. Text between the blocks is ignored.
 * @module
 */
// Not by the index, which loads the arithmetic of signatures: every run of `stele` loads this file.
import { decodeBase64, encodeBase64 } from '../tiles-spec/base64.js';
import { FormatError } from '../tiles-spec/errors.js';

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

/** Writes one block as OpenSSL and Rekor write it: 64 characters of base64 a line, and a line feed at the end. */
export function formatPem({ label, der }: PemBlock): string {
  const lines = encodeBase64(der).replace(/.{1,64}/g, '$&\n');
  return `-----BEGIN ${label}-----\n${lines}-----END ${label}-----\n`;
}

/** The labels with which blocks begin in a text, also blocks that `parsePem` refuses: to say what a file holds instead. */
export function pemLabels(text: string): string[] {
  return [...text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map(([, label = '']) => label);
}
