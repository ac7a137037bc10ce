/**
 * `stele loginfo`: the newest checkpoint, proved to extend the newest one seen before.
 * @module
 */
import { encodeHex } from '../../tiles-spec/bytes.js';
import { counted } from '../../tiles-spec/counted.js';
import { command } from '../command.js';
import { LOG_ALTERNATIVES, LOG_SETTINGS } from '../settings/log-settings.js';

export const loginfoCommand = command({
  summary: 'Show the newest checkpoint',
  details: 'Verifies its signature, and that it extends the newest one seen before.',
  settings: LOG_SETTINGS,
  alternatives: LOG_ALTERNATIVES,
  examples: [
    { what: 'How large the log is', command: 'stele loginfo --rekor_server https://log.example.com' },
  ],
  run: async (invocation) => {
    const { latestOf, openTrustedLog } = await import('../log/open-log.js');
    const { treeIdOf } = await import('../../src/keys/tree-id.js');
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
        : `Consistent with:        the tree of ${counted(seen.size, 'entry')} seen before`,
    );
    return 0;
  },
});
