/**
 * Files that a user names: read, and written, with errors that say which setting named them.
 * @module
 */
import { constants } from 'node:fs';
import { access, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { DamagedStoreError } from '../src/errors.js';
import { createFolder } from '../src/node/durable-file.js';
import { reasonOf } from '../src/node/system-error.js';
import { SettingError } from './configuration.js';

/** @param what names it in errors: a flag, or an argument. @throws ConfigurationError */
export async function readInput(what: string, file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new SettingError(what, `cannot read ${file}: ${reasonOf(error)}`);
  }
}

/**
 * Demands that a file can be written, before what goes into it is made at some cost: others may forbid it later still.
 * @throws ConfigurationError
 */
export async function requireWritable(what: string, file: string): Promise<void> {
  const refuse = (why: string) => new SettingError(what, `cannot write ${file}: ${why}`);
  const found = await stat(file).catch(() => undefined);
  if (found?.isDirectory() === true) throw refuse('it is a folder');
  try {
    await access(found === undefined ? dirname(file) : file, constants.W_OK);
  } catch (error) {
    throw refuse(reasonOf(error));
  }
}

/** @throws ConfigurationError */
export async function writeOutput(what: string, file: string, content: string | Uint8Array): Promise<void> {
  try {
    await writeFile(file, content);
  } catch (error) {
    throw new SettingError(what, `cannot write ${file}: ${reasonOf(error)}`);
  }
}

/**
 * Makes a folder, and those above it, all durable; one that is there already is fine.
 * @throws ConfigurationError; DamagedStoreError where the disk fails.
 */
export async function makeFolder(what: string, folder: string, mode = 0o777): Promise<void> {
  try {
    await createFolder(folder, mode);
  } catch (error) {
    if (error instanceof DamagedStoreError) throw error;
    throw new SettingError(what, `cannot make the folder ${folder}: ${reasonOf(error)}`);
  }
}
