/**
 * `stele logproof`: the consistency proof between two sizes of a log.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import { opensslSha256 } from '../../src/node/openssl-sha256.js';
import { encodeBase64, encodeHex, verifyConsistency } from '../../tiles-spec/index.js';
import type { Invocation } from '../command.js';
import { parseSetting } from '../settings/setting.js';
import { latestOf, openTrustedLog } from '../log/open-log.js';
import type { LOGPROOF_SETTINGS } from '../settings.js';
import { entries } from '../terminal.js';
import { parseNumber } from '../settings/units.js';

export async function logproof(invocation: Invocation<typeof LOGPROOF_SETTINGS>): Promise<number> {
  const { values, terminal } = invocation;
  const first = parseSetting('first-size', values['first-size'], parseNumber);
  const asked = values['last-size'];
  const wanted = asked === undefined ? undefined : parseSetting('last-size', asked, parseNumber);
  if (first < 1) throw new ConfigurationError('--first-size: a tree to prove has 1 entry at least');
  if (wanted !== undefined && wanted < first)
    throw new ConfigurationError(`--first-size: ${first} is over --last-size, ${wanted}`);
  const opened = await openTrustedLog(invocation);
  const { tree: newest, checkpoint } = await latestOf(opened);
  const { size } = newest.tree;
  const last = wanted ?? size;
  if (first > size || last > size) {
    throw new ConfigurationError(
      `--${first > size ? 'first' : 'last'}-size: the log has ${entries(size)}, not ${Math.max(first, last)}`,
    );
  }
  const [oldRoot, root] = await Promise.all([newest.rootAt(first), newest.rootAt(last)]);
  const hashes = await opened.log.at({ size: last, root }).consistencyProof(first);
  verifyConsistency(first, oldRoot, last, root, hashes, opensslSha256);
  if (values.format === 'json') {
    terminal.json({
      FirstSize: first,
      LastSize: last,
      FirstRootHash: encodeHex(oldRoot),
      RootHash: encodeHex(root),
      // As rekor-cli prints it, and as a witness's add-checkpoint takes it.
      Hashes: hashes.map(encodeHex),
      ConsistencyProof: hashes.map(encodeBase64),
      // Of a smaller tree nothing signed is at hand.
      Checkpoint: last === size ? Buffer.from(checkpoint.bytes).toString() : null,
    });
    return 0;
  }
  terminal.out(`Current Root Hash: ${encodeHex(root)}`);
  terminal.out(`Hashes: [${hashes.map(encodeHex).join(',')}]`);
  terminal.out(
    terminal.good(`Verified: the tree of ${last} begins with that of ${first} (root ${encodeHex(oldRoot)})`),
  );
  return 0;
}
