/**
 * `stele rebuild-staging`: makes staging anew from the log's store and key, or brings an older one up.
 * @module
 */
import { counted } from '../../tiles-spec/counted.js';
import { command } from '../command.js';
import { NETWORK_SETTINGS, networkOf } from '../settings/network-settings.js';
import { S3_SETTINGS } from '../settings/s3-settings.js';
import { parseSetting } from '../settings/setting.js';
import { parseOrigin } from '../settings/units.js';
import { PLACE_SETTINGS, readPlaces } from './serve/place-settings.js';

export const rebuildStagingCommand = command({
  summary: "Make a writer's staging anew from its log",
  details:
    'Where staging.sqlite is lost or damaged, reads the leaf hashes from the published log, authenticated by its key, and writes them to a new one; where it is older than the store, brings it up; where it fits, changes nothing. What contradicts the store is refused. The log must not be running. A store that was rolled back together with a lost staging cannot be told from inside: start the log with --expect-checkpoint and the newest checkpoint that anyone has.',
  settings: {
    data: PLACE_SETTINGS.data,
    origin: {
      value: 'NAME',
      description:
        "the log's name (default: that of staging or, where it is lost, of the store's checkpoint)",
    },
    store: PLACE_SETTINGS.store,
    key: PLACE_SETTINGS.key,
    ...S3_SETTINGS,
    ...NETWORK_SETTINGS,
  },
  examples: [
    { what: 'In the default folder', command: 'stele rebuild-staging' },
    {
      what: 'Of a log in a bucket',
      command: 'stele rebuild-staging --data /var/lib/stele --store s3://my-bucket/log',
    },
  ],
  run: async ({ values, environment, terminal }) => {
    const places = readPlaces(values, await networkOf(values, environment));
    const named =
      values.origin === undefined ? undefined : parseSetting('origin', values.origin, parseOrigin);
    const { rebuildStagingFile } = await import('./serve/rebuild-staging-file.js');
    const { file, origin, from, to } = await rebuildStagingFile(places, named, terminal);
    terminal.out(
      from === to
        ? `${file} fits the store, at ${counted(to, 'entry')}: nothing is changed`
        : `${file} has the leaf hashes of ${counted(to, 'entry')} of ${origin}: ${to - from} are read from the store`,
    );
    return 0;
  },
});
