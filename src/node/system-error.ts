/**
 * What the operating system says when it refuses a call, in words for the user who named the file.
 * @module
 */
import { messageOf } from '../errors.js';

/** Instead of the system's own words, where those say nothing of the file, or not what to do. */
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

/** `ENOENT: no such file or directory, open 'a'`: the code and the call are Node's, and what is between is the system's. */
const NODE_MESSAGE = /^[A-Z0-9]+: ([^]+?), [a-z]+(?: '[^]*')?$/;

/** Why a call on a file failed, without the call and the file: those are the caller's to name. */
export function reasonOf(error: unknown): string {
  const code = codeOf(error);
  const words = code !== undefined && Object.hasOwn(WORDS, code) ? WORDS[code] : undefined;
  return words ?? messageOf(error).replace(NODE_MESSAGE, '$1');
}

/**
 * What an error says that the system, or SQLite, gave for a call on a file: which file, where it is known, and why.
 * Undefined for any other error, which is this program's own.
 */
export function systemMessage(error: unknown): string | undefined {
  const code = codeOf(error);
  if (!(error instanceof Error) || code === undefined) return undefined;
  if (code.startsWith('SQLITE_')) return `a database of the data folder: ${reasonOf(error)}`;
  if (!('syscall' in error)) return undefined;
  const place = 'path' in error && typeof error.path === 'string' ? error.path : String(error.syscall);
  return `${place}: ${reasonOf(error)}`;
}

function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
