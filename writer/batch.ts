/**
 * A batch: entries appended to the log, and with them every byte that publishing them will store. Pure, but for the
 * key that signs; nothing of a batch is shown to anyone before its claim is won.
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

/** The end of the log, all that appending needs: the right edge, and the partial bundle with its times. */
export interface LogTail {
  readonly edge: RightEdge;
  /** The entries of the partial bundle, 0 to 255, and when each was sequenced. */
  readonly bodies: readonly Uint8Array[];
  readonly times: readonly number[];
}

/** An entry to be appended. */
export interface NewEntry {
  readonly body: Uint8Array;
  readonly leafHash: Hash;
  /** A document that the entry's kind keeps beside the body. */
  readonly attestation?: Uint8Array | undefined;
}

/** What an entry adds to the bytes of its batch, before tiles. */
export function lengthOf({ body, attestation }: NewEntry): number {
  return body.length + (attestation?.length ?? 0);
}

export const EMPTY_TAIL: LogTail = { edge: RightEdge.empty(opensslSha256), bodies: [], times: [] };

/** What a batch stores, beside its checkpoint: the objects that the new tree has and the old had not. */
export interface Appended {
  readonly tail: LogTail;
  readonly tiles: readonly HashTile[];
  readonly objects: readonly StoredObject[];
}

/** Appends entries, sequenced at `time` (Unix milliseconds), to a log. */
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

/** The attestations of a batch: entries that share one have it stored once. */
function attestationsOf(entries: readonly NewEntry[]): StoredObject[] {
  const attestations = new Map<string, Uint8Array>();
  for (const { attestation } of entries)
    if (attestation !== undefined) attestations.set(attestationPath(attestation), attestation);
  return Array.from(attestations, ([path, bytes]) => ({ path, bytes }));
}

/** Where an attestation is stored: its name is its digest. */
export function attestationPath(attestation: Uint8Array): string {
  return formatPath({ kind: 'attestation', digest: encodeHex(opensslSha256(attestation)) });
}

const gzipAsync = promisify<Uint8Array, { level: number }, Buffer>(gzip);

/** Level 1: within 1 % of level 6 on bundles, and a quarter cheaper. */
function compressed(bytes: Uint8Array): Promise<Buffer> {
  return gzipAsync(bytes, { level: constants.Z_BEST_SPEED });
}

/** A batch ready to be claimed. */
export interface Batch {
  readonly oldSize: number;
  readonly checkpoint: SignedCheckpoint;
  readonly objects: readonly StoredObject[];
  /** The bytes of `staging/<oldSize>`: the checkpoint and the objects. */
  readonly claim: Uint8Array;
}

/** Builds and signs the batch of the entries, and tells the log's tail and tree after it. */
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

/** The tree after a batch, as far as its tiles and its right edge go: enough to prove each of its entries. */
export class BatchTree {
  readonly checkpoint: SignedCheckpoint;
  readonly edge: RightEdge;
  readonly #tiles: ReadonlyMap<string, HashTile>;

  constructor(checkpoint: SignedCheckpoint, { tail, tiles }: Appended) {
    this.checkpoint = checkpoint;
    this.edge = tail.edge;
    this.#tiles = new Map(tiles.map((tile) => [`${tile.level}/${tile.index}`, tile]));
  }

  /** The inclusion proof of an entry of the batch. Costs no hash but at the right edge. */
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
