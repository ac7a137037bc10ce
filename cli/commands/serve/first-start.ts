/**
 * What a first start makes in the data folder before there is a log: taken back where the start fails, so that nothing
 * is left that was not there.
 * @module
 */
import { existsSync } from 'node:fs';
import { rm, rmdir } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

export class FirstStart {
  /** Folders that were not there, the innermost first. */
  readonly #folders: readonly string[];
  readonly #files: string[] = [];

  /** @param folder where the files go. To be made before the folder is. */
  constructor(folder: string) {
    this.#folders = missingFolders(folder);
  }

  /** Remembers files that this process itself has made: another's of the same name must stay. */
  made(...files: readonly string[]): void {
    this.#files.push(...files);
  }

  /**
   * Deletes the files that were made. To be called while this process holds the lock on them: another may wait for the
   * lock, and would go on with a file that has no name any more.
   */
  async removeFiles(): Promise<void> {
    for (const file of this.#files) await rm(file, { force: true });
  }

  /** Deletes the folders that were not there and are empty. To be called when all is closed. */
  async removeFolders(): Promise<void> {
    for (const folder of this.#folders) await rmdir(folder).catch(() => undefined);
  }
}

/** The folder and those above it that are not there, the innermost first. */
export function missingFolders(folder: string): string[] {
  const missing: string[] = [];
  for (let each = resolve(folder); !existsSync(each); each = dirname(each)) missing.push(each);
  return missing;
}
