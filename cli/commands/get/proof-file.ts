/**
 * The file of `stele get --proof`: a Sigstore bundle or a proof that stands alone, by its name.
 * @module
 */
import { stat } from 'node:fs/promises';
import { bundleOfEntry } from '../../../src/sigstore/bundle/bundle-of-entry.js';
import {
  formatSigstoreBundle,
  MAX_BUNDLE_LENGTH,
  parseSigstoreBundle,
} from '../../../src/sigstore/bundle/sigstore-bundle.js';
import type { PublishedEntry } from '../../../src/sigstore/bundle/transparency-log-entry.js';
import type { TrustedLog } from '../../../src/sigstore/trust/trusted-root.js';
import { equalBytes, FormatError, formatTlogProof, parseTlogProof } from '../../../tiles-spec/index.js';
import { notReplaceable, readInput, requireWritable, writeOutput } from '../../files.js';
import { SettingError } from '../../settings/setting.js';

const WHAT = '--proof';

/** @throws ConfigurationError where the file cannot be written, or its name says neither form. */
export async function requireProofFile(file: string): Promise<void> {
  if (!/\.(tlog-proof|json)$/.test(file))
    throw new SettingError(WHAT, 'the name ends in .tlog-proof, or in .json for a Sigstore bundle');
  await requireWritable(WHAT, file);
}

/** Writes the proof of an entry. @throws ConfigurationError where the file holds anything but a proof of this entry. */
export async function writeProof(file: string, entry: PublishedEntry, { logId }: TrustedLog): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  const isLost = found?.isFile() === true && found.size > 0 && !(await holdsProofOf(entry, file, found.size));
  if (isLost) throw notReplaceable(WHAT, file, 'is no proof of this entry');
  const { index, proof: hashes, checkpoint, body } = entry;
  const proof = file.endsWith('.json')
    ? formatSigstoreBundle(bundleOfEntry(entry, logId))
    : // The file holds the body too, so that the leaf hash can be computed from the file alone.
      formatTlogProof({ extra: body, index, hashes, checkpoint: checkpoint.bytes });
  await writeOutput(WHAT, file, proof);
}

async function holdsProofOf({ index, body }: PublishedEntry, file: string, size: number): Promise<boolean> {
  if (size > MAX_BUNDLE_LENGTH) return false;
  const bytes = await readInput(WHAT, file);
  try {
    if (file.endsWith('.json')) {
      const { entries } = parseSigstoreBundle(bytes);
      return entries.every((entry) => entry.index === index && equalBytes(entry.body, body));
    }
    const { index: at, extra } = parseTlogProof(bytes);
    return at === index && extra !== undefined && equalBytes(extra, body);
  } catch (error) {
    if (error instanceof FormatError) return false;
    throw error;
  }
}
