/**
 * Files that a user names: read, and written, with errors that say which setting named them.
 * @module
 */
import { constants, createReadStream } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DamagedStoreError } from '../src/errors.js';
import { isUtf16 } from '../src/json.js';
import { createFolder, overwriteFile } from '../src/node/durable-file.js';
import { hasCode, reasonOf } from '../src/node/system-error.js';
import { SettingError } from './settings/setting.js';

/** The longest file that is read whole, in bytes. Artifacts are read in pieces. */
const MAX_INPUT = 64 << 20;

/**
 * Reads a file that is UTF-8 text or DER. UTF-16, which Windows PowerShell writes, is refused with a message of its own.
 * @param what names the file in errors: a flag, or an argument.
 * @throws ConfigurationError when it cannot be read, is over 64 MiB, or is UTF-16.
 */
export async function readInput(what: string, file: string): Promise<Uint8Array> {
  const bytes = await readBytes(what, file);
  if (!isUtf16(bytes)) return bytes;
  throw new SettingError(
    what,
    `${file} is UTF-16, as > of Windows PowerShell writes it: save it as UTF-8 without a byte order mark`,
  );
}

/** Reads a file of any bytes. @throws ConfigurationError when it cannot be read, or is over 64 MiB. */
export async function readBytes(what: string, file: string): Promise<Uint8Array> {
  const refuse = (why: string) => new SettingError(what, `cannot read ${file}: ${why}`);
  const pieces: Uint8Array[] = [];
  let length = 0;
  try {
    // The length of a pipe or a device is not known beforehand, and may be endless: read one byte over the bound, and stop.
    for await (const piece of createReadStream(file, { end: MAX_INPUT }) as AsyncIterable<Uint8Array>) {
      pieces.push(piece);
      length += piece.length;
    }
  } catch (error) {
    throw refuse(reasonOf(error));
  }
  if (length > MAX_INPUT) throw refuse(`it is over ${MAX_INPUT / 1024 ** 2} MiB`);
  return Buffer.concat(pieces);
}

/**
 * Demands that a file can be written, so that a command fails before it does costly work. Writing may fail later still.
 * @throws ConfigurationError
 */
export async function requireWritable(what: string, file: string): Promise<void> {
  const refuse = (why: string) => new SettingError(what, `cannot write ${file}: ${why}`);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() === true) throw refuse('it is a folder');
  try {
    // The slash demands a folder: a file may be writable too.
    await access(found === undefined ? `${dirname(file)}/` : file, constants.W_OK);
  } catch (error) {
    throw refuse(reasonOf(error));
  }
}

/** An error about a file that a command's output would replace, and that would be lost. */
export function notReplaceable(what: string, file: string, why: string): SettingError {
  return new SettingError(what, `${file} is there already, and ${why}: delete it, or give another name`);
}

/** Whether two names are of one file that is there. */
export async function isSameFile(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((file) => stat(file).catch(() => undefined)));
  return first !== undefined && first.dev === second?.dev && first.ino === second.ino;
}

/** Writes a command's output, synced: `stele upload` deletes the signature that it kept, next. @throws ConfigurationError */
export async function writeOutput(what: string, file: string, content: string | Uint8Array): Promise<void> {
  try {
    await overwriteFile(file, content);
  } catch (error) {
    throw new SettingError(what, `cannot write ${file}: ${reasonOf(error)}`);
  }
}

/**
 * Makes a folder and those above it, durably. A folder that is there already stays.
 * @throws ConfigurationError; DamagedStoreError where the disk fails.
 */
export async function makeFolder(what: string, folder: string, mode = 0o777): Promise<void> {
  try {
    await createFolder(folder, mode);
  } catch (error) {
    if (error instanceof DamagedStoreError) throw error;
    if (hasCode(error, 'EEXIST'))
      throw new SettingError(what, `${folder} is a file, where a folder belongs: give another name`);
    const advice = deniedAdvice(error, dirname(folder));
    throw new SettingError(what, `cannot make the folder ${folder}: ${reasonOf(error)}${advice}`);
  }
}

/** What to do where this user may not write in a folder; empty where that is not what failed. */
export function deniedAdvice(error: unknown, folder: string): string {
  const isDenied = ['EACCES', 'EPERM', 'EROFS'].some((code) => hasCode(error, code));
  return isDenied ? `. Give another folder, or let this user write in ${folder}` : '';
}
