/**
 * Staging's file, made anew from the log's store, or brought up to it, while no daemon runs.
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { ConfigurationError } from '../../../src/errors.js';
import { LogKey } from '../../../src/keys/node/log-key.js';
import { retry } from '../../../src/retry.js';
import { rebuildStaging } from '../../../writer/opening.js';
import { makeFolder } from '../../files.js';
import type { Terminal } from '../../terminal.js';
import type { LogPlaces } from './place-settings.js';
import { BringUpProgress, openStaging, originIn, STAGING } from './staging.js';
import { openStore, START_RETRIES } from './store.js';

/** What was done. */
export interface RebuiltStaging {
  readonly file: string;
  readonly origin: string;
  /** How many entries staging had. */
  readonly from: number;
  /** How many entries staging has now, which is the size of the log in the store. */
  readonly to: number;
}

/**
 * @param named the log's origin; undefined for the one that staging or else the store's checkpoint names.
 * @throws ConfigurationError, StartRefusedError, UnreachableError: each says what an operator can do.
 */
export async function rebuildStagingFile(
  { data, store: place, keyFile }: LogPlaces,
  named: string | undefined,
  terminal: Terminal,
): Promise<RebuiltStaging> {
  if (!existsSync(keyFile))
    throw new ConfigurationError(`there is no key file ${keyFile}: give the log's own key with --key`);
  const key = await LogKey.read(keyFile);
  const log = pino(
    { level: 'warn' },
    {
      write: (line) => {
        terminal.err(messageIn(line));
      },
    },
  );
  await makeFolder('--data', data);
  const staging = await openStaging(data, true, log);
  const progress = new BringUpProgress(terminal);
  try {
    const { store, close } = await openStore(place, log);
    try {
      const origin =
        named ??
        (await staging.identity())?.origin ??
        (await retry(() => originIn(store), { retries: START_RETRIES }));
      if (origin === undefined)
        throw new ConfigurationError('there is no checkpoint in the store: give the right --store');
      const { from, to } = await rebuildStaging(
        {
          ...{ store, staging, key, origin, log },
          onBringUp: (done, total) => {
            progress.update(done, total);
          },
        },
        new AbortController().signal,
      );
      return { file: join(data, STAGING), origin, from, to };
    } finally {
      await close();
    }
  } finally {
    progress.stop();
    await staging.close();
  }
}

function messageIn(line: string): string {
  return `stele: ${(JSON.parse(line) as { msg: string }).msg}`;
}
