/**
 * `stele get`: an entry, with the proof that the log has it.
 * @module
 */
import { MissingObjectError, type TreeReader } from '../../../reader/index.js';
import { ConfigurationError } from '../../../src/errors.js';
import { DOCUMENT_LIMITS, parseJson } from '../../../src/json.js';
import { opensslSha256 } from '../../../src/node/openssl-sha256.js';
import {
  formatTransparencyLogEntry,
  type PublishedEntry,
} from '../../../src/sigstore/bundle/transparency-log-entry.js';
import { counted } from '../../../tiles-spec/counted.js';
import { encodeHex, leafHash, TILE_WIDTH } from '../../../tiles-spec/index.js';
import { entryName, findEntry, type EntryValues } from '../../log/entry.js';
import { latestOf, openTrustedLog, type LogInvocation, type OpenedLog } from '../../log/open-log.js';
import { plain, type Terminal } from '../../terminal.js';
import { requireProofFile, writeProof } from './proof-file.js';

interface GetInvocation extends LogInvocation {
  readonly values: LogInvocation['values'] & EntryValues & { readonly proof: string | undefined };
}

export async function get(invocation: GetInvocation): Promise<number> {
  const { values, terminal } = invocation;
  if (values['log-index'] === undefined && values.uuid === undefined)
    throw new ConfigurationError('give --log-index or --uuid');
  if (values.proof !== undefined) await requireProofFile(values.proof);
  const opened = await openTrustedLog(invocation);
  const name = entryName(values, opened.trusted);
  const latest = await latestOf(opened);
  const entry = await findEntry(latest, name, terminal);
  if (values.proof !== undefined) await writeProof(values.proof, entry, opened.trusted);
  printEntry(entry, await sequencedAt(entry.index, latest.tree), opened, values, terminal);
  return 0;
}

/** When an entry was sequenced, Unix milliseconds. Undefined in logs of other software, which have no times. */
async function sequencedAt(index: number, tree: TreeReader): Promise<number | undefined> {
  try {
    return (await tree.times(Math.floor(index / TILE_WIDTH)))[index % TILE_WIDTH];
  } catch (error) {
    if (error instanceof MissingObjectError) return undefined;
    throw error;
  }
}

function printEntry(
  entry: PublishedEntry,
  time: number | undefined,
  { trusted }: OpenedLog,
  { format, proof: file }: GetInvocation['values'],
  terminal: Terminal,
): void {
  const { index, body, proof, checkpoint } = entry;
  const uuid = encodeHex(leafHash(body, opensslSha256));
  if (format === 'tle') {
    terminal.out(formatTransparencyLogEntry(entry, trusted.logId));
    return;
  }
  const parsed = parseJson(body, 'canonical body', DOCUMENT_LIMITS);
  const logId = encodeHex(trusted.logId);
  if (format === 'json') {
    terminal.json({
      LogID: logId,
      LogIndex: index,
      ...(time === undefined ? {} : { IntegratedTime: Math.floor(time / 1000) }),
      UUID: uuid,
      Body: parsed,
      TreeSize: checkpoint.size,
      RootHash: encodeHex(checkpoint.root),
      Hashes: proof.map(encodeHex),
      ...(file === undefined ? {} : { Proof: file }),
    });
    return;
  }
  terminal.out(`LogID: ${logId}`);
  terminal.out(`Index: ${index}`);
  if (time !== undefined)
    terminal.out(`IntegratedTime: ${new Date(time).toISOString()} ${terminal.dim("(the writer's word)")}`);
  terminal.out(`UUID: ${uuid}`);
  // The submitter chose the texts in the body: no character of theirs may act on the terminal.
  terminal.out(`Body: ${JSON.stringify(parsed, null, 2).split('\n').map(plain).join('\n')}`);
  terminal.out(
    terminal.good(
      `Proved: in the tree of ${counted(checkpoint.size, 'entry')} that ${checkpoint.origin} signed`,
    ),
  );
  if (file !== undefined) terminal.out(`Wrote ${file}`);
}
