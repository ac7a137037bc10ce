/**
 * The names of all objects in a bucket. Parsing accepts exactly the paths that formatting gives.
 *
 * Index 1,234,067 is written `x001/x234/067`, so that no folder has over a thousand entries: the full tile 1,234,067 of
 * level 2 is `tile/2/x001/x234/067`; the partial entry bundle of that index with 7 entries is
 * `tile/entries/x001/x234/067.p/7`.
 * @module
 */
import { maxEntryBundleLength, maxGzipLength } from './entry-bundle.js';
import { TIME_LENGTH } from './times.js';
import { parseDecimal, requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { HASH_LENGTH } from '../tree/merkle.js';
import { requireWidth, TILE_WIDTH } from '../tree/tile.js';

/**
 * An object in the bucket. `level` is 0 to 63, `index` and `size` (of the tree that a claim extends) are 0 to 2^53 - 1.
 * `width` is 1 to 256; below 256 the object is partial. `digest` is the SHA-256 of the object, in lower-case
 * hexadecimal.
 *
 * Two kinds are reserved, and no log has them yet: `keys`, the claimed search keys of a bundle's entries, and
 * `attestation`, a document that a kind of entry stores beside its body. Readers, stores and servers know their names,
 * bounds and headers already.
 */
export type ObjectName =
  | { readonly kind: 'checkpoint' | 'trusted_root' | 'signing_config' }
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries' | 'times' | 'keys'; readonly index: number; readonly width: number }
  | { readonly kind: 'attestation'; readonly digest: string }
  | { readonly kind: 'claim'; readonly size: number };

const MAX_LEVEL = 63;

/**
 * The longest checkpoint, trusted root or signing config, in bytes. A checkpoint with many cosignatures has some
 * thousand.
 */
const MAX_MUTABLE_LENGTH = 2 ** 20;

/** The longest attestation, in bytes. */
const MAX_ATTESTATION_LENGTH = 2 ** 17;

/** The most bytes that one entry adds to an object of `tile/keys`: it has at most 64 keys. */
const MAX_KEYS_LENGTH = 4_096;

/**
 * The longest claim, in bytes. A batch has at most 64 MiB of entries and at most a million of them, each of which adds
 * 43 bytes of hashes, times and lengths. Its first bundle also holds the entries of the partial bundle before, up to 16
 * MiB.
 */
const MAX_CLAIM_LENGTH = 2 ** 27;

/**
 * The path of an object, below the log's prefix.
 * @throws FormatError where a number is out of range, or the digest is not 64 lower-case hexadecimal digits.
 * @example
 * formatPath({ kind: 'tile', level: 0, index: 1234, width: 7 }); // => 'tile/0/x001/234.p/7'
 */
export function formatPath(name: ObjectName): string {
  switch (name.kind) {
    case 'checkpoint':
      return 'checkpoint';
    case 'trusted_root':
    case 'signing_config':
      return `${name.kind}.json`;
    case 'tile':
      requireExact(name.level, 'tile level');
      if (name.level > MAX_LEVEL) throw new FormatError(`tile level ${name.level} is over ${MAX_LEVEL}`);
      return `tile/${name.level}/${formatIndex(name.index)}${formatWidth(name.width)}`;
    case 'entries':
    case 'times':
    case 'keys':
      return `tile/${name.kind}/${formatIndex(name.index)}${formatWidth(name.width)}`;
    case 'attestation':
      if (!/^[0-9a-f]{64}$/.test(name.digest))
        throw new FormatError(
          `${JSON.stringify(name.digest.slice(0, 80))} is not a SHA-256 digest in hexadecimal`,
        );
      return `attestation/${name.digest}`;
    case 'claim':
      requireExact(name.size, 'tree size');
      return `staging/${name.size}`;
  }
}

/** Groups of three digits, padded with zeros, with an `x` before all but the last: 1234067 is `x001/x234/067`. */
function formatIndex(index: number): string {
  requireExact(index, 'tile index');
  const digits = String(index);
  const padded = digits.padStart(Math.ceil(digits.length / 3) * 3, '0');
  return (padded.match(/.{3}/g) ?? []).join('/').replace(/\d{3}(?=\/)/g, 'x$&');
}

function formatWidth(width: number): string {
  requireWidth(width);
  return width === TILE_WIDTH ? '' : `.p/${width}`;
}

/**
 * The object that a path names.
 * @param path below the log's prefix.
 * @throws FormatError unless `formatPath` gives exactly this path for some object.
 * @example
 * parsePath('tile/entries/x001/234.p/7'); // => { kind: 'entries', index: 1234, width: 7 }
 */
export function parsePath(path: string): ObjectName {
  const name = readPath(path);
  if (name === undefined || formatPath(name) !== path) {
    throw new FormatError(`${JSON.stringify(path.slice(0, 200))} names nothing in a log`);
  }
  return name;
}

function readPath(path: string): ObjectName | undefined {
  if (path === 'checkpoint') return { kind: 'checkpoint' };
  if (path === 'trusted_root.json') return { kind: 'trusted_root' };
  if (path === 'signing_config.json') return { kind: 'signing_config' };
  const claim = /^staging\/([0-9]{1,16})$/.exec(path);
  if (claim?.[1] !== undefined) return { kind: 'claim', size: parseDecimal(claim[1], 'tree size') };
  const attestation = /^attestation\/([0-9a-f]{64})$/.exec(path);
  if (attestation?.[1] !== undefined) return { kind: 'attestation', digest: attestation[1] };
  const tile =
    /^tile\/([0-9]{1,2}|entries|times|keys)\/((?:x[0-9]{3}\/){0,5}[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(
      path,
    );
  if (tile?.[1] === undefined || tile[2] === undefined) return undefined;
  const index = Number(tile[2].replace(/[x/]/g, ''));
  const width = tile[3] === undefined ? TILE_WIDTH : Number(tile[3]);
  if (tile[1] === 'entries' || tile[1] === 'times' || tile[1] === 'keys')
    return { kind: tile[1], index, width };
  return { kind: 'tile', level: Number(tile[1]), index, width };
}

const BATCH_KINDS: readonly ObjectName['kind'][] = ['tile', 'entries', 'times', 'keys', 'attestation'];

/**
 * Whether a batch makes the object of this name, so that a claim may hold it. Every version of Stele that completes a
 * claim must know its objects: a new kind here demands a new version of the claim.
 */
export function isOfBatch({ kind }: ObjectName): boolean {
  return BATCH_KINDS.includes(kind);
}

/**
 * Whether the object of this name never changes in a log, but may be deleted.
 * @example
 * isImmutable({ kind: 'checkpoint' }); // => false
 */
export function isImmutable(name: ObjectName): boolean {
  // The objects of batches are the only ones yet.
  return isOfBatch(name);
}

/**
 * The most bytes that an object of this name can have as it is stored. A longer one is damage.
 * @example
 * maxLengthOf({ kind: 'tile', level: 0, index: 0, width: 256 }); // => 8192
 */
export function maxLengthOf(name: ObjectName): number {
  switch (name.kind) {
    case 'checkpoint':
    case 'trusted_root':
    case 'signing_config':
      return MAX_MUTABLE_LENGTH;
    case 'tile':
      return name.width * HASH_LENGTH;
    case 'entries':
      return maxGzipLength(maxEntryBundleLength(name.width));
    case 'times':
      return name.width * TIME_LENGTH;
    case 'keys':
      return name.width * MAX_KEYS_LENGTH;
    case 'attestation':
      return MAX_ATTESTATION_LENGTH;
    case 'claim':
      return MAX_CLAIM_LENGTH;
  }
}

/** How an object is stored and served. */
export interface ObjectHeaders {
  readonly contentType: string;
  readonly cacheControl: string;
  /** Entry bundles are stored compressed, and served so without negotiation. */
  readonly contentEncoding?: 'gzip';
}

/**
 * The headers of an object. An immutable one may be cached for a week; any other is asked for again each time.
 * @example
 * headersOf({ kind: 'checkpoint' }).cacheControl; // => 'no-cache'
 */
export function headersOf(name: ObjectName): ObjectHeaders {
  const immutable = 'public, max-age=604800, immutable';
  switch (name.kind) {
    case 'checkpoint':
      return { contentType: 'text/plain; charset=utf-8', cacheControl: 'no-cache' };
    case 'trusted_root':
    case 'signing_config':
      return { contentType: 'application/json', cacheControl: 'no-cache' };
    case 'entries':
      return { contentType: 'application/octet-stream', cacheControl: immutable, contentEncoding: 'gzip' };
    case 'tile':
    case 'times':
    case 'keys':
    case 'attestation':
      return { contentType: 'application/octet-stream', cacheControl: immutable };
    case 'claim':
      return { contentType: 'application/octet-stream', cacheControl: 'no-cache' };
  }
}
