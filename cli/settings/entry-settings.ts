/**
 * What names an entry of a log.
 * @module
 */
import type { Alternatives } from './alternatives.js';
import type { Settings } from './setting.js';

export const ENTRY_SETTINGS = {
  'log-index': { value: 'N', description: "the entry's index in the log", group: 'The entry' },
  uuid: {
    value: 'HEX',
    description: "the entry's leaf hash, 64 digits, or the 80 of Rekor's id",
    group: 'The entry',
  },
} as const satisfies Settings;

/** An index and a leaf hash may be given together, and must then be of one entry. */
export const ENTRY_ALTERNATIVES: readonly Alternatives[] = [
  { of: [['log-index'], ['uuid']], together: true },
];
