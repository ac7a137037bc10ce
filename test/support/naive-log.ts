/**
 * A second, naive implementation of the log's formats and promises, which shares no code with the first. It rebuilds
 * the whole log from the stored objects, and follows the store's history write by write.
 */
import assert from 'node:assert/strict';
import { createPublicKey, hash, verify } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import type { MemoryStore, Write } from './memory-store.js';

/** The log's name and its public key, DER SPKI. */
export interface LogName {
  readonly origin: string;
  readonly spki: Uint8Array;
}

/** A whole log. */
export interface NaiveLog {
  readonly size: number;
  readonly root: string;
  readonly bodies: readonly Buffer[];
  /** In hex. */
  readonly leaves: readonly string[];
}

type Objects = (path: string) => Uint8Array | undefined;

const sha256 = (...parts: readonly Uint8Array[]) => hash('sha256', Buffer.concat(parts), 'buffer');

const leafOf = (body: Uint8Array) => sha256(Buffer.of(0), body);

/** The Merkle tree hash, as RFC 6962 section 2.1 defines it. */
function merkleRoot(leaves: readonly Buffer[]): Buffer {
  const [first] = leaves;
  if (first === undefined) return sha256();
  if (leaves.length === 1) return first;
  let half = 1;
  while (half * 2 < leaves.length) half *= 2;
  return sha256(Buffer.of(1), merkleRoot(leaves.slice(0, half)), merkleRoot(leaves.slice(half)));
}

interface Checkpoint {
  readonly size: number;
  readonly root: string;
}

const opened = new Map<string, Checkpoint>();

/** Opens signed checkpoints of one log, and remembers those that it has opened. */
export function openNaively(bytes: Uint8Array, log: LogName): Checkpoint {
  const note = Buffer.from(bytes).toString();
  const key = `${Buffer.from(log.spki).toString('base64')} ${log.origin} ${note}`;
  const checkpoint = opened.get(key) ?? verifyNaively(note, log);
  opened.set(key, checkpoint);
  return checkpoint;
}

function verifyNaively(note: string, { origin, spki }: LogName): Checkpoint {
  const split = note.indexOf('\n\n') + 1;
  const text = note.slice(0, split);
  const [name, size = '', root = '', ...rest] = text.split('\n');
  assert.equal(name, origin);
  assert.deepEqual(rest, ['']);
  const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
  const keyId = sha256(Buffer.from(`${origin}\n\x01`), spki.subarray(-32)).subarray(0, 4);
  const signatures = note
    .slice(split + 1)
    .split('\n')
    .filter((line) => line.startsWith(`— ${origin} `))
    .map((line) => Buffer.from(line.split(' ')[2] ?? '', 'base64'))
    .filter((signature) => signature.subarray(0, 4).equals(keyId));
  assert.equal(signatures.length, 1, `one signature of ${origin}`);
  assert.ok(
    verify(null, Buffer.from(text), publicKey, signatures[0]?.subarray(4) ?? Buffer.of()),
    'the signature does not verify',
  );
  assert.match(size, /^(0|[1-9][0-9]*)$/);
  return { size: Number(size), root };
}

function name(folder: string, index: number, width: number): string {
  const digits = String(index).padStart(3, '0');
  assert.equal(digits.length, 3, 'this checker is for small logs');
  return `tile/${folder}/${digits}${width === 256 ? '' : `.p/${width}`}`;
}

function chunks<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / 256) }, (_, i) => items.slice(256 * i, 256 * (i + 1)));
}

function splitBundle(bundle: Buffer): Buffer[] {
  const bodies: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    const end = at + 2 + bundle.readUInt16BE(at);
    assert.ok(end <= bundle.length);
    bodies.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return bodies;
}

/** Rebuilds the log of a checkpoint. Requires every object that the tree commits to, with the right contents. */
export function rebuild(checkpoint: Uint8Array, objects: Objects, log: LogName): NaiveLog {
  const { size, root } = openNaively(checkpoint, log);
  const need = (path: string): Buffer => {
    const bytes = objects(path);
    assert.ok(bytes, `the checkpoint of ${size} is stored, and ${path} is not readable`);
    return Buffer.from(bytes);
  };
  const bodies: Buffer[] = [];
  let last = 0n;
  for (let first = 0; first < size; first += 256) {
    const width = Math.min(256, size - first);
    const bundle = splitBundle(gunzipSync(need(name('entries', first / 256, width))));
    assert.equal(bundle.length, width);
    bodies.push(...bundle);
    const times = need(name('times', first / 256, width));
    assert.equal(times.length, 8 * width);
    for (let i = 0; i < width; i++) {
      const time = times.readBigUInt64BE(8 * i);
      assert.ok(time >= last, 'time went back');
      last = time;
    }
  }
  const leaves = bodies.map(leafOf);
  assert.equal(
    merkleRoot(leaves).toString('base64'),
    root,
    'the entries have not the root of the checkpoint',
  );
  let hashes: readonly Buffer[] = leaves;
  for (let level = 0; hashes.length > 0; level++) {
    const tiles = chunks(hashes);
    tiles.forEach((tile, i) => {
      const path = name(String(level), i, tile.length);
      assert.ok(need(path).equals(Buffer.concat(tile)), `${path} is not the tile of the tree of ${size}`);
    });
    hashes = tiles.filter((tile) => tile.length === 256).map(merkleRoot);
  }
  const hex = leaves.map((leaf) => leaf.toString('hex'));
  assert.equal(new Set(hex).size, hex.length, 'a leaf is in the log twice');
  return { size, root, bodies, leaves: hex };
}

/** Checks that the later log begins with the earlier one. */
export function requirePrefix(earlier: NaiveLog, later: NaiveLog): void {
  assert.ok(later.size >= earlier.size, `the checkpoint went back from ${earlier.size} to ${later.size}`);
  assert.deepEqual(later.leaves.slice(0, earlier.size), earlier.leaves, 'a fork');
}

/** An inclusion proof by RFC 9162 section 2.1.3.2. */
export function requireIncluded(
  leaf: string,
  index: number,
  proof: readonly Uint8Array[],
  { size, root }: { size: number; root: string },
): void {
  assert.ok(index < size);
  let [fn, sn, hash] = [index, size - 1, Buffer.from(leaf, 'hex')];
  for (const step of proof) {
    assert.ok(sn > 0, 'the proof is too long');
    if (fn % 2 === 1 || fn === sn) {
      hash = sha256(Buffer.of(1), step, hash);
      while (fn % 2 === 0 && fn !== 0) [fn, sn] = [fn / 2, Math.floor(sn / 2)];
    } else {
      hash = sha256(Buffer.of(1), hash, step);
    }
    [fn, sn] = [Math.floor(fn / 2), Math.floor(sn / 2)];
  }
  assert.equal(sn, 0, 'the proof is too short');
  assert.equal(hash.toString('base64'), root, 'the proof does not hold');
}

/** The parts of a claim. */
interface NaiveClaim {
  readonly checkpoint: Buffer;
  readonly objects: ReadonlyMap<string, Buffer>;
}

function openClaim(bytes: Uint8Array): NaiveClaim {
  const claim = Buffer.from(bytes);
  const magic = 'stele claim v1\n';
  assert.equal(claim.subarray(0, magic.length).toString(), magic);
  const strings: Buffer[] = [];
  for (let at = magic.length; at < claim.length;) {
    const end = at + 4 + claim.readUInt32BE(at);
    strings.push(claim.subarray(at + 4, end));
    at = end;
  }
  const [checkpoint = Buffer.of(), ...rest] = strings;
  const objects = new Map<string, Buffer>();
  for (let i = 0; i + 1 < rest.length; i += 2) objects.set(String(rest[i]), rest[i + 1] ?? Buffer.of());
  return { checkpoint, objects };
}

/**
 * Follows a store's history and checks the protocol's promises at every write:
 *   - every stored checkpoint is the log's, and extends every earlier one
 *   - all objects of a checkpoint's tree were stored, with the right contents, before the checkpoint
 *   - a checkpoint was, to the byte, in the claim that was chosen for the size before it, and so were its new objects
 *   - at most one claim is chosen for each size, and it is deleted only when the checkpoint has passed that size
 *   - no object but `checkpoint` and claims holds a signature line of the log
 *   - immutable objects never change
 */
export class History {
  readonly #name: LogName;
  readonly #objects = new Map<string, Uint8Array>();
  /** The chosen claims, each by the size of the tree that it extends. */
  readonly #chosen = new Map<number, NaiveClaim>();
  #position = 0;
  /** The log at each checkpoint, the oldest first. */
  readonly logs: NaiveLog[] = [];
  readonly #checkpoints = new Set<string>();

  constructor(log: LogName) {
    this.#name = log;
  }

  clone(): History {
    const history = new History(this.#name);
    for (const [path, bytes] of this.#objects) history.#objects.set(path, bytes);
    for (const [size, claim] of this.#chosen) history.#chosen.set(size, claim);
    for (const checkpoint of this.#checkpoints) history.#checkpoints.add(checkpoint);
    history.logs.push(...this.logs);
    history.#position = this.#position;
    return history;
  }

  get log(): NaiveLog {
    const log = this.logs.at(-1);
    assert.ok(log, 'the store has no checkpoint');
    return log;
  }

  /** Whether these bytes were ever the store's checkpoint. */
  published(checkpoint: Uint8Array): boolean {
    return this.#checkpoints.has(Buffer.from(checkpoint).toString());
  }

  /** Checks the writes since the last check. */
  follow(store: MemoryStore): void {
    for (; this.#position < store.writes.length; this.#position++) {
      const write = store.writes[this.#position];
      if (write !== undefined) this.#step(write);
    }
  }

  #step({ path, bytes }: Write): void {
    if (path === 'checkpoint') this.#checkpointWritten(bytes);
    else if (path.startsWith('staging/')) this.#claimWritten(Number(path.slice('staging/'.length)), bytes);
    else this.#objectWritten(path, bytes);
    if (bytes === undefined) this.#objects.delete(path);
    else this.#objects.set(path, bytes);
  }

  #checkpointWritten(bytes: Uint8Array | undefined): void {
    assert.ok(bytes, 'the checkpoint is deleted');
    const log = rebuild(bytes, (path) => this.#objects.get(path), this.#name);
    const before = this.logs.at(-1);
    if (before === undefined) {
      assert.equal(log.size, 0, 'a log begins empty');
    } else {
      requirePrefix(before, log);
      assert.ok(log.size > before.size, `the checkpoint of ${log.size} is stored twice`);
      const claim = this.#chosen.get(before.size);
      assert.ok(claim?.checkpoint.equals(bytes), `the checkpoint of ${log.size} was not claimed`);
    }
    this.logs.push(log);
    this.#checkpoints.add(Buffer.from(bytes).toString());
  }

  #claimWritten(size: number, bytes: Uint8Array | undefined): void {
    const published = this.logs.at(-1)?.size ?? -1;
    if (bytes === undefined) {
      assert.ok(published > size, `the claim of ${size} is deleted at ${published}`);
    } else if (published <= size) {
      assert.equal(published, size, 'a claim is ahead of the checkpoint');
      assert.ok(!this.#objects.has(`staging/${size}`), `the claim of ${size} is written over`);
      this.#chosen.set(size, openClaim(bytes));
    }
  }

  #objectWritten(path: string, bytes: Uint8Array | undefined): void {
    assert.match(path, /^tile\//);
    assert.ok(bytes, `${path} is deleted`);
    assert.ok(!this.#objects.has(path), `${path} is written twice`);
    const signed = Buffer.from(bytes).includes(`— ${this.#name.origin} `);
    assert.ok(!signed, `${path} has a signature of the log`);
    const claimed = [...this.#chosen.values()].some((claim) => claim.objects.get(path)?.equals(bytes));
    assert.ok(claimed, `${path} is stored, and no chosen claim has it`);
  }
}
