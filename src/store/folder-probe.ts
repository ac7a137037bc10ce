/**
 * Tries out on a folder everything that a log needs of its file system.
 * @module
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StartRefusedError } from '../errors.js';
import { changeNames, createFolder, writeSynced } from '../node/durable-file.js';
import { hasCode } from '../node/system-error.js';

/** The start of the names of the probe's files. */
const PROBE = '.probe-';

/** The names of the probe's files. */
const PROBE_NAME = /^\.probe-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:-linked|-renamed)?$/;

/** Whether a file has the name of a probe's. One that is there was left by a process that died. */
export function isProbe(name: string): boolean {
  return PROBE_NAME.test(name);
}

/** As long as a block of most file systems: a file of a few bytes can be written to a disk that is full. */
const CONTENT = Buffer.alloc(4096, 'stele');

/**
 * Writes, links, renames, reads and deletes a file in the folder, which is made if it is missing. Leaves no file
 * behind.
 * @throws StartRefusedError saying what does not work, and what to do.
 */
export async function probeFolder(folder: string): Promise<void> {
  const written = join(folder, `${PROBE}${randomUUID()}`);
  const [linked, renamed] = [`${written}-linked`, `${written}-renamed`];
  const attempt = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw new StartRefusedError(
        `${folder} cannot hold a log: ${what}: ${messageOf(error)}. ${adviceOn(error, what === LINK)}`,
      );
    }
  };
  await attempt('it cannot be made', () => createFolder(folder));
  try {
    await attempt('a file cannot be written there', () => writeSynced(written, CONTENT, 0o444));
    await attempt(LINK, () => changeNames(folder, () => link(written, linked)));
    const again: unknown = await link(written, linked).catch((error: unknown) => error);
    if (!hasCode(again, 'EEXIST')) throw unfit(folder, 'a hard link takes a name that is taken');
    await attempt('a file cannot be renamed', () => changeNames(folder, () => rename(written, renamed)));
    const read = await attempt('a file cannot be read', () => readFile(linked));
    if (!read.equals(CONTENT)) throw unfit(folder, 'what was written is not what is read back');
    await attempt('a file cannot be deleted', () => rm(linked));
  } finally {
    const files = [written, linked, renamed];
    await Promise.all(files.map((file) => rm(file, { force: true }).catch(() => undefined)));
  }
}

const LINK = 'its file system makes no hard links';

function unfit(folder: string, what: string): StartRefusedError {
  return new StartRefusedError(`${folder} cannot hold a log: ${what}. ${OTHER_FILE_SYSTEM}`);
}

const OTHER_FILE_SYSTEM = 'Give --store a folder on a local file system such as ext4, XFS, Btrfs or ZFS';

function adviceOn(error: unknown, isLink: boolean): string {
  if (isLink) return OTHER_FILE_SYSTEM;
  if (hasCode(error, 'EROFS')) return 'Mount its file system for writing, or give another --store';
  if (hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')) return 'Make room on its file system';
  if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM'))
    return 'Give the user that runs the writer the right to read and write there';
  return 'Fix that, or give another --store';
}
