/**
 * From a start, or a take-over, to a log that can be appended to: whatever the store has claimed is published first,
 * then store and staging must fit, then what staging has sequenced is published, by the hot path's own code.
 * @module
 */
import type { Logger } from 'pino';
import { gunzip } from '../reader/node/gunzip.js';
import { DamagedStoreError, StartRefusedError } from '../src/errors.js';
import { nodeSha256 } from '../src/node-sha256.js';
import {
  equalBytes,
  FormatError,
  hashesAt,
  leafHash,
  maxBundleLength,
  parseBundle,
  parsePath,
  parseTimes,
  ProofError,
  TILE_WIDTH,
  type NoteVerifier,
  type SignedCheckpoint,
} from '../tiles-spec/index.js';
import { append, EMPTY_TAIL, type Batch, type LogTail, type NewEntry } from './batch.js';
import { batchOf, sameContent, type Publisher, type StoredCheckpoint } from './publisher.js';
import type { StagedTree, Staging } from './staging/staging.js';

/** Where appending goes on from. */
export interface Recovered {
  readonly checkpoint: SignedCheckpoint;
  readonly tail: LogTail;
  /** When the last entry was sequenced, Unix milliseconds; 0 in an empty log. */
  readonly lastTime: number;
}

/**
 * Publishes what is claimed, checks, publishes what is sequenced.
 * @throws StartRefusedError when store and staging do not fit; ClaimLostError; DamagedStoreError.
 */
export async function recover(
  publisher: Publisher,
  staging: Staging,
  verifier: NoteVerifier,
  log: Logger,
): Promise<Recovered> {
  let current = await firstCheckpoint(publisher);
  await requireFit(publisher, staging, current.checkpoint);
  for (;;) {
    const claim = await publisher.readClaim(current.checkpoint.size);
    if (claim === undefined) break;
    const again = await firstCheckpoint(publisher);
    // A claim of a size that is published by now may be a second one for it: only one that is found while the
    // checkpoint is, a moment later, still not past it is the one that was chosen.
    if (again.checkpoint.size === current.checkpoint.size) {
      await completeClaim(claim, current, publisher, staging, verifier, log);
    }
    current = await firstCheckpoint(publisher);
    await requireFit(publisher, staging, current.checkpoint);
  }
  for (const sequenced of await staging.unpublished()) {
    log.info(
      { from: sequenced.oldSize, to: sequenced.size },
      'publishing a batch that was sequenced before the start',
    );
    await publisher.publish(batchOf(sequenced.oldSize, sequenced.claim, verifier));
    await staging.published(sequenced.oldSize);
    await publisher.dropClaim(sequenced.oldSize);
    current = await firstCheckpoint(publisher);
    // Another writer may have found our claim, and gone on from it.
    await requireFit(publisher, staging, current.checkpoint);
  }
  const tail = await readTail(publisher, current.checkpoint).catch(refuseDamage('end'));
  const lastTime = (await staging.tree())?.time ?? 0;
  return { checkpoint: current.checkpoint, tail, lastTime };
}

async function firstCheckpoint(publisher: Publisher): Promise<StoredCheckpoint> {
  const current = await publisher.checkpoint();
  if (current === undefined) throw new StartRefusedError('the store has no checkpoint');
  return current;
}

/** Publishes a claim that was found, ours or another writer's, and has staging know its entries. */
async function completeClaim(
  claim: Uint8Array,
  current: StoredCheckpoint,
  publisher: Publisher,
  staging: Staging,
  verifier: NoteVerifier,
  log: Logger,
): Promise<void> {
  const batch = batchOf(current.checkpoint.size, claim, verifier);
  log.info(
    { from: batch.oldSize, to: batch.checkpoint.size },
    'completing a batch that was claimed before the start',
  );
  const tail = await readTail(publisher, current.checkpoint).catch(refuseDamage('end'));
  const { leafHashes, time } = await verifyBatch(batch, tail);
  const staged = (await staging.unpublished()).find(({ oldSize }) => oldSize === batch.oldSize);
  if (staged === undefined || !equalBytes(staged.claim, claim)) {
    // Ours, if there was one, was never shown to anyone.
    await staging.discard(batch.oldSize);
    const { size, root } = batch.checkpoint;
    await staging.sequence({ oldSize: batch.oldSize, size, root, time, claim }, leafHashes);
  }
  await publisher.complete(batch, current);
  await staging.published(batch.oldSize);
  await publisher.dropClaim(batch.oldSize);
}

/**
 * Makes a claim's batch anew from its entries: it must be, to the byte, what appending them makes.
 * @throws DamagedStoreError when it is not.
 */
async function verifyBatch(batch: Batch, tail: LogTail) {
  const { size, root } = batch.checkpoint;
  const differ = (what: string) =>
    new DamagedStoreError(
      `the claim staging/${batch.oldSize} does not extend the log: its ${what} differ from what its entries make`,
    );
  try {
    const { entries, times } = await readNewEntries(batch);
    const [time] = times;
    const made = await append(tail, entries, time ?? 0);
    if (made.tail.edge.size !== size || !equalBytes(made.tail.edge.root(), root)) throw differ('root');
    if (time === undefined || times.some((each) => each !== time)) throw differ('times');
    // As many objects, and each that is made among them: so none is there twice.
    if (batch.objects.length !== made.objects.length) throw differ('objects');
    const claimed = new Map(batch.objects.map(({ path, bytes }) => [path, bytes]));
    for (const { path, bytes } of made.objects) {
      const theirs = claimed.get(path);
      if (theirs === undefined || !(await sameContent(theirs, bytes))) throw differ(path);
    }
    return { leafHashes: entries.map((entry) => entry.leafHash), time };
  } catch (error) {
    if (!(error instanceof FormatError || error instanceof ProofError)) throw error;
    throw differ(`objects (${error.message})`);
  }
}

/** The entries that a batch appends, from the bundles in its claim. */
async function readNewEntries({
  oldSize,
  objects,
}: Batch): Promise<{ entries: NewEntry[]; times: number[] }> {
  const entries: NewEntry[] = [];
  const times: number[] = [];
  for (const { path, bytes } of objects) {
    const name = parsePath(path);
    if (name.kind !== 'entries' && name.kind !== 'times') continue;
    const skipped = Math.max(0, oldSize - name.index * TILE_WIDTH);
    if (name.kind === 'times') {
      times.push(...parseTimes(bytes, name.width).slice(skipped));
    } else {
      const bundle = parseBundle(await gunzip(bytes, maxBundleLength(name.width)), name.width).slice(skipped);
      entries.push(...bundle.map((body) => ({ body, leafHash: leafHash(body, nodeSha256) })));
    }
  }
  return { entries, times };
}

/** The log's tail, from the store: the right edge must hash to the checkpoint, and the partial bundle to the edge. */
async function readTail(publisher: Publisher, checkpoint: SignedCheckpoint): Promise<LogTail> {
  if (checkpoint.size === 0) return EMPTY_TAIL;
  const tree = publisher.reader.at(checkpoint);
  const edge = await tree.edge();
  if (hashesAt(checkpoint.size, 0) % TILE_WIDTH === 0) return { edge, bodies: [], times: [] };
  const index = Math.floor(checkpoint.size / TILE_WIDTH);
  return { edge, bodies: await tree.bundle(index), times: await tree.times(index) };
}

/** For what is read from the store and is not what the log's checkpoint says. */
function refuseDamage(what: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof ProofError || error instanceof FormatError)) throw error;
    throw new StartRefusedError(
      `the ${what} of the log in the store does not verify: ${error.message}. Restore the store from a copy`,
    );
  };
}

/** The last tree that staging knows to be published. */
async function lastPublished(staging: Staging): Promise<Pick<StagedTree, 'size' | 'root'>> {
  const [first] = await staging.unpublished();
  const tree = first === undefined ? await staging.tree() : await staging.tree(first.oldSize);
  return tree ?? { size: 0, root: EMPTY_TAIL.edge.root() };
}

/**
 * Checks that the store's log is the one that staging holds, and forgets what staging has since published.
 * @throws StartRefusedError when it is not.
 */
async function requireFit(
  publisher: Publisher,
  staging: Staging,
  checkpoint: SignedCheckpoint,
): Promise<void> {
  const tree = publisher.reader.at(checkpoint);
  await tree.edge().catch(refuseDamage('right edge'));
  for (const batch of await staging.unpublished()) {
    const stored = batch.size <= checkpoint.size && equalBytes(await tree.rootAt(batch.size), batch.root);
    if (stored) await staging.published(batch.oldSize);
  }
  const staged = await lastPublished(staging);
  if (staged.size > checkpoint.size) {
    throw new StartRefusedError(
      `the store is at ${checkpoint.size} entries and staging has published ${staged.size}: the store was rolled back or emptied, or --store names another place. Give the right store, or restore it from a copy that is not older than staging`,
    );
  }
  if (staged.size > 0 && !equalBytes(await tree.rootAt(staged.size), staged.root)) {
    throw new StartRefusedError(
      `the store's log of ${checkpoint.size} entries does not extend the ${staged.size} that staging has published: a fork. Keep the store and staging as they are: they are the evidence`,
    );
  }
  if (staged.size < checkpoint.size) {
    throw new StartRefusedError(
      `the store is at ${checkpoint.size} entries and staging has published ${staged.size}: staging was lost or restored from an old copy, or another writer has gone on. Restore the newest staging.sqlite; this version cannot rebuild it from the store`,
    );
  }
}
