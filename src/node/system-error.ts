/**
 * The errors of the operating system and of SQLite: their codes, and their reasons in words for the user who named the
 * file.
 * @module
 */
import { messageOf } from '../errors.js';

/** Replaces the system's own words where those do not speak of the file, or do not say what to do. */
const WORDS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there already: stop it, or choose another port',
  EADDRNOTAVAIL: 'this machine has no such address',
  EISDIR: 'it is a folder',
  EDQUOT: "this user's quota of its disk is used up: make room there",
  EMFILE: 'this process has too many files open: raise the limit (ulimit -n)',
  ENFILE: 'this machine has too many files open',
  ENOSPC: 'no space is left on its disk: make room there',
  EROFS: 'its file system is read-only',
  SQLITE_CANTOPEN: 'see that it is a file which this user may read and write',
  SQLITE_FULL: 'no space is left on its disk: make room there',
  SQLITE_IOERR: 'its disk cannot be read or written: check the disk',
  SQLITE_READONLY: 'it may not be written to',
};

/** `ENOENT: no such file or directory, open 'a'`: Node puts the code before the system's words, and the call behind them. */
const NODE_MESSAGE = /^[A-Z0-9]+: ([^]+?), [a-z]+(?: '[^]*')?$/;

/** Why a call on a file failed. The reason names neither the call nor the file: the caller does. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const words = code !== undefined && Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return words ?? messageOf(error).replace(NODE_MESSAGE, '$1');
}

/** The file, where the error names it, and the reason of an error of the system or of SQLite; undefined for any other error. */
export function systemMessage(error: unknown): string | undefined {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return undefined;
  if (code.startsWith('SQLITE_')) return `a database of the data folder: ${reasonOf(error)}`;
  if (!('syscall' in error)) return undefined;
  const place = 'path' in error && typeof error.path === 'string' ? error.path : String(error.syscall);
  return `${place}: ${reasonOf(error)}`;
}

/** Whether an error has this code of the system or of SQLite, such as `ENOENT`. */
export function hasCode(error: unknown, code: string): boolean {
  return codeOf(error) === code;
}

/** The code of an error of the system, of SQLite, of Node or of ours; undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
