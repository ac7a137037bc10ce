/**
 * The form of a command's result.
 * @module
 */
import type { Setting } from './setting.js';

export const FORMAT = {
  value: 'default|json',
  default: 'default',
  choices: ['default', 'json'],
  description: 'how the result is printed, and with json an error too',
} as const satisfies Setting;

/** For commands that print an entry, also as Sigstore does. */
export const FORMAT_OR_TLE = {
  ...FORMAT,
  value: 'default|json|tle',
  choices: ['default', 'json', 'tle'],
  description:
    "how the result is printed, and with json an error too; tle is Sigstore's TransparencyLogEntry",
} as const satisfies Setting;
