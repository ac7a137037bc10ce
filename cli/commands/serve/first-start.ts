/**
 * The files and folders that a first start makes. Where the start fails they are deleted again, so that nothing is left
 * behind that looks like a log.
 * @module
 */
import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export class FirstStart {
  /** Folders that were missing, the innermost first. */
  readonly #folders: readonly string[];
  readonly #files: string[] = [];

  /** @param folder where the files go. Construct this before the folder is made: it notes which folders are missing. */
  constructor(folder: string) {
    this.#folders = missingFolders(folder);
  }

  /** Notes files that this process has made. Files that were there before are never deleted. */
  made(...files: readonly string[]): void {
    this.#files.push(...files);
  }

  /**
   * Deletes the files that were made. Call it while this process holds their lock: a process that waits for the lock
   * would otherwise go on with a file that was deleted under it.
   */
  async removeFiles(): Promise<void> {
    for (const file of this.#files) await rm(file, { force: true });
  }

  /** Deletes the folders that were missing before, where they are empty. Call it when all files are closed. */
  async removeFolders(): Promise<void> {
    for (const folder of this.#folders) await rmdir(folder).catch(() => undefined);
  }
}

/** The missing folders on a path, the innermost first. */
export function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let each = resolve(folder); !existsSync(each); each = dirname(each)) missing.push(each);
  return missing;
}
