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

/** Whether a file has a name that only a probe gives. Outside a probe such a file was left by a process that died. */
export function isProbe(name: string): boolean {
  return PROBE_NAME.test(name);
}

/** A block of most file systems. Some keep a shorter file in its inode, and so take one though the disk is full. */
const CONTENT = Buffer.alloc(4096, 'stele');

/**
 * Writes, links, renames, reads and deletes a file in the folder, which is made if it is missing. Leaves no file
 * behind.
 * @throws StartRefusedError saying what does not work, and what to do.
 */
export async function probeFolder(folder: string): Promise<void> {
  const written = join(folder, `${PROBE}${randomUUID()}`);
  const [linked, renamed] = [`${written}-linked`, `${written}-renamed`];
  const attempt = async <T>(problem: string, work: () => Promise<T>, advise = adviceOn): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw unfit(folder, `${problem}: ${messageOf(error)}`, advise(error));
    }
  };
  await attempt('it cannot be made', () => createFolder(folder));
  try {
    await attempt('a file cannot be written there', () => writeSynced(written, CONTENT, 0o444));
    await attempt(
      'its file system makes no hard links',
      () => changeNames(folder, () => link(written, linked)),
      () => OTHER_FILE_SYSTEM,
    );
    const again: unknown = await link(written, linked).catch((error: unknown) => error);
    if (!hasCode(again, 'EEXIST'))
      throw unfit(folder, 'a hard link replaces a file of its name', OTHER_FILE_SYSTEM);
    await attempt('a file cannot be renamed', () => changeNames(folder, () => rename(written, renamed)));
    const read = await attempt('a file cannot be read', () => readFile(linked));
    if (!read.equals(CONTENT))
      throw unfit(folder, 'a file does not hold the bytes that were written to it', OTHER_FILE_SYSTEM);
    await attempt('a file cannot be deleted', () => rm(linked));
  } finally {
    const files = [written, linked, renamed];
    await Promise.all(files.map((file) => rm(file, { force: true }).catch(() => undefined)));
  }
}

function unfit(folder: string, problem: string, advice: string): StartRefusedError {
  return new StartRefusedError(`${folder} cannot hold a log: ${problem}. ${advice}`);
}

const OTHER_FILE_SYSTEM = 'Give --store a folder on a local file system such as ext4, XFS, Btrfs or ZFS';

function adviceOn(error: unknown): string {
  if (hasCode(error, 'EROFS')) return 'Mount its file system for writing, or give another --store';
  if (hasCode(error, 'ENOSPC') || hasCode(error, 'EDQUOT')) return 'Make room on its file system';
  if (hasCode(error, 'EACCES') || hasCode(error, 'EPERM'))
    return 'Give the user that runs the writer the right to read and write there';
  return 'Fix that, or give another --store';
}
