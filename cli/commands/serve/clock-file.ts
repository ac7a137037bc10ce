/**
 * The daemon's memory of the machine's clock, a file in the data folder. Without it a restart would take a clock that
 * has jumped for right, and would forget that an operator has accepted it.
 * @module
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/errors.js';
import { replaceFile } from '../../../src/node/durable-file.js';
import { hasCode, reasonOf } from '../../../src/node/system-error.js';
import type { ClockMemory, ClockStep } from '../../../writer/clock.js';

export class ClockFile {
  readonly #file: string;
  #written: Promise<void> = Promise.resolve();

  constructor(data: string) {
    this.#file = join(data, 'clock.json');
  }

  /** The memory of an earlier process; empty where there is none. @throws ConfigurationError where the file is not readable. */
  async read(): Promise<ClockMemory> {
    try {
      const { step, accepted } = JSON.parse(await readFile(this.#file, 'utf8')) as Partial<ClockMemory>;
      return { step: step && stepOf(step), accepted: accepted && parseTime(accepted) };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return {};
      throw new ConfigurationError(
        `${this.#file}, which tells whether this machine's clock has jumped, cannot be read (${reasonOf(error)}): see that the clock is right, and delete it`,
      );
    }
  }

  /** Replaces the file, or deletes it where there is nothing to remember. Writes follow one another in order. */
  write(memory: ClockMemory): Promise<void> {
    const isEmpty = memory.step === undefined && memory.accepted === undefined;
    this.#written = this.#written
      .catch(() => undefined)
      .then(() =>
        isEmpty ? rm(this.#file, { force: true }) : replaceFile(this.#file, JSON.stringify(memory)),
      );
    return this.#written;
  }
}

function stepOf({ shown, expected }: Partial<ClockStep>): ClockStep {
  return { shown: parseTime(shown), expected: parseTime(expected) };
}

function parseTime(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Error('it is damaged');
  return Number(value);
}
