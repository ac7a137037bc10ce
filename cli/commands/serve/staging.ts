/**
 * Staging's file in the data folder. If the file cannot be used and is to be rebuilt, it is moved aside first.
 * @module
 */
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { ConfigurationError, DamagedStoreError, messageOf, StartRefusedError } from '../../../src/errors.js';
import { hasCode, reasonOf } from '../../../src/node/system-error.js';
import type { ObjectStore } from '../../../src/store/store.js';
import { NewerVersionError, parseCheckpoint, parseNote } from '../../../tiles-spec/index.js';
import { SqliteStaging } from '../../../writer/staging/staging.js';
import { deniedAdvice } from '../../files.js';
import { SettingError } from '../../settings/setting.js';
import type { Progress, Terminal } from '../../terminal.js';

export const STAGING = 'staging.sqlite';

/**
 * Opens staging, making the file where there is none.
 * @param rebuild whether a file that is damaged, or of a newer version, is moved aside for a new one.
 * @throws ConfigurationError when another process uses it; StartRefusedError when it cannot be used, saying why.
 */
export async function openStaging(data: string, rebuild: boolean, log: Logger): Promise<SqliteStaging> {
  const file = join(data, STAGING);
  try {
    return await SqliteStaging.open(file);
  } catch (error) {
    if (rebuild && isUseless(error)) {
      const aside = await moveAside(file);
      log.warn(
        { aside },
        `${file} cannot be used (${causeOf(error)}). It is kept as ${aside}; a new one is made`,
      );
      return SqliteStaging.open(file);
    }
    throw refusal(data, file, error);
  }
}

/** Whether only a new file helps: the file is damaged, or of a newer version. */
function isUseless(error: unknown): boolean {
  return error instanceof DamagedStoreError || error instanceof NewerVersionError;
}

function refusal(data: string, file: string, error: unknown): Error {
  if (hasCode(error, 'SQLITE_BUSY'))
    return new ConfigurationError(`${file} is in use by another running writer: stop it first`);
  if (isUseless(error)) return new StartRefusedError(messageOf(error), { cause: error });
  const reason = `${file} cannot be opened: ${reasonOf(error)}`;
  const advice = deniedAdvice(error, data);
  return advice === ''
    ? new StartRefusedError(reason, { cause: error })
    : new SettingError('--data', reason + advice);
}

/** What is wrong with the file, without the advice to rebuild it, which is being followed. */
function causeOf(error: unknown): string {
  return messageOf(error instanceof Error && error.cause !== undefined ? error.cause : error);
}

/** Renames the files of staging. Returns the new name of the database. */
async function moveAside(file: string): Promise<string> {
  const aside = `${file}.aside-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, '')}`;
  // The database comes last. A crash in between leaves the database in an older state; in another order, the old -wal
  // could end up beside a new database.
  for (const suffix of ['-wal', '-shm', '']) {
    if (existsSync(file + suffix)) await rename(file + suffix, aside + suffix);
  }
  return aside;
}

/**
 * The origin in a store's checkpoint, which is not verified here: the log's key must still be asked whether it has signed
 * for that origin. Undefined where there is no checkpoint that can be parsed.
 */
export async function originIn(store: Pick<ObjectStore, 'read'>): Promise<string | undefined> {
  const checkpoint = await store.read('checkpoint');
  try {
    return checkpoint && parseCheckpoint(parseNote(checkpoint.bytes).text).origin;
  } catch {
    // Opening the log refuses such a checkpoint, and says what is wrong with it.
    return undefined;
  }
}

/** Progress of bringing staging up to the store, shown from the first `update`. Has to be stopped. */
export class BringUpProgress {
  readonly #terminal: Terminal;
  #progress: Progress | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  update(done: number, total: number): void {
    this.#progress ??= this.#terminal.progress('staging', total);
    this.#progress.update(done);
    if (done === total) this.stop();
  }

  stop(): void {
    this.#progress?.stop();
    this.#progress = undefined;
  }
}
