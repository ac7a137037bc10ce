/**
 * Verifies that a batch extends the log, when it was read back from the store or from staging. A batch that this
 * process has just built needs no check.
 * @module
 */
import { nodeGunzip } from '../reader/node/gunzip.js';
import { opensslSha256 } from '../src/node/openssl-sha256.js';
import {
  equalBytes,
  leafHash,
  maxEntryBundleLength,
  parseEntryBundle,
  parsePath,
  parseTimes,
  ProofError,
  TILE_WIDTH,
  type Hash,
  type StoredObject,
} from '../tiles-spec/index.js';
import { append, attestationPath, type Batch, type LogTail, type NewEntry } from './batch.js';
import { sameContent } from './publishing/immutable-objects.js';

/** What staging must know of a batch, and is not in the batch's checkpoint. */
export interface VerifiedBatch {
  /** Of the entries that the batch appends, in order. */
  readonly leafHashes: readonly Hash[];
  /** When the batch was sequenced, Unix milliseconds. */
  readonly time: number;
}

/**
 * Builds a batch again from its entries, and requires that the result has the same root, times and objects. Costs as
 * much as building the batch did, and a gunzip of its entry bundles.
 * @param tail the end of the log before the batch.
 * @throws ProofError or FormatError, naming the part of the batch that differs.
 */
export async function verifyBatch(batch: Batch, tail: LogTail): Promise<VerifiedBatch> {
  const { size, root } = batch.checkpoint;
  const { entries, times } = await readNewEntries(batch);
  const [time] = times;
  const made = await append(tail, entries, time ?? 0);
  if (made.tail.edge.size !== size || !equalBytes(made.tail.edge.root(), root)) throw differ('root');
  if (time === undefined || times.some((each) => each !== time)) throw differ('times');
  // With equal counts, and each object that was made found by its path, no object is missing, extra or repeated.
  const derived = batch.objects.filter((object) => !isAttestation(object));
  if (derived.length !== made.objects.length) throw differ('objects');
  const claimed = new Map(derived.map(({ path, bytes }) => [path, bytes]));
  for (const { path, bytes } of made.objects) {
    const theirs = claimed.get(path);
    if (theirs === undefined || !(await sameContent(theirs, bytes))) throw differ(path);
  }
  return { leafHashes: entries.map((entry) => entry.leafHash), time };
}

/** Whether an object is an attestation under its right name. Its digest in the name is all that authenticates it. */
function isAttestation({ path, bytes }: StoredObject): boolean {
  return parsePath(path).kind === 'attestation' && path === attestationPath(bytes);
}

function differ(what: string): ProofError {
  return new ProofError(`its ${what} differ from what its entries make`);
}

/** Reads the entries that a batch appends, and their times, from the entry bundles and times in its claim. */
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
      const bundle = parseEntryBundle(
        await nodeGunzip(bytes, maxEntryBundleLength(name.width)),
        name.width,
      ).slice(skipped);
      entries.push(...bundle.map((body) => ({ body, leafHash: leafHash(body, opensslSha256) })));
    }
  }
  return { entries, times };
}
