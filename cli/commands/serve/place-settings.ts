/**
 * Where a writer's log is: its data folder, its store and its key.
 * @module
 */
import { join } from 'node:path';
import { ConfigurationError } from '../../../src/errors.js';
import type { Network } from '../../../src/node/network.js';
import { isS3, parseS3Place, type S3Options, type S3Place } from '../../../src/store/s3-place.js';
import { s3OptionsOf, type S3_SETTINGS } from '../../settings/s3-settings.js';
import { parseSetting, type Settings, type Values } from '../../settings/setting.js';
import { requireOutsideStore } from './web-root.js';

export const PLACE_SETTINGS = {
  data: {
    value: 'DIR',
    default: './stele-data',
    folder: true,
    description: "the data folder: the log's key, its staging, its store",
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
} as const satisfies Settings;

/** Where a log is. */
export interface LogPlaces {
  /** The data folder. */
  readonly data: string;
  readonly store: StorePlace;
  readonly keyFile: string;
}

/** Where the log's files are. */
export type StorePlace =
  | { readonly kind: 'folder'; readonly folder: string }
  | { readonly kind: 's3'; readonly place: S3Place; readonly options: S3Options };

type PlaceValues = Values<typeof PLACE_SETTINGS & typeof S3_SETTINGS>;

/**
 * Where the settings say that a log is.
 * @throws ConfigurationError naming the setting that does not fit, also where the data folder or the key is in the store.
 */
export function readPlaces(values: PlaceValues, network: Network): LogPlaces {
  const data = parseSetting('data', values.data, parseNonEmpty);
  const store = readStore(values.store ?? `file:${join(data, 'store')}`, values, network);
  const keyFile =
    values.key === undefined ? join(data, 'log.key') : parseSetting('key', values.key, parseNonEmpty);
  if (store.kind === 'folder') requireOutsideStore(store.folder, { '--data': data, '--key': keyFile });
  return { data, store, keyFile };
}

/** A path or a URL: any text but the empty one. */
export function parseNonEmpty(text: string): string {
  if (text === '') throw new ConfigurationError('it is empty');
  return text;
}

function readStore(text: string, values: PlaceValues, network: Network): StorePlace {
  if (isS3(text)) {
    const options = { ...s3OptionsOf(values), network };
    return { kind: 's3', place: parseSetting('store', text, parseS3Place), options };
  }
  const [, folder] = /^file:(.+)$/.exec(text) ?? [];
  if (folder === undefined)
    throw new ConfigurationError(`--store: ${JSON.stringify(text)} is not file:DIR or s3://BUCKET/PREFIX`);
  return { kind: 'folder', folder };
}
