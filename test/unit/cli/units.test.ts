import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  parseAddress,
  parseBaseUrl,
  parseCount,
  parseDuration,
  parseOrigin,
  parseSize,
} from '#cli/settings/units.js';
import { ConfigurationError } from '#src/errors.js';

const DURATIONS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const SIZES = { B: 1, KiB: 1_024, MiB: 1_048_576, GiB: 1_073_741_824 };

describe.each([
  ['parseDuration', parseDuration, DURATIONS],
  ['parseSize', parseSize, SIZES],
] as const)('%s', (_, parse, units) => {
  it('reads a whole number with its unit', () => {
    fc.assert(
      fc.property(fc.nat(999_999_999), fc.constantFrom(...Object.entries(units)), (count, [unit, factor]) => {
        expect(parse(`${count}${unit}`)).toBe(count * factor);
      }),
    );
  });

  it('throws nothing but ConfigurationError, and reads nothing that it would not write', () => {
    const text = fc.oneof(
      fc.string(),
      fc.stringMatching(/^[-+]?[0-9.]{0,4} ?(ms|s|m|h|B|KiB|MB|[a-zA-Z]{0,3})$/),
    );
    fc.assert(
      fc.property(text, (value) => {
        try {
          parse(value);
          expect(value).toMatch(new RegExp(`^[0-9]{1,9}(${Object.keys(units).join('|')})$`));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    '',
    '5',
    'ms',
    '5 ms',
    '5MS',
    '-5s',
    '5.0s',
    '1e3ms',
    '5sB',
    '5constructor',
    '0000000000ms',
    '5ms\n',
  ])('refuses %j', (text) => {
    expect(() => parse(text)).toThrow(ConfigurationError);
  });
});

describe('parseCount', () => {
  it('reads whole numbers from 1 to a million, in the one way to write them', () => {
    fc.assert(
      fc.property(fc.integer({ min: -10, max: 2_000_000 }), (count) => {
        if (count >= 1 && count <= 1_000_000) expect(parseCount(String(count))).toBe(count);
        else expect(() => parseCount(String(count))).toThrow(ConfigurationError);
      }),
    );
  });

  it.each(['', '0', '007', '1e3', '1.0', '+1', ' 1', '1 ', '1\n', '0x1', '1000001', '9999999', 'Infinity'])(
    'refuses %j',
    (text) => {
      expect(() => parseCount(text)).toThrow(ConfigurationError);
    },
  );
});

describe('parseAddress', () => {
  it('takes apart what it is made of', () => {
    const host = fc.oneof(fc.domain(), fc.ipV4());
    fc.assert(
      fc.property(host, fc.nat(65_535), (name, port) => {
        expect(parseAddress(`${name}:${port}`)).toStrictEqual({ host: name, port });
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), fc.nat(65_535), (address, port) => {
        expect(parseAddress(`[${address}]:${port}`)).toStrictEqual({ host: address, port });
        expect(() => parseAddress(`${address}:${port}`)).toThrow(ConfigurationError);
      }),
    );
  });
});

describe('parseBaseUrl', () => {
  it('gives a URL that paths can be put after', () => {
    expect(parseBaseUrl('https://log.example')).toBe('https://log.example');
    expect(parseBaseUrl('HTTPS://Log.Example:443//')).toBe('https://log.example');
    expect(parseBaseUrl('http://log.example:8080/a/b/')).toBe('http://log.example:8080/a/b');
  });

  it.each([
    '',
    'log.example',
    'ftp://log.example',
    'https://a/?',
    'https://a/?b=c',
    'https://a/#b',
    'https://u@a/',
  ])('refuses %j, or gives it without what it must not have', (text) => {
    if (text === 'https://a/?') expect(parseBaseUrl(text)).toMatch(/^https:\/\/a\/?\??$/);
    else expect(() => parseBaseUrl(text)).toThrow(ConfigurationError);
  });
});

describe('parseOrigin', () => {
  it('takes host names in lower case', () => {
    fc.assert(
      fc.property(fc.domain(), (domain) => {
        const name = domain.toLowerCase();
        if (name.length <= 254) expect(parseOrigin(name)).toBe(name);
        if (name !== name.toUpperCase())
          expect(() => parseOrigin(name.toUpperCase())).toThrow(ConfigurationError);
        expect(() => parseOrigin(`${name}:443`)).toThrow(/without port/);
        expect(() => parseOrigin(`https://${name}`)).toThrow(ConfigurationError);
      }),
    );
  });

  it('never gives a name that a note or a checkpoint could not hold', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          expect(parseOrigin(text)).not.toMatch(/[\s+A-Z:/]| - \d+$/);
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError);
        }
      }),
    );
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        expect(() => parseOrigin(address)).toThrow(/it is no name that clients reach it by/);
        expect(() => parseOrigin(`[${address}]`)).toThrow(/Give --public-url/);
      }),
    );
  });
});
