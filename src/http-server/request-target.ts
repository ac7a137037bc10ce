/**
 * The one form of a request's target, in which it is compared with routes and names of files.
 * @module
 */

/** `http://` or `https://`, and an authority that is not empty. */
const SCHEME_AND_AUTHORITY = /^https?:\/\/[^/?#]+/i;

/**
 * The path and the query of a target. Of an absolute form, which a server must take (RFC 9112, section 3.2.2), the
 * scheme and the authority are left out. Slashes that follow one another are one, as nginx has them: a client whose base
 * URL ends in a slash sends two, and no name of a log has two. Anything else, `*` too, stays as it is.
 */
export function originForm(target: string): string {
  const relative = target.replace(SCHEME_AND_AUTHORITY, '');
  const isAbsolute = relative.length < target.length;
  const from = isAbsolute && !relative.startsWith('/') ? `/${relative}` : relative;
  const query = from.indexOf('?');
  const path = query < 0 ? from : from.slice(0, query);
  return path.replace(/\/{2,}/g, '/') + from.slice(path.length);
}
