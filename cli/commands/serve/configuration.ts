/**
 * The settings of `stele serve`.
 * @module
 */
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/errors.js';
import type { Network } from '../../../src/node/network.js';
import { isS3, parseS3Place } from '../../../src/store/s3-place.js';
import { parseSetting, type Settings, type Values } from '../../settings/setting.js';
import { NETWORK_SETTINGS } from '../../settings/network-settings.js';
import { S3_SETTINGS, s3OptionsOf } from '../../settings/s3-settings.js';
import type { StorePlace } from './store.js';
import {
  parseAddress,
  parseBaseUrl,
  parseCount,
  parseDuration,
  parseOrigin,
  parseBodySize,
  type Address,
} from '../../settings/units.js';
import { requireOutsideStore } from './web-root.js';

export const SERVE_SETTINGS = {
  data: {
    value: 'DIR',
    default: './stele-data',
    folder: true,
    description: "the data folder: the log's key, its staging, its store",
  },
  listen: {
    value: 'HOST:PORT',
    default: '127.0.0.1:3000',
    description: 'where to listen; port 0 picks a free one',
  },
  'public-url': { value: 'URL', description: 'where clients reach the log (default: http:// and --listen)' },
  origin: {
    value: 'NAME',
    description: "the log's name for ever (default: the host name of the public URL)",
  },
  store: {
    value: 'file:DIR|s3://BUCKET/PREFIX',
    description: 'where the static files are (default: store/ in the data folder)',
  },
  key: {
    value: 'FILE',
    description: "the log's private key, PKCS#8 PEM (default: log.key in the data folder)",
    file: true,
  },
  'batch-age': {
    value: 'DURATION',
    description: 'the least time between two publications (default: 200ms, and 1s on S3)',
  },
  'batch-size': {
    value: 'N',
    default: '1024',
    description: 'entries that are published without waiting for that time',
  },
  'read-url': {
    value: 'URL',
    description: 'where readers are sent for the static files (default: they are answered from the store)',
  },
  'max-body': { value: 'SIZE', default: '4MiB', description: 'the longest request body' },
  'max-pending': {
    value: 'N',
    default: '4096',
    description: 'entries in flight before others are told to try again',
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

/** Those of `stele rebuild-staging`, which needs no more than the log's places. */
export const REBUILD_SETTINGS = {
  data: SERVE_SETTINGS.data,
  origin: {
    value: 'NAME',
    description: "the log's name (default: that of staging or, where it is lost, of the store's checkpoint)",
  },
  store: SERVE_SETTINGS.store,
  key: SERVE_SETTINGS.key,
  ...S3_SETTINGS,
  ...NETWORK_SETTINGS,
} as const satisfies Settings;

/** Milliseconds. Each publication to a bucket costs money. */
const DEFAULT_BATCH_AGE = { folder: 200, s3: 1_000 };
const LONGEST_BATCH_AGE = 3_000;

export interface ServeConfiguration {
  readonly data: string;
  readonly listen: Address;
  readonly publicUrl: string | undefined;
  readonly origin: string | undefined;
  readonly store: StorePlace;
  readonly readUrl: string | undefined;
  readonly keyFile: string;
  /** Milliseconds. */
  readonly batchAge: number;
  readonly batchSize: number;
  /** Bytes. */
  readonly maxBody: number;
  readonly maxPending: number;
  /** Milliseconds. */
  readonly partialGrace: number;
  readonly rebuild: boolean;
  readonly acceptClock: boolean;
  readonly create: boolean;
  readonly expectCheckpoint: string | undefined;
  readonly metricsListen: Address | undefined;
  readonly logLevel: string;
  readonly network: Network;
}

/** @throws ConfigurationError naming the setting that does not fit. */
export function readServeConfiguration(
  values: Values<typeof SERVE_SETTINGS>,
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
    // A log that must extend a checkpoint is there already.
    create: !values['no-create'] && values['expect-checkpoint'] === undefined,
    expectCheckpoint: optional('expect-checkpoint', parsePlace),
    metricsListen: optional('metrics-listen', parseAddress),
    logLevel: values['log-level'],
    network,
  };
}

/**
 * Where a log is, and its name if that is given.
 * @throws ConfigurationError naming the setting that does not fit.
 */
export function readPlaces(
  values: Values<typeof REBUILD_SETTINGS>,
  network: Network,
): Pick<ServeConfiguration, 'data' | 'store' | 'keyFile' | 'origin'> {
  const optional = <T>(name: 'data' | 'store' | 'key' | 'origin', parse: (text: string) => T) => {
    const value = values[name];
    return value === undefined ? undefined : parseSetting(name, value, parse);
  };
  const data = optional('data', parsePlace) ?? '';
  const store = readStore(values.store ?? `file:${join(data, 'store')}`, values, network);
  const keyFile = optional('key', parsePlace) ?? join(data, 'log.key');
  if (store.kind === 'folder') requireOutsideStore(store.folder, { '--data': data, '--key': keyFile });
  return {
    data,
    store,
    keyFile,
    origin: optional('origin', parseOrigin),
  };
}

function parsePlace(text: string): string {
  if (text === '') throw new ConfigurationError('it is empty');
  return text;
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

function readStore(text: string, values: Values<typeof S3_SETTINGS>, network: Network): StorePlace {
  if (isS3(text)) {
    const options = { ...s3OptionsOf(values), network };
    return { kind: 's3', place: parseSetting('store', text, parseS3Place), options };
  }
  const [, folder] = /^file:(.+)$/.exec(text) ?? [];
  if (folder === undefined)
    throw new ConfigurationError(`--store: ${JSON.stringify(text)} is not file:DIR or s3://BUCKET/PREFIX`);
  return { kind: 'folder', folder };
}
