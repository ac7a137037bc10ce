/**
 * Conditional and range requests (RFC 9110): nothing that the client has already, and no more than it wants.
 * @module
 */

/** A part of a file: from `start` up to `end`, not included, or its last `suffix` bytes. */
export type WantedPart = { readonly start: number; readonly end: number } | { readonly suffix: number };

/** Whether an If-None-Match names this tag, by the weak comparison (section 13.1.2). @param etag with its quotes. */
export function hasTag(ifNoneMatch: string, etag: string): boolean {
  return ifNoneMatch.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')));
}

/**
 * The one part that a Range header asks for; `end` is Infinity where the range is open. Undefined for several parts and
 * for a range that makes no sense: such a request is answered with the whole file (section 14.2).
 */
export function wantedPart(range: string): WantedPart | undefined {
  const [, first = '', last = ''] = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/i.exec(range) ?? [];
  if (first === '') return last === '' ? undefined : { suffix: Number(last) };
  if (last === '') return { start: Number(first), end: Infinity };
  return Number(last) < Number(first) ? undefined : { start: Number(first), end: Number(last) + 1 };
}
