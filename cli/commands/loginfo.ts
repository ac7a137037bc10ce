/**
 * `stele loginfo`: the newest checkpoint, proved to extend the newest one seen before.
 * @module
 */
import { encodeHex } from '../../tiles-spec/index.js';
import { latestOf, openTrustedLog, type LogInvocation } from '../log/open-log.js';
import { treeIdOf } from '../../src/keys/tree-id.js';
import { entries } from '../terminal.js';

export async function loginfo(invocation: LogInvocation): Promise<number> {
  const { values, terminal } = invocation;
  const opened = await openTrustedLog(invocation);
  const { trusted, place } = opened;
  const { checkpoint, seen } = await latestOf(opened);
  const rootHash = encodeHex(checkpoint.root);
  const treeId = String(treeIdOf(trusted.logId));
  if (values.format === 'json') {
    terminal.json({
      ActiveTreeSize: checkpoint.size,
      TotalTreeSize: checkpoint.size,
      RootHash: rootHash,
      TreeID: treeId,
      Origin: checkpoint.origin,
      LogID: encodeHex(trusted.logId),
      ConsistentWith: seen?.size ?? null,
    });
    return 0;
  }
  terminal.out(terminal.good('Verification Successful!'));
  terminal.out(`Log:                    ${place}`);
  terminal.out(`Origin:                 ${checkpoint.origin}`);
  terminal.out(`Active Tree Size:       ${checkpoint.size}`);
  terminal.out(`Total Tree Size:        ${checkpoint.size}`);
  terminal.out(`Root Hash:              ${rootHash}`);
  terminal.out(`TreeID:                 ${treeId}`);
  terminal.out(
    seen === undefined
      ? 'Consistent with:        nothing: this log was not seen before'
      : `Consistent with:        the tree of ${entries(seen.size)} seen before`,
  );
  return 0;
}
