/**
 * Entries of a log, found and read with their proofs.
 * @module
 */
import type { Latest, TreeReader } from '../../reader/index.js';
import { ConfigurationError } from '../../src/errors.js';
import { parseBody } from '../../src/kinds/canonical-body.js';
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import type { PublishedEntry } from '../../src/sigstore/bundle/transparency-log-entry.js';
import type { TrustedLog } from '../../src/sigstore/trust/trusted-root.js';
import {
  encodeHex,
  equalBytes,
  leafHash,
  ProofError,
  verifyInclusion,
  type Hash,
} from '../../tiles-spec/index.js';
import { parseSetting } from '../settings/setting.js';
import { parseEntryId } from './entry-id.js';
import type { Terminal } from '../terminal.js';
import { parseNumber } from '../settings/units.js';

/** What names an entry: its index, its leaf hash, or both; the index spares the search. */
export type EntryName =
  | { readonly index: number; readonly leaf?: Hash | undefined }
  | { readonly index?: undefined; readonly leaf: Hash };

/** The settings that name an entry. */
export interface EntryValues {
  readonly 'log-index': string | undefined;
  readonly uuid: string | undefined;
}

/**
 * The entry that `--log-index` and `--uuid` name, or the one with a leaf hash that is known otherwise.
 * @throws ConfigurationError when they name none, or none of this log.
 */
export function entryName(
  { 'log-index': index, uuid }: EntryValues,
  { logId }: TrustedLog,
  known?: Hash,
): EntryName {
  const leaf = uuid === undefined ? undefined : parseEntryId(uuid, logId);
  if (index !== undefined) return { index: parseSetting('log-index', index, parseNumber), leaf };
  if (leaf !== undefined) return { leaf };
  if (known === undefined) throw new ConfigurationError('give --log-index or --uuid');
  return { leaf: known };
}

/**
 * The entry of a name, with its proof. To find it by its leaf hash, all tiles of level 0 may have to be read: 32 bytes
 * an entry.
 * @throws ProofError where the log has none.
 */
export async function findEntry(
  latest: Latest,
  name: EntryName,
  terminal: Terminal,
): Promise<PublishedEntry> {
  const { tree, checkpoint } = latest;
  const index =
    name.index === undefined ? await indexOf(tree, name.leaf, checkpoint.origin, terminal) : name.index;
  const entry = await readEntry(latest, index);
  const found = leafHash(entry.body, opensslSha256);
  if (name.leaf !== undefined && !equalBytes(found, name.leaf)) {
    throw new ProofError(
      `entry ${index} of ${checkpoint.origin} has the leaf hash ${encodeHex(found)}, not ${encodeHex(name.leaf)}`,
    );
  }
  return entry;
}

async function indexOf(tree: TreeReader, leaf: Hash, origin: string, terminal: Terminal): Promise<number> {
  const progress = terminal.progress('looking for the leaf hash', tree.tree.size);
  try {
    const index = await tree.indexOf(leaf, (done) => {
      progress.update(done);
    });
    if (index !== undefined) return index;
  } finally {
    progress.stop();
  }
  throw new ProofError(
    `none of the ${tree.tree.size} entries of ${origin} has the leaf hash ${encodeHex(leaf)}`,
  );
}

/** The entry at an index, and its proof, verified as by anyone who is sent it. */
async function readEntry({ checkpoint, tree }: Latest, index: number): Promise<PublishedEntry> {
  if (index >= checkpoint.size) {
    throw new ProofError(`there is no entry ${index}: the log has ${checkpoint.size}, the first at 0`);
  }
  const [{ body }, proof] = await Promise.all([tree.entry(index), tree.inclusionProof(index)]);
  verifyInclusion(
    leafHash(body, opensslSha256),
    index,
    checkpoint.size,
    proof,
    checkpoint.root,
    opensslSha256,
  );
  const { kind, version } = parseBody(body);
  return { kind, version, index, body, proof, checkpoint };
}
