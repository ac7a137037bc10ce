/**
 * `stele rebuild-staging`: makes staging anew from the log's store and key, or brings an older one up.
 * @module
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { ConfigurationError } from '../src/errors.js';
import { LogKey } from '../src/keys/node/log-key.js';
import { retry } from '../src/retry.js';
import { rebuildStaging as rebuild } from '../writer/opening.js';
import type { Invocation } from './command.js';
import { makeFolder } from './files.js';
import { networkOf } from './network-settings.js';
import { readPlaces, type REBUILD_SETTINGS } from './serve-settings.js';
import { BringUpProgress, openStaging, originIn, STAGING } from './serve-staging.js';
import { openStore, START_RETRIES } from './serve-store.js';
import { entries } from './terminal.js';

export async function rebuildStaging({
  values,
  environment,
  terminal,
}: Invocation<typeof REBUILD_SETTINGS>): Promise<number> {
  const { data, store: place, keyFile, origin } = readPlaces(values, await networkOf(values, environment));
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
      const named = origin ?? (await staging.identity())?.origin;
      const known = named ?? (await retry(() => originIn(store), { retries: START_RETRIES }));
      if (known === undefined)
        throw new ConfigurationError('there is no checkpoint in the store: give the right --store');
      const { from, to } = await rebuild(
        {
          ...{ store, staging, key, origin: known, log },
          onBringUp: (done, total) => {
            progress.update(done, total);
          },
        },
        new AbortController().signal,
      );
      const file = join(data, STAGING);
      terminal.out(
        from === to
          ? `${file} fits the store, at ${entries(to)}: nothing is changed`
          : `${file} has the leaf hashes of ${entries(to)} of ${known}: ${to - from} are read from the store`,
      );
      return 0;
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
