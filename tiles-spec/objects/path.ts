/**
 * The names of everything in a bucket, and only those. Parsing accepts exactly what formatting gives.
 * @module
 */
import { maxEntryBundleLength, maxGzipLength } from './entry-bundle.js';
import { TIME_LENGTH } from './times.js';
import { parseDecimal, requireExact } from '../decimal.js';
import { FormatError } from '../errors.js';
import { HASH_LENGTH } from '../tree/merkle.js';
import { requireWidth, TILE_WIDTH } from '../tree/tile.js';

/**
 * What a name in the bucket stands for. Widths are 1 to 256; below 256 the object is partial. `digest` is SHA-256 of the
 * object in lower-case hexadecimal.
 */
export type ObjectName =
  | { readonly kind: 'checkpoint' | 'trusted_root' | 'signing_config' }
  | { readonly kind: 'tile'; readonly level: number; readonly index: number; readonly width: number }
  | { readonly kind: 'entries' | 'times' | 'keys'; readonly index: number; readonly width: number }
  | { readonly kind: 'attestation'; readonly digest: string }
  | { readonly kind: 'claim'; readonly size: number };

const MAX_LEVEL = 63;

/** The longest of the objects that change, in bytes: a checkpoint with many cosignatures has a few thousand. */
const MAX_MUTABLE_LENGTH = 2 ** 20;

/** The longest attestation, in bytes. */
const MAX_ATTESTATION_LENGTH = 2 ** 17;

/** The longest that the keys of one entry are in `tile/keys`, in bytes: it has at most 64. */
const MAX_KEYS_LENGTH = 4_096;

/**
 * The longest claim, in bytes. A batch has at most 64 MiB of entries, and at most a million of them, each with 43 bytes
 * of hashes, times and lengths; its claim has also the 16 MiB that the partial bundle before it may have.
 */
const MAX_CLAIM_LENGTH = 2 ** 27;

/** The path of an object below the log's prefix, for example `tile/0/x001/234.p/7`. */
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

/** Zero-padded groups of three digits, all but the last begun with `x`: 1234067 is `x001/x234/067`. */
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
 * What a path names.
 * @throws FormatError unless `path` is exactly what `formatPath` gives for some object.
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

/** What a batch makes: objects that never change. */
const BATCH_KINDS: readonly ObjectName['kind'][] = ['tile', 'entries', 'times', 'keys', 'attestation'];

/** Whether the bytes of an object of this name are always the same, in one log. */
export function isImmutable({ kind }: ObjectName): boolean {
  return BATCH_KINDS.includes(kind);
}

/** The longest that an object of this name can be as it is stored, in bytes. A longer one is damage. */
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

/** The headers of an object: what never changes may be cached for ever, what does is asked for again each time. */
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
