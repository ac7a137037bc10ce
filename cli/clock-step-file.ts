/**
 * A jump of the machine's clock, kept in the data folder: a restart alone must not make a wrong clock a right one.
 * @module
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError, messageOf } from '../src/errors.js';
import { hasCode, replaceFile } from '../src/node/durable-file.js';
import type { ClockStep } from '../writer/clock.js';

export class ClockStepFile {
  readonly #file: string;
  #written: Promise<void> = Promise.resolve();

  constructor(data: string) {
    this.#file = join(data, 'clock-step.json');
  }

  /** The jump that an earlier process has met, if it has. @throws ConfigurationError where the file is not readable. */
  async read(): Promise<ClockStep | undefined> {
    try {
      const { shown, expected } = JSON.parse(await readFile(this.#file, 'utf8')) as Partial<ClockStep>;
      if (!Number.isSafeInteger(shown) || !Number.isSafeInteger(expected)) throw new Error('it is damaged');
      return { shown: Number(shown), expected: Number(expected) };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined;
      throw new ConfigurationError(
        `${this.#file}, which tells that this machine's clock has jumped, cannot be read (${messageOf(error)}): see that the clock is right, and delete it`,
      );
    }
  }

  /** Keeps a jump or, where the clock is right again, forgets it. One write after the other. */
  write(step: ClockStep | undefined): Promise<void> {
    this.#written = this.#written
      .catch(() => undefined)
      .then(() =>
        step === undefined ? rm(this.#file, { force: true }) : replaceFile(this.#file, JSON.stringify(step)),
      );
    return this.#written;
  }
}
