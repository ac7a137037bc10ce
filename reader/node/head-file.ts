/**
 * The newest checkpoint seen of a log, in a file: the signed note itself. Contradictions are kept beside it.
 * @module
 */
import { createHash, randomUUID } from 'node:crypto';
import { readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { changeNames, createTransientFolder, replaceFile, writeSynced } from '../../src/node/durable-file.js';
import { hasCode, reasonOf } from '../../src/node/system-error.js';
import { StateError, type Contradiction } from '../errors.js';
import type { Heads } from '../heads.js';

/** What was seen is for its user alone. */
const MODE = 0o600;

/** A lock that is older, in milliseconds, is broken: one is held for one write, and its process died, or sleeps. */
const LONGEST_LOCK = 10_000;

/** As long as a block of most file systems: a file of a few bytes may have room where nothing else has. */
const PROBE = Buffer.alloc(4096, 'stele');

export class HeadFile implements Heads {
  readonly #folder: string;
  readonly #name: string;
  readonly #file: string;

  /** @param folder holds the files of any number of logs; it is made when first written to. */
  constructor(folder: string, origin: string) {
    this.#folder = folder;
    // An origin may hold slashes.
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

  /** Finds out beforehand whether `replace` can keep anything. @throws StateError where it cannot. */
  async requireWritable(): Promise<void> {
    const own = `${this.#file}.${randomUUID()}`;
    try {
      await this.#withFolder(own, () => writeSynced(join(own, 'probe.tmp'), PROBE, MODE));
    } catch (error) {
      throw new StateError(`cannot keep the newest checkpoint in ${this.#file}: ${reasonOf(error)}`);
    }
  }

  /**
   * Reading, comparing and writing are one step, whatever other processes do. The lock is a folder that holds the new
   * checkpoint under a name of its own, and to write is to move that out of it: whoever sleeps until others have broken
   * the lock finds nothing there to write, and removes nothing of theirs.
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
        // It may be another's by now, which is not empty.
        await rmdir(lock).catch(() => undefined);
      }
    });
  }

  /** Runs `use` with a folder of this process alone, which is gone afterwards, or has become the lock. */
  async #withFolder<T>(own: string, use: () => Promise<T>): Promise<T> {
    await createTransientFolder(own);
    try {
      return await use();
    } finally {
      await rm(own, { recursive: true, force: true });
    }
  }

  /** Those that are `rolled-back` replace each other. */
  async keepEvidence({ seen, shown, code }: Contradiction): Promise<string> {
    const digest = createHash('sha256').update(seen).update(shown).digest('hex');
    const which = code === 'rolled-back' ? code : digest.slice(0, 16);
    const folder = join(this.#folder, 'evidence', `${this.#name}-${which}`);
    try {
      await createTransientFolder(folder);
      await replaceFile(join(folder, 'seen.checkpoint'), seen, { mode: MODE });
      await replaceFile(join(folder, 'shown.checkpoint'), shown, { mode: MODE });
    } catch (error) {
      throw new StateError(
        `cannot keep the evidence of a log that contradicts itself in ${folder}: ${reasonOf(error)}`,
      );
    }
    return folder;
  }
}

/** Moves the folder `own`, which is not empty, to `lock`, where nothing or an empty folder is. */
async function takeLock(lock: string, own: string): Promise<void> {
  for (;;) {
    // Its age counts from here.
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
 * Breaks a lock that is too old. Where others were faster it may be a new one, whose holder then writes nothing, and
 * tries again.
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

/** Moves a file or a folder. False where it is not there any more. */
async function move(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}
