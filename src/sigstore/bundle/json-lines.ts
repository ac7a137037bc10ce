/**
 * JSON Lines: files of several messages, each on a line of its own, as GitHub's command line writes them.
 * @module
 */
import { FormatError } from '../../../tiles-spec/index.js';
import { DOCUMENT_LIMITS, parseJson } from '../../json.js';

/** A line that holds a message. */
export interface JsonLine {
  /** In the file, from 1. */
  readonly number: number;
  readonly bytes: Uint8Array;
}

const LINE_FEED = 0x0a;

/**
 * The lines of a file that are not blank, where there are several and the first is JSON by itself. Otherwise the file is
 * one document that may be broken into lines, and the result is undefined.
 * @param most the lines that a file may have.
 * @throws FormatError for more.
 */
export function jsonLines(file: Uint8Array, what: string, most: number): JsonLine[] | undefined {
  const lines: JsonLine[] = [];
  for (let at = 0, number = 1; at < file.length; at++) {
    const byte = file[at];
    if (byte === LINE_FEED) number++;
    // Byte by byte: searching for the end of each blank line takes seconds in a file of millions.
    if (isBlank(byte)) continue;
    const found = file.indexOf(LINE_FEED, at);
    const bytes = file.subarray(at, found < 0 ? file.length : found);
    if (lines.length === 1 && !isJson(file.subarray(0, bytes.byteOffset - file.byteOffset))) return undefined;
    if (lines.length === most) throw new FormatError(`${what} has over ${most} lines`);
    lines.push({ number, bytes });
    // The loop's own step then reads the line's end.
    at += bytes.length - 1;
  }
  return lines.length > 1 ? lines : undefined;
}

function isBlank(byte: number | undefined): boolean {
  return byte === LINE_FEED || byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

function isJson(text: Uint8Array): boolean {
  try {
    parseJson(text, 'line', DOCUMENT_LIMITS);
    return true;
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
