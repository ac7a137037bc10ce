/**
 * `stele serve`: the writer daemon. Its code is in `serve/`.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import type { Network } from '../../src/node/network.js';
import { command } from '../command.js';
import { NETWORK_SETTINGS, networkOf } from '../settings/network-settings.js';
import { S3_SETTINGS } from '../settings/s3-settings.js';
import { parseSetting, type Settings, type Values } from '../settings/setting.js';
import {
  parseAddress,
  parseBaseUrl,
  parseBodySize,
  parseCount,
  parseDuration,
  parseOrigin,
} from '../settings/units.js';
import type { ServeConfiguration } from './serve/configuration.js';
import { parseNonEmpty, PLACE_SETTINGS, readPlaces } from './serve/place-settings.js';

const SETTINGS = {
  data: PLACE_SETTINGS.data,
  listen: {
    value: 'HOST:PORT',
    default: '127.0.0.1:3000',
    description: 'where to listen; port 0 picks a free one',
  },
  'public-url': { value: 'URL', description: 'where clients reach the log (default: http:// and --listen)' },
  origin: {
    value: 'NAME',
    description: "the log's name, which never changes (default: the host name of the public URL)",
  },
  store: PLACE_SETTINGS.store,
  key: PLACE_SETTINGS.key,
  'batch-age': {
    value: 'DURATION',
    description: 'the least time between two publications (default: 200ms, and 1s on S3)',
  },
  'batch-size': {
    value: 'N',
    default: '1024',
    description: 'publish at once when so many entries wait',
  },
  'read-url': {
    value: 'URL',
    description: 'where to redirect readers of the static files (default: they are answered from the store)',
  },
  'max-body': { value: 'SIZE', default: '4MiB', description: 'the longest request body' },
  'max-pending': {
    value: 'N',
    default: '4096',
    description: 'entries in flight at most: more are refused with 503',
  },
  'partial-grace': {
    value: 'DURATION',
    default: '1h',
    description: 'how long partial tiles stay after the full one is published',
  },
  rebuild: {
    description: 'rebuild staging from the store where it is lost or unusable',
    flagOnly: true,
  },
  'accept-clock': {
    description: "the machine's clock is right, though it has jumped or the log is ahead of it",
    flagOnly: true,
  },
  'no-create': { description: 'refuse to start where there is no log yet' },
  'expect-checkpoint': {
    value: 'FILE|URL',
    description: 'refuse to start unless the log extends this checkpoint',
    file: true,
  },
  'metrics-listen': {
    value: 'HOST:PORT',
    description: 'where to serve /metrics alone (default: with the rest)',
  },
  'log-level': {
    value: 'LEVEL',
    default: 'info',
    choices: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
    description: 'trace, debug, info, warn, error, fatal or silent',
  },
  ...S3_SETTINGS,
  ...NETWORK_SETTINGS,
} as const satisfies Settings;

export const serveCommand = command({
  summary: 'Run the log',
  details:
    'Takes entries, and publishes the log as static files. Where there is no log yet it makes one, with its key. SIGTERM and SIGINT publish what was accepted, and end it.',
  settings: SETTINGS,
  examples: [
    { what: 'A log for this machine alone', command: 'stele serve' },
    {
      what: 'A log behind a proxy',
      command:
        'stele serve --data /var/lib/stele --listen 127.0.0.1:8080 --public-url https://log.example.com',
    },
  ],
  run: async ({ values, environment, terminal }) => {
    const configuration = readServeConfiguration(values, await networkOf(values, environment));
    const { serve } = await import('./serve/daemon.js');
    return serve(configuration, terminal);
  },
});

/** Milliseconds. Rarer in a bucket, where each publication costs money. */
const DEFAULT_BATCH_AGE = { folder: 200, s3: 1_000 };
const LONGEST_BATCH_AGE = 3_000;

/** What the settings say. @throws ConfigurationError naming the setting that does not fit. */
export function readServeConfiguration(
  values: Values<typeof SETTINGS>,
  network: Network,
): ServeConfiguration {
  type Name = Exclude<keyof typeof values, 'rebuild' | 'accept-clock' | 'no-create' | 's3-path-style'>;
  const optional = <T>(name: Name, parse: (text: string) => T) => {
    const value = values[name];
    return value === undefined ? undefined : parseSetting(name, value, parse);
  };
  const required = <T>(name: Name, parse: (text: string) => T) =>
    parseSetting(name, values[name] ?? '', parse);
  const places = readPlaces(values, network);
  return {
    ...places,
    origin: optional('origin', parseOrigin),
    listen: required('listen', parseAddress),
    publicUrl: optional('public-url', parseBaseUrl),
    readUrl: optional('read-url', parseBaseUrl),
    batchAge: optional('batch-age', parseBatchAge) ?? DEFAULT_BATCH_AGE[places.store.kind],
    batchSize: required('batch-size', parseCount),
    maxBody: required('max-body', parseBodySize),
    maxPending: required('max-pending', parseCount),
    partialGrace: required('partial-grace', parseGrace),
    rebuild: values.rebuild,
    acceptClock: values['accept-clock'],
    // A checkpoint to extend exists, and so does its log.
    create: !values['no-create'] && values['expect-checkpoint'] === undefined,
    expectCheckpoint: optional('expect-checkpoint', parseNonEmpty),
    metricsListen: optional('metrics-listen', parseAddress),
    logLevel: values['log-level'],
    network,
  };
}

function parseBatchAge(text: string): number {
  const age = parseDuration(text);
  if (age > LONGEST_BATCH_AGE)
    throw new ConfigurationError(`${text} is over 3s: submitters are answered within 4 s`);
  return age;
}

function parseGrace(text: string): number {
  const grace = parseDuration(text);
  if (grace < 1_000 || grace > 30 * 86_400_000)
    throw new ConfigurationError(`${text} is not from 1s to 720h`);
  return grace;
}
