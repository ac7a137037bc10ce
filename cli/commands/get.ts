/**
 * `stele get`: an entry, with the proof that the log has it. Its code is in `get/`.
 * @module
 */
import { command } from '../command.js';
import { ENTRY_ALTERNATIVES, ENTRY_SETTINGS } from '../settings/entry-settings.js';
import { FORMAT_OR_TLE } from '../settings/format-settings.js';
import { LOG_ALTERNATIVES, LOG_SETTINGS } from '../settings/log-settings.js';

export const getCommand = command({
  summary: 'Get an entry, and prove it',
  details: 'Fetches the tiles that hold and prove the entry. With --proof it keeps what proves it offline.',
  settings: {
    ...ENTRY_SETTINGS,
    proof: {
      value: 'FILE',
      description: 'write a proof that stands alone: *.tlog-proof, or *.json for a Sigstore bundle',
      file: true,
    },
    ...LOG_SETTINGS,
    format: FORMAT_OR_TLE,
  },
  alternatives: [...ENTRY_ALTERNATIVES, ...LOG_ALTERNATIVES],
  examples: [
    { what: 'The first entry', command: 'stele get --rekor_server https://log.example.com --log-index 0' },
    {
      what: 'Its proof, to be kept',
      command: 'stele get --rekor_server https://log.example.com --log-index 0 --proof entry.tlog-proof',
    },
  ],
  run: async (invocation) => {
    const { get } = await import('./get/get.js');
    return get(invocation);
  },
});
