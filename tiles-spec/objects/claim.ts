/**
 * A claim is the object `staging/<size>`. It holds the one batch that extends the tree of `<size>` entries: the batch's
 * signed checkpoint, and the bytes of every object that the batch makes. Several writers may try to create the object;
 * the store lets the first one, and so chooses that writer's batch.
 * @module
 */
import { concatBytes, decodeText, encodeText, equalBytes } from '../bytes.js';
import { FormatError, NewerVersionError } from '../errors.js';
import { isOfBatch, parsePath } from './path.js';

/** An object to be stored: its path below the log's prefix, and its bytes. */
export interface StoredObject {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** A claim, parsed. Nothing in it is verified. */
export interface Claim {
  /** The bytes of the signed checkpoint's note. */
  readonly checkpoint: Uint8Array;
  /** The batch's objects, in the order in which the claim has them. */
  readonly objects: readonly StoredObject[];
}

/**
 * The version of a claim's form. Raise it with any change to the form, and with any new kind of object in a batch: an
 * earlier version of Stele then asks its operator to run the newer one. It would otherwise report the claim as damaged.
 */
const VERSION = 1;
const MAGIC = encodeText(`stele claim v${VERSION}\n`);

/** The first line of a claim of any version. */
const ANY_MAGIC = /^stele claim v([1-9][0-9]{0,8})\n/;

/**
 * Writes a claim: a line with the version, and then strings of bytes. The first string is the checkpoint; a path and the
 * object's bytes follow for each object. Every string has its length before it (uint32, big-endian), and so must be
 * shorter than 4 GiB. A store takes at most `maxLengthOf` a claim, which is not checked here. Costs one copy of all bytes.
 * @throws FormatError where a path is not of an object that a batch makes.
 * @example
 * const claim = encodeClaim({ checkpoint: Uint8Array.of(1), objects: [] });
 * parseClaim(claim).checkpoint; // => Uint8Array(1) [ 1 ]
 */
export function encodeClaim({ checkpoint, objects }: Claim): Uint8Array {
  for (const { path } of objects) requireBatchObject(path);
  const strings = [checkpoint, ...objects.flatMap(({ path, bytes }) => [encodeText(path), bytes])];
  return concatBytes([MAGIC, ...strings.flatMap((bytes) => [uint32(bytes.length), bytes])]);
}

/**
 * Parses a claim. Its byte strings are views of `bytes`. Nothing is verified: neither the checkpoint's signature, nor
 * that the objects are those of its tree.
 * @throws FormatError unless the bytes are exactly a claim, and each path is of an object that a batch makes;
 *   NewerVersionError where a later version of Stele wrote it.
 * @example
 * const tile = { path: 'tile/0/000.p/1', bytes: new Uint8Array(32) };
 * const { objects } = parseClaim(encodeClaim({ checkpoint: Uint8Array.of(1), objects: [tile] }));
 * objects[0].path; // => 'tile/0/000.p/1'
 */
export function parseClaim(bytes: Uint8Array): Claim {
  requireMagic(bytes);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const strings: Uint8Array[] = [];
  for (let at = MAGIC.length; at < bytes.length;) {
    const start = at + 4;
    const end = start <= bytes.length ? start + view.getUint32(at) : Infinity;
    if (end > bytes.length) throw new FormatError(`claim ends inside its string ${strings.length}`);
    strings.push(bytes.subarray(start, end));
    at = end;
  }
  const [checkpoint, ...rest] = strings;
  if (checkpoint === undefined || rest.length % 2 !== 0)
    throw new FormatError('claim is not a checkpoint, paths and bytes');
  const objects: StoredObject[] = [];
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const path = decodeText(rest[i] as Uint8Array, 'path in claim');
    requireBatchObject(path);
    objects.push({ path, bytes: rest[i + 1] as Uint8Array });
  }
  return { checkpoint, objects };
}

function requireMagic(bytes: Uint8Array): void {
  if (equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) return;
  const [, version] = ANY_MAGIC.exec(String.fromCharCode(...bytes.subarray(0, 32))) ?? [];
  if (Number(version) > VERSION)
    throw new NewerVersionError(
      `claim was made by a newer version of Stele: it is of version ${String(version)}, and this one knows ${VERSION}. Run the newer version`,
    );
  throw new FormatError('claim does not begin with its magic line');
}

/** Without this check a claim could replace the `checkpoint`. */
function requireBatchObject(path: string): void {
  if (!isOfBatch(parsePath(path))) throw new FormatError(`claim has ${path}, which no batch makes`);
}

function uint32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}
