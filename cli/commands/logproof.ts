/**
 * `stele logproof`: the consistency proof between two sizes of a log.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import { encodeBase64 } from '../../tiles-spec/base64.js';
import { encodeHex } from '../../tiles-spec/bytes.js';
import { counted } from '../../tiles-spec/counted.js';
import { command } from '../command.js';
import { LOG_ALTERNATIVES, LOG_SETTINGS } from '../settings/log-settings.js';
import { parseSetting } from '../settings/setting.js';
import { parseNumber } from '../settings/units.js';

export const logproofCommand = command({
  summary: 'Prove that one tree extends another',
  details:
    "Prints the consistency proof between two sizes of the log, computed from its tiles and verified. In JSON it has what a witness's add-checkpoint (c2sp.org/tlog-witness) takes: ConsistencyProof, whose hashes are in base64, and Checkpoint, the signed checkpoint that it leads to; null unless --last-size is the log's. A witness that has none of the log yet takes it without a proof, after `old 0` and an empty line.",
  settings: {
    'first-size': { value: 'N', default: '1', description: 'the size of the older tree' },
    'last-size': { value: 'N', description: "the size of the newer tree (default: the log's)" },
    ...LOG_SETTINGS,
  },
  alternatives: LOG_ALTERNATIVES,
  examples: [
    {
      what: 'From size 100 to the newest',
      command: 'stele logproof --rekor_server https://log.example.com --first-size 100',
    },
    {
      what: 'The request for a witness whose last checkpoint of the log is of size 100',
      command: `stele logproof --rekor_server https://log.example.com --first-size 100 --format json | jq -r '"old \\(.FirstSize)", .ConsistencyProof[], "", (.Checkpoint | rtrimstr("\\n"))'`,
    },
  ],
  run: async (invocation) => {
    const { values, terminal } = invocation;
    const { first, last: wanted } = sizesOf(values);
    const { latestOf, openTrustedLog } = await import('../log/open-log.js');
    const { opensslSha256 } = await import('../../src/node/openssl-sha256.js');
    const { ProofError, verifyConsistency } = await import('../../tiles-spec/index.js');
    const opened = await openTrustedLog(invocation);
    const { tree: newest, checkpoint } = await latestOf(opened);
    const { size } = newest.tree;
    const last = wanted ?? size;
    if (size === 0) throw new ProofError('the log is empty: there is no tree to prove');
    if (first > size || last > size)
      throw new ProofError(
        `there is no tree of ${Math.max(first, last)}: the log has ${counted(size, 'entry')}`,
      );
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
        // Only the newest tree has a signed checkpoint here.
        Checkpoint: last === size ? Buffer.from(checkpoint.bytes).toString() : null,
      });
      return 0;
    }
    terminal.out(`Current Root Hash: ${encodeHex(root)}`);
    terminal.out(`Hashes: [${hashes.map(encodeHex).join(',')}]`);
    terminal.out(
      terminal.good(
        `Verified: the tree of ${last} begins with that of ${first} (root ${encodeHex(oldRoot)})`,
      ),
    );
    return 0;
  },
});

/** The sizes of the two trees; no last size stands for the log's own. @throws ConfigurationError */
function sizesOf(values: { readonly 'first-size': string; readonly 'last-size': string | undefined }): {
  first: number;
  last: number | undefined;
} {
  const first = parseSetting('first-size', values['first-size'], parseNumber);
  const given = values['last-size'];
  const last = given === undefined ? undefined : parseSetting('last-size', given, parseNumber);
  if (first < 1) throw new ConfigurationError('--first-size: a tree to prove has 1 entry at least');
  if (last !== undefined && last < first)
    throw new ConfigurationError(`--first-size: ${first} is over --last-size, ${last}`);
  return { first, last };
}
