/**
 * Where each setting of `stele serve` may come from, and which wins.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { flagsOf, readCommandLine } from '#cli/command-line.js';
import { CONFIG, environmentName, type Settings } from '#cli/settings/setting.js';
import { readSettings } from '#cli/settings/read-settings.js';
import { readServeConfiguration, serveCommand } from '#cli/commands/serve.js';
import type { ServeConfiguration } from '#cli/commands/serve/configuration.js';
import { ConfigurationError } from '#src/errors.js';
import type { S3Options } from '#src/store/s3-place.js';
import { withFolder } from '../../support/daemon.js';

/** Reads settings as `stele serve` does; `file` is what the configuration file holds. */
function read(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  file?: unknown,
): Promise<ServeConfiguration> {
  if (file === undefined) return readGiven(args, environment);
  return withFolder(async (folder) => {
    const config = join(folder, 'stele.json');
    await writeFile(config, typeof file === 'string' ? file : JSON.stringify(file));
    return readGiven([...args, '--config', config], environment);
  });
}

const SETTINGS = serveCommand.settings;

async function readGiven(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<ServeConfiguration> {
  const settings: Settings = { ...SETTINGS, config: CONFIG };
  const line = readCommandLine(args, (word) => settings[word.slice(2)]?.value !== undefined);
  const { values } = await readSettings(SETTINGS, flagsOf(line, settings), environment);
  return readServeConfiguration(values, {});
}

/** How a bucket is reached that nothing is said of. */
const NO_OPTIONS = { endpoint: undefined, region: undefined, pathStyle: false, network: {} };

/** Flags of a log in a bucket. */
const IN_BUCKET = ['--store', 's3://bucket/log'];

/** All but the switches, and the certificates, which are read from their file. */
type Name = Exclude<
  keyof typeof SETTINGS,
  'rebuild' | 'accept-clock' | 'no-create' | 's3-path-style' | 'ca-cert'
>;

/** Where a setting is found: a field of the configuration, or an option of the bucket that holds the log. */
type Field = keyof ServeConfiguration | `s3.${keyof S3Options}`;

/** For each setting three values, each as text and as it is read, and what it is where it is not given. */
const VALUES: Readonly<Record<Name, readonly [Field, unknown, readonly (readonly [string, unknown])[]]>> = {
  data: [
    'data',
    './stele-data',
    [
      ['a', 'a'],
      ['/b', '/b'],
      ['../c d', '../c d'],
    ],
  ],
  listen: [
    'listen',
    { host: '127.0.0.1', port: 3000 },
    [
      ['localhost:1', { host: 'localhost', port: 1 }],
      ['[::1]:65535', { host: '::1', port: 65_535 }],
      ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ],
  ],
  'public-url': [
    'publicUrl',
    undefined,
    [
      ['https://a.example/', 'https://a.example'],
      ['http://b.example:8080', 'http://b.example:8080'],
      ['https://c.example/log//', 'https://c.example/log'],
    ],
  ],
  origin: [
    'origin',
    undefined,
    [
      ['a.example', 'a.example'],
      ['b-1.example', 'b-1.example'],
      ['localhost', 'localhost'],
    ],
  ],
  store: [
    'store',
    { kind: 'folder', folder: 'stele-data/store' },
    [
      ['file:a', { kind: 'folder', folder: 'a' }],
      ['file:/b', { kind: 'folder', folder: '/b' }],
      ['s3://bucket/d/', { kind: 's3', place: { bucket: 'bucket', prefix: 'd/' }, options: NO_OPTIONS }],
    ],
  ],
  'read-url': [
    'readUrl',
    undefined,
    [
      ['https://a.example/', 'https://a.example'],
      ['http://b.example:8080', 'http://b.example:8080'],
      ['https://c.example/log//', 'https://c.example/log'],
    ],
  ],
  's3-endpoint': [
    's3.endpoint',
    undefined,
    [
      ['https://s3.example/', 'https://s3.example'],
      ['http://127.0.0.1:9000', 'http://127.0.0.1:9000'],
      ['http://[::1]:7070//', 'http://[::1]:7070'],
    ],
  ],
  's3-region': [
    's3.region',
    undefined,
    [
      ['us-east-1', 'us-east-1'],
      ['auto', 'auto'],
      ['0012', '0012'],
    ],
  ],
  key: [
    'keyFile',
    'stele-data/log.key',
    [
      ['a.pem', 'a.pem'],
      ['/b', '/b'],
      ['0012', '0012'],
    ],
  ],
  'batch-age': [
    'batchAge',
    200,
    [
      ['1s', 1000],
      ['0ms', 0],
      ['0012ms', 12],
    ],
  ],
  'batch-size': [
    'batchSize',
    1024,
    [
      ['1', 1],
      ['1000000', 1_000_000],
      ['7', 7],
    ],
  ],
  'max-body': [
    'maxBody',
    4 * 1024 ** 2,
    [
      ['1B', 1],
      ['2KiB', 2048],
      ['64MiB', 64 * 1024 ** 2],
    ],
  ],
  'max-pending': [
    'maxPending',
    4096,
    [
      ['2', 2],
      ['10', 10],
      ['999999', 999_999],
    ],
  ],
  'partial-grace': [
    'partialGrace',
    3_600_000,
    [
      ['1s', 1000],
      ['5m', 300_000],
      ['24h', 86_400_000],
    ],
  ],
  'expect-checkpoint': [
    'expectCheckpoint',
    undefined,
    [
      ['a', 'a'],
      ['https://b/', 'https://b/'],
      ['1e5', '1e5'],
    ],
  ],
  'metrics-listen': [
    'metricsListen',
    undefined,
    [
      ['localhost:1', { host: 'localhost', port: 1 }],
      ['[::]:2112', { host: '::', port: 2112 }],
      ['a:0', { host: 'a', port: 0 }],
    ],
  ],
  'log-level': [
    'logLevel',
    'info',
    [
      ['debug', 'debug'],
      ['silent', 'silent'],
      ['error', 'error'],
    ],
  ],
};

function valueOf(field: Field, configuration: ServeConfiguration): unknown {
  const [name, option] = field.split('.') as [keyof ServeConfiguration, keyof S3Options | undefined];
  if (option === undefined) return configuration[name];
  if (configuration.store.kind !== 's3') throw new Error('the log is not in a bucket');
  return configuration.store.options[option];
}

describe.each(Object.entries(VALUES))('%s', (name, [field, fallback, values]) => {
  const [[flag, byFlag], [variable, byVariable], [text, byFile]] = values as [
    [string, unknown],
    [string, unknown],
    [string, unknown],
  ];
  const environment = { [environmentName(name)]: variable };
  const file = { [name]: text };
  const value = async (...given: Parameters<typeof read>) => valueOf(field, await read(...given));
  const store = field.startsWith('s3.') ? IN_BUCKET : [];

  it('is the flag, before the environment, before the file, before the default', async () => {
    expect(await value(store)).toStrictEqual(fallback);
    expect(await value(store, {}, file)).toStrictEqual(byFile);
    expect(await value(store, environment, file)).toStrictEqual(byVariable);
    expect(await value([...store, `--${name}`, flag], environment, file)).toStrictEqual(byFlag);
    expect(await value([...store, `--${name}=${flag}`], environment)).toStrictEqual(byFlag);
    const twice = value([...store, `--${name}`, text, `--${name}`, flag]);
    await expect(twice).rejects.toThrow(`--${name} is given twice, as ${text} and as ${flag}: give it once`);
  });
});

describe.each([
  ['no-create', [], (configuration: ServeConfiguration) => !configuration.create],
  ['s3-path-style', IN_BUCKET, (configuration: ServeConfiguration) => valueOf('s3.pathStyle', configuration)],
] as const)('the switch %s', (name, store, isOn) => {
  const off = { [environmentName(name)]: 'false' };

  it('is the flag, before the environment, before the file', async () => {
    expect(isOn(await read(store))).toBe(false);
    expect(isOn(await read(store, {}, { [name]: true }))).toBe(true);
    expect(isOn(await read(store, off, { [name]: true }))).toBe(false);
    expect(isOn(await read([...store, `--${name}`], off))).toBe(true);
  });

  it.each(['true', '1'])('is on by %j, in the environment and in the file', async (value) => {
    expect(isOn(await read(store, { [environmentName(name)]: value }))).toBe(true);
    expect(isOn(await read(store, {}, { [name]: value }))).toBe(true);
    expect(isOn(await read(store, { [environmentName(name)]: '0' }, { [name]: value }))).toBe(false);
  });

  it.each(['2', 'yes', 'TRUE', ''])('is not %j', async (value) => {
    const variable = environmentName(name);
    await expect(read(store, { [variable]: value })).rejects.toThrow(
      new RegExp(`^${variable} is a switch: true, false, 1 or 0, not `),
    );
  });
});

it('a log in a bucket is published once a second, unless it is told otherwise', async () => {
  expect((await read(IN_BUCKET)).batchAge).toBe(1_000);
  expect((await read([...IN_BUCKET, '--batch-age', '200ms'])).batchAge).toBe(200);
});

it('the configuration file may be named in the environment', () =>
  withFolder(async (folder) => {
    const config = join(folder, 'c.json');
    await writeFile(config, '{"batch-size":9,"origin":"a.example"}');
    expect(await readGiven([], { STELE_CONFIG: config })).toMatchObject({
      batchSize: 9,
      origin: 'a.example',
    });
  }));

it('the data folder moves what is in it by default', async () => {
  expect(await read(['--data', '/d'])).toMatchObject({
    store: { kind: 'folder', folder: '/d/store' },
    keyFile: '/d/log.key',
  });
});

describe('is refused, saying where:', () => {
  it.each([
    ['batch-age', ['200', '1.5s', '-1s', '1 s', '1S', '5d', 'ms', '', '1e3ms', '10000000000ms', '4s']],
    ['max-body', ['0B', '65MiB', '4MB', '4 MiB', '4mib', '1e5', '-1B', '4', '', '0x10B', '1_000B']],
    [
      'batch-size',
      ['0', '-1', '0012', '1e5', '1.0', '+5', ' 5', '5 ', '1000001', '99999999999', '0x10', '', '5s', '٣'],
    ],
    ['partial-grace', ['999ms', '1d', '1']],
    ['max-pending', ['0', '0012', '1e5', '1,000', 'Infinity', 'NaN', '']],
    [
      'listen',
      [
        '3000',
        ':3000',
        'host',
        'host:',
        'host:x',
        'host:65536',
        '::1:80',
        '[::1]',
        '[x]:1',
        'a:-1',
        'a:1:2',
        '',
      ],
    ],
    ['metrics-listen', ['2112', 'host:999999', '']],
    [
      'public-url',
      ['log.example', 'ftp://a/', 'https://a/?b', 'https://a/#b', 'https://u:p@a/', '//a', '', 'http://'],
    ],
    [
      'origin',
      [
        '0.0.0.0',
        '::',
        '::1',
        '[::1]',
        'fe80::1',
        'Log.example',
        'log.example:3000',
        'log.example/',
        'a b',
        '',
        '.a',
        'a.',
        '-a',
        'a_b',
        'ä.example',
        'https://a',
        'a+b',
        'a'.repeat(255),
      ],
    ],
    [
      'store',
      [
        ...['folder', 'file:', 'FILE:a', '', 'S3://bucket', 's3:bucket', 's3://', 's3://ab', 's3://Bucket'],
        ...['s3://bucket//a', 's3://bucket/a//', 's3://bucket/../a', 's3://bucket/a b', 's3://bucket/ä'],
        ...['s3://user@bucket', 's3://bucket?a', `s3://bucket/${'a'.repeat(513)}`],
      ],
    ],
    [
      'read-url',
      ['log.example', 'ftp://a/', 's3://a/', 'https://a/?b', 'https://a/#b', 'https://u:p@a/', ''],
    ],
    ['s3-endpoint', ['s3.example', 's3://a/', 'https://a/?b', 'https://u:p@a/', '//a', '']],
    ['s3-region', ['', 'us east', 'a/b', 'a.b', 'ä']],
    ['log-level', ['verbose', 'INFO', '']],
    ['data', ['']],
    ['key', ['']],
    ['expect-checkpoint', ['']],
  ])('%s', async (name, values) => {
    for (const value of values) {
      const store = name.startsWith('s3-') ? IN_BUCKET : [];
      const sources = [
        read([...store, `--${name}=${value}`]),
        read(store, { [environmentName(name)]: value }),
        read(store, {}, { [name]: value }),
      ];
      for (const result of sources) {
        await expect(result, JSON.stringify(value)).rejects.toThrow(ConfigurationError);
        await expect(result).rejects.toThrow(
          new RegExp(`^(--${name}|${environmentName(name)}|${name} in .*): `),
        );
      }
    }
  });

  it('an origin, with what is wrong with it', async () => {
    const refusal = (origin: string) => read(['--origin', origin]).catch(String);
    for (const origin of ['0.0.0.0', '::', '[::]', '2001:db8::1']) {
      expect(await refusal(origin)).toMatch(/it is no name that clients reach it by\. Give --public-url/);
    }
    for (const origin of ['log.example:443', 'LOG.example']) {
      expect(await refusal(origin)).toMatch(/it is a bare host name in lower case, without port/);
    }
  });

  it.each([
    ['{"batch-size":', /^the configuration file \S+stele\.json: it is not JSON/],
    ['', /it is not JSON/],
    ['[]', /it is not one JSON object of texts, numbers and switches/],
    ['"x"', /it is not one JSON object/],
    ['{"listen":{"port":1}}', /it is not one JSON object of texts, numbers and switches/],
    ['{"listen":null}', /it is not one JSON object/],
    ['{"batch-size":1,"batch-size":2}', /it has the field "batch-size" twice/],
    ['{"listen":["a:1"]}', /"listen" takes one value, not an array/],
    ['{"listen":[["a:1"]]}', /"listen" takes one value, not an array/],
    ['{"batchSize":1}', /it has "batchSize", which is no setting: did you mean "batch-size"\?/],
    ['{"STELE_BATCH_SIZE":1}', /it has "STELE_BATCH_SIZE", which is no setting/],
    ['{"config":"other.json"}', /it has "config", which is no setting/],
    ['{"constructor":"x"}', /it has "constructor", which is no setting/],
    ['{"batch-size":1.5}', /^--batch-size: "1\.5" is not a whole number/],
    ['{"batch-size":1e21}', /^--batch-size: "1e\+21" is not a whole number/],
    ['{"batch-size":true}', /^--batch-size: "true" is not a whole number/],
    ['{"no-create":"yes"}', /^no-create in .* is a switch: true, false, 1 or 0, not "yes"/],
  ])('a configuration file of %s', async (text, message) => {
    const result = read([], {}, text);
    await expect(result).rejects.toThrow(ConfigurationError);
    await expect(result).rejects.toThrow(message);
  });

  it('a configuration file that is not there', async () => {
    await expect(readGiven(['--config', '/none.json'], {})).rejects.toThrow(
      /^the configuration file: cannot read \/none\.json: no such file or directory$/,
    );
  });

  it('what no setting is, or has no value', async () => {
    await expect(read(['--dta', 'x'])).rejects.toThrow(ConfigurationError);
    await expect(read(['--data'])).rejects.toThrow(ConfigurationError);
  });
});
