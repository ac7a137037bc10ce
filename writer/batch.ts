/**
 * A batch: entries appended to the log, and every byte that publishing them will store. Building one has no effect
 * outside this process. It signs a checkpoint, which nobody may see before the batch's claim is won.
 * @module
 */
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import { inclusionProofFrom } from '../tiles-spec/tree/proof.js';
import {
  encodeEntryBundle,
  encodeClaim,
  encodeHex,
  encodeTimes,
  formatCheckpoint,
  formatPath,
  openCheckpoint,
  RightEdge,
  signNote,
  TILE_WIDTH,
  tileOf,
  type Hash,
  type HashTile,
  type NoteSigner,
  type NoteVerifier,
  type SignedCheckpoint,
  type StoredObject,
  type Subtree,
} from '../tiles-spec/index.js';

/**
 * The end of the log, which is all that appending needs: the right edge, and the partial entry bundle with its times.
 */
export interface LogTail {
  readonly edge: RightEdge;
  /** The canonical bodies in the partial entry bundle, 0 to 255. */
  readonly bodies: readonly Uint8Array[];
  /** When each of those entries was sequenced, Unix milliseconds. */
  readonly times: readonly number[];
}

/** An entry that may be appended to the log: its signatures are verified, and it has no index yet. */
export interface NewEntry {
  /** The canonical body, at most 65,535 bytes. */
  readonly body: Uint8Array;
  readonly leafHash: Hash;
  /** A document that the entry's kind stores beside the body. No kind stores one yet. */
  readonly attestation?: Uint8Array | undefined;
}

/** The bytes that an entry takes in memory, and adds to its batch without tiles. */
export function lengthOf({ body, attestation }: NewEntry): number {
  return body.length + (attestation?.length ?? 0);
}

export const EMPTY_TAIL: LogTail = { edge: RightEdge.empty(opensslSha256), bodies: [], times: [] };

/** The log after entries were appended to it. */
export interface Appended {
  readonly tail: LogTail;
  /** The tiles that the new tree has and the old tree had not. */
  readonly tiles: readonly HashTile[];
  /** Those tiles as stored, with the new entry bundles, times and attestations. */
  readonly objects: readonly StoredObject[];
}

/**
 * Appends entries, sequenced at `time` (Unix milliseconds), to a log. Costs about one SHA-256 an entry, and one gzip
 * for every entry bundle that has a new entry, one after the other; the partial bundle is compressed whole again.
 */
export async function append(tail: LogTail, entries: readonly NewEntry[], time: number): Promise<Appended> {
  const { edge, tiles } = tail.edge.append(entries.map(({ leafHash }) => leafHash));
  const bodies = [...tail.bodies, ...entries.map(({ body }) => body)];
  const times = [...tail.times, ...entries.map(() => time)];
  const first = Math.floor(tail.edge.size / TILE_WIDTH);
  const objects: StoredObject[] = tiles.map(({ level, index, width, bytes }) => ({
    path: formatPath({ kind: 'tile', level, index, width }),
    bytes,
  }));
  for (let at = 0; at < bodies.length; at += TILE_WIDTH) {
    const bundle = bodies.slice(at, at + TILE_WIDTH);
    const name = { index: first + at / TILE_WIDTH, width: bundle.length };
    objects.push(
      { path: formatPath({ kind: 'entries', ...name }), bytes: await compressed(encodeEntryBundle(bundle)) },
      { path: formatPath({ kind: 'times', ...name }), bytes: encodeTimes(times.slice(at, at + TILE_WIDTH)) },
    );
  }
  objects.push(...attestationsOf(entries));
  const full = bodies.length - (bodies.length % TILE_WIDTH);
  return {
    tail: { edge, bodies: bodies.slice(full), times: times.slice(full) },
    tiles,
    objects,
  };
}

/** The attestations of a batch. One that several entries share is stored once. */
function attestationsOf(entries: readonly NewEntry[]): StoredObject[] {
  const attestations = new Map<string, Uint8Array>();
  for (const { attestation } of entries)
    if (attestation !== undefined) attestations.set(attestationPath(attestation), attestation);
  return Array.from(attestations, ([path, bytes]) => ({ path, bytes }));
}

/** The path of an attestation, which its SHA-256 digest names. */
export function attestationPath(attestation: Uint8Array): string {
  return formatPath({ kind: 'attestation', digest: encodeHex(opensslSha256(attestation)) });
}

const gzipAsync = promisify<Uint8Array, { level: number }, Buffer>(gzip);

/** Level 1 makes entry bundles at most 1 % longer than level 6 does, for three quarters of the time. */
function compressed(bytes: Uint8Array): Promise<Buffer> {
  return gzipAsync(bytes, { level: constants.Z_BEST_SPEED });
}

/** A batch ready to be claimed. */
export interface Batch {
  /** The tree size before the batch: the index of its first entry. */
  readonly oldSize: number;
  readonly checkpoint: SignedCheckpoint;
  readonly objects: readonly StoredObject[];
  /** The bytes of `staging/<oldSize>`: the checkpoint and the objects. */
  readonly claim: Uint8Array;
}

/**
 * Builds and signs the batch that appends `entries`, one at least, to the log that ends in `tail`. Returns with it the
 * tail and the tree after the batch. Costs what `append` does, one signature, and one copy of all objects.
 * @param time when the entries are sequenced, Unix milliseconds.
 * @param verifier of the log's key: the checkpoint is opened with it, so that a wrong signature never leaves.
 */
export async function buildBatch(
  tail: LogTail,
  entries: readonly NewEntry[],
  time: number,
  signer: NoteSigner,
  verifier: NoteVerifier,
): Promise<{ batch: Batch; tail: LogTail; tree: BatchTree }> {
  const appended = await append(tail, entries, time);
  const { edge } = appended.tail;
  const text = formatCheckpoint({ origin: signer.name, size: edge.size, root: edge.root(), extensions: [] });
  const checkpoint = openCheckpoint(signNote(text, signer), verifier);
  const { objects } = appended;
  return {
    batch: {
      oldSize: tail.edge.size,
      checkpoint,
      objects,
      claim: encodeClaim({ checkpoint: checkpoint.bytes, objects }),
    },
    tail: appended.tail,
    tree: new BatchTree(checkpoint, appended),
  };
}

/** The part of the tree after a batch that proves the batch's entries: the batch's tiles and the right edge. */
export class BatchTree {
  readonly checkpoint: SignedCheckpoint;
  readonly edge: RightEdge;
  readonly #tiles: ReadonlyMap<string, HashTile>;

  constructor(checkpoint: SignedCheckpoint, { tail, tiles }: Appended) {
    this.checkpoint = checkpoint;
    this.edge = tail.edge;
    this.#tiles = new Map(tiles.map((tile) => [`${tile.level}/${tile.index}`, tile]));
  }

  /** The inclusion proof of an entry of the batch. Hashes are computed at the right edge alone. */
  inclusionProof(index: number): Hash[] {
    return inclusionProofFrom(
      (subtree) => this.#subtree(subtree),
      index,
      this.checkpoint.size,
      opensslSha256,
    );
  }

  #subtree(subtree: Subtree): Hash {
    const { level, index, height, at } = tileOf(subtree);
    return this.#tiles.get(`${level}/${index}`)?.subtree(height, at) ?? this.edge.subtree(subtree);
  }
}
