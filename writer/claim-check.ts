/**
 * Whether a batch that was read back, from the store or from staging, extends the log. One that this process built
 * itself needs no check.
 * @module
 */
import { gunzip } from '../reader/node/gunzip.js';
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

/** What a verified batch appends. */
export interface VerifiedBatch {
  readonly leafHashes: readonly Hash[];
  /** When it was sequenced, Unix milliseconds. */
  readonly time: number;
}

/**
 * Makes a batch anew from its entries: it must be, to the byte, what appending them to `tail` makes. Costs what building
 * the batch did.
 * @throws ProofError or FormatError, saying what of the batch is not so.
 */
export async function verifyBatch(batch: Batch, tail: LogTail): Promise<VerifiedBatch> {
  const { size, root } = batch.checkpoint;
  const { entries, times } = await readNewEntries(batch);
  const [time] = times;
  const made = await append(tail, entries, time ?? 0);
  if (made.tail.edge.size !== size || !equalBytes(made.tail.edge.root(), root)) throw differ('root');
  if (time === undefined || times.some((each) => each !== time)) throw differ('times');
  // As many objects, and each that is made among them: so none is there twice.
  const derived = batch.objects.filter((object) => !isAttestation(object));
  if (derived.length !== made.objects.length) throw differ('objects');
  const claimed = new Map(derived.map(({ path, bytes }) => [path, bytes]));
  for (const { path, bytes } of made.objects) {
    const theirs = claimed.get(path);
    if (theirs === undefined || !(await sameContent(theirs, bytes))) throw differ(path);
  }
  return { leafHashes: entries.map((entry) => entry.leafHash), time };
}

/** Whether an object is an attestation, which its name alone authenticates: no entry's body holds it. */
function isAttestation({ path, bytes }: StoredObject): boolean {
  return parsePath(path).kind === 'attestation' && path === attestationPath(bytes);
}

function differ(what: string): ProofError {
  return new ProofError(`its ${what} differ from what its entries make`);
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
      const bundle = parseEntryBundle(
        await gunzip(bytes, maxEntryBundleLength(name.width)),
        name.width,
      ).slice(skipped);
      entries.push(...bundle.map((body) => ({ body, leafHash: leafHash(body, opensslSha256) })));
    }
  }
  return { entries, times };
}
