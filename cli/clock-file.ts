/**
 * What the daemon knows of the machine's clock, kept in the data folder: a restart alone must not make a wrong clock a
 * right one, nor forget that an operator has accepted it.
 * @module
 */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigurationError } from '../src/errors.js';
import { replaceFile } from '../src/node/durable-file.js';
import { hasCode, reasonOf } from '../src/node/system-error.js';
import type { ClockMemory, ClockStep } from '../writer/clock.js';

export class ClockFile {
  readonly #file: string;
  #written: Promise<void> = Promise.resolve();

  constructor(data: string) {
    this.#file = join(data, 'clock.json');
  }

  /** What an earlier process has left. @throws ConfigurationError where the file is not readable. */
  async read(): Promise<ClockMemory> {
    try {
      const { step, accepted } = JSON.parse(await readFile(this.#file, 'utf8')) as Partial<ClockMemory>;
      return { step: step && stepOf(step), accepted: accepted && timeOf(accepted) };
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return {};
      throw new ConfigurationError(
        `${this.#file}, which tells whether this machine's clock has jumped, cannot be read (${reasonOf(error)}): see that the clock is right, and delete it`,
      );
    }
  }

  /** Keeps what the next process has to know, if anything. One write after the other. */
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
  return { shown: timeOf(shown), expected: timeOf(expected) };
}

function timeOf(value: unknown): number {
  if (!Number.isSafeInteger(value)) throw new Error('it is damaged');
  return Number(value);
}
