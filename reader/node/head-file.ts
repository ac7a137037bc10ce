/**
 * The newest checkpoint seen of a log, in a file: the signed note itself. Contradictions are kept beside it.
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeNames, createFolder, replaceFile, writeSynced } from '../../src/node/durable-file.js';
import { hasCode, reasonOf } from '../../src/node/system-error.js';
import { StateError, type Contradiction } from '../errors.js';
import type { Heads } from '../heads.js';

/** Which logs a user reads is for that user alone to know. */
const MODE = 0o600;

/** The age in milliseconds at which a lock is broken. It is held for one write: its process must have died, or sleeps. */
const LONGEST_LOCK = 10_000;

/** One block of most file systems: a few bytes may find room in an inode where a checkpoint does not. */
const PROBE = Buffer.alloc(4096, 'stele');

/**
 * A log's newest head seen, in the file `<origin>.checkpoint`. Any number of processes may share it.
 * @example
 * const heads = new HeadFile('heads', 'log.example');
 * heads.place; // => 'heads/log.example.checkpoint'
 * await heads.replace(Uint8Array.of(1), undefined); // => true
 * (await heads.read()).length; // => 1
 */
export class HeadFile implements Heads {
  readonly #folder: string;
  readonly #name: string;
  readonly #file: string;

  /** @param folder holds the files of any number of logs; it is made with the first write. */
  constructor(folder: string, origin: string) {
    this.#folder = folder;
    // An origin may contain slashes.
    this.#name = encodeURIComponent(origin);
    this.#file = join(folder, `${this.#name}.checkpoint`);
  }

  get place(): string {
    return this.#file;
  }

  async read(): Promise<Uint8Array | undefined> {
    try {
      return await readFile(this.#file);
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw new StateError(`cannot read the checkpoint that was kept in ${this.#file}: ${reasonOf(error)}`);
    }
  }

  async replace(checkpoint: Uint8Array, expected: Uint8Array | undefined): Promise<boolean> {
    try {
      return await this.#replace(checkpoint, expected);
    } catch (error) {
      if (error instanceof StateError) throw error;
      throw new StateError(`cannot keep the newest checkpoint in ${this.#file}: ${reasonOf(error)}`);
    }
  }

  /** Writes a file beside the checkpoint's, and deletes it. @throws StateError where `replace` could keep nothing. */
  async requireWritable(): Promise<void> {
    const own = `${this.#file}.${randomUUID()}`;
    try {
      await this.#withFolder(own, () => writeSynced(join(own, 'probe.tmp'), PROBE, MODE));
    } catch (error) {
      throw new StateError(`cannot keep the newest checkpoint in ${this.#file}: ${reasonOf(error)}`);
    }
  }

  /**
   * Reads, compares and writes in one step, under a lock. The lock is a folder, which holds the new checkpoint under a
   * random name; to commit is to move the checkpoint out of it. A process that was suspended until others broke its lock
   * finds its file gone, so that it can neither overwrite nor delete theirs.
   */
  async #replace(checkpoint: Uint8Array, expected: Uint8Array | undefined): Promise<boolean> {
    const token = randomUUID();
    const [own, lock] = [`${this.#file}.${token}`, `${this.#file}.lock`];
    const inLock = join(lock, `${token}.tmp`);
    return this.#withFolder(own, async () => {
      try {
        await writeSynced(join(own, `${token}.tmp`), checkpoint, MODE);
        await takeLock(lock, own);
        const kept = await this.read();
        const isExpected =
          kept === undefined ? expected === undefined : expected && Buffer.from(kept).equals(expected);
        return isExpected === true && (await changeNames(this.#folder, () => move(inLock, this.#file)));
      } finally {
        await rm(inLock, { force: true });
        // By now the lock may be another process's. That one is not empty, and stays.
        await rmdir(lock).catch(() => undefined);
      }
    });
  }

  /** Makes the folder `own` for `use`, which may rename it to the lock, and removes what is left of it. */
  async #withFolder<T>(own: string, use: () => Promise<T>): Promise<T> {
    await createFolder(own);
    try {
      return await use();
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }

  /** Contradictions that are `rolled-back` share one folder, and each replaces the one before. */
  async keepEvidence({ seen, shown, code }: Contradiction): Promise<string> {
    const digest = createHash('sha256').update(seen).update(shown).digest('hex');
    const which = code === 'rolled-back' ? code : digest.slice(0, 16);
    const folder = join(this.#folder, 'evidence', `${this.#name}-${which}`);
    try {
      await createFolder(folder);
      await replaceFile(join(folder, 'seen.checkpoint'), seen, { mode: MODE });
      await replaceFile(join(folder, 'shown.checkpoint'), shown, { mode: MODE });
    } catch (error) {
      throw new StateError(`the evidence cannot be kept in ${folder}: ${reasonOf(error)}`);
    }
    return folder;
  }
}

/** Renames the folder `own`, which is not empty, to `lock` as soon as nothing, or an empty folder, is there. */
async function takeLock(lock: string, own: string): Promise<void> {
  for (;;) {
    // The age of the lock counts from here, and not from the writing of the checkpoint.
    const now = new Date();
    await utimes(own, now, now);
    try {
      await rename(own, lock);
      return;
    } catch (error) {
      if (!hasCode(error, 'ENOTEMPTY') && !hasCode(error, 'EEXIST')) throw error;
    }
    if (!(await breakStaleLock(lock))) await sleep(10 + 20 * Math.random());
  }
}

/**
 * Breaks a lock that is too old. Where others have broken and taken it first, this breaks theirs: its holder then writes
 * nothing, and tries again.
 * @returns false where the lock is not old enough.
 */
async function breakStaleLock(lock: string): Promise<boolean> {
  try {
    if (Math.abs(Date.now() - (await stat(lock)).mtimeMs) <= LONGEST_LOCK) return false;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return true;
    throw error;
  }
  const aside = `${lock}.${randomUUID()}`;
  if (await move(lock, aside)) await rm(aside, { recursive: true, force: true });
  return true;
}

/** Moves a file or a folder. @returns false where `from` is not there any more. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
