import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DOCUMENT_LIMITS, parseJson } from '#src/json.js';
import { encodeText } from '#tiles-spec/bytes.js';
import { FormatError } from '#tiles-spec/index.js';

const parse = (text: string) => parseJson(encodeText(text), 'it');

describe('parseJson', () => {
  it('gives what JSON.parse gives, of all that JSON.stringify makes', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 0, max: 3 }), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(parse(text)).toStrictEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('is not confused by what strings hold', () => {
    const confusing = fc.stringMatching(/^[\\"{}[\]:, a\n]{0,12}$/);
    fc.assert(
      fc.property(
        fc.array(confusing, { maxLength: 6 }),
        fc.uniqueArray(confusing, { maxLength: 4 }),
        (texts, names) => {
          const value = Object.fromEntries(names.map((name) => [name, [texts, { [name]: texts[0] ?? '' }]]));
          expect(parse(JSON.stringify(value, null, 1))).toStrictEqual(value);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('throws nothing but FormatError, whatever the bytes', () => {
    const text = fc.oneof(fc.json(), fc.stringMatching(/^[{}[\]":,\\0-9a-f -]{0,40}$/)).map(encodeText);
    fc.assert(
      fc.property(fc.oneof(text, fc.uint8Array({ maxLength: 60 })), (bytes) => {
        try {
          parseJson(bytes, 'it');
        } catch (error) {
          expect(error).toBeInstanceOf(FormatError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses a field that is twice in one object, however it is written', () => {
    fc.assert(
      fc.property(fc.string(), fc.jsonValue({ maxDepth: 2 }), fc.nat(3), (name, value, depth) => {
        const escaped = Array.from(name, (character) =>
          Array.from(
            { length: character.length },
            (_, i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`,
          ).join(''),
        ).join('');
        const [field, json] = [JSON.stringify(name), JSON.stringify(value)];
        for (const second of [field, `"${escaped}"`]) {
          const object = `{${field}: ${json}, "${name.length}!": 0, ${second} :${json}}`;
          const text = `${'['.repeat(depth)}${object}${']'.repeat(depth)}`;
          if (`${name.length}!` === name) continue;
          expect(() => parse(text)).toThrow(/^it has the field ".*" twice in one object$/s);
        }
        // In two objects it is no matter.
        expect(parse(`[{${field}:${json}},{${field}:{${field}:0}}]`)).toHaveLength(2);
      }),
    );
  });

  it('takes 32 levels, of arrays or objects, and not 33', () => {
    const arrays = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    const objects = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
    for (const nest of [arrays, objects]) {
      expect(() => parse(nest(32))).not.toThrow();
      expect(() => parse(nest(33))).toThrow('it nests over 32 deep');
      expect(() => parse(nest(50_000))).toThrow(FormatError);
    }
    expect(parse(`[${'[],'.repeat(200)}[]]`)).toHaveLength(201);
  });

  it('ends at the first token over a limit, whatever comes after', () => {
    const series = (item: string, count: number) => Array<string>(count).fill(item).join(',');
    const fields = (count: number) => series('"a":0', count).replaceAll(/a/g, () => `a${String(name++)}`);
    let name = 0;
    // An array of n values has n - 1 commas and two brackets.
    expect(parse(`[${series('0', 1_023)}]`)).toHaveLength(1_023);
    expect(() => parse(`[${series('0', 1_024)}]`)).toThrow('it has over 1024 brackets, commas and colons');
    expect(Object.keys(parse(`{${fields(256)}}`) as object)).toHaveLength(256);
    expect(() => parse(`{${fields(257)}}`)).toThrow('it has over 256 fields');
    expect(() => parse(`{${fields(257)} and then no JSON`)).toThrow('it has over 256 fields');
    expect(() => parse(`[${series('{}', 1_000_000)}]`)).toThrow('it has over 1024 brackets');
    // What looks like tokens inside of a string is none.
    expect(parse(JSON.stringify('{[,:]}'.repeat(10_000)))).toHaveLength(60_000);
  });

  it('takes its limits from the caller', () => {
    const text = encodeText(
      JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ name: i, digest: [] }))),
    );
    expect(parseJson(text, 'it', DOCUMENT_LIMITS)).toHaveLength(20_000);
    expect(() => parseJson(encodeText('[[[]]]'), 'it', { depth: 2, tokens: 9, fields: 9 })).toThrow(
      'it nests over 2 deep',
    );
  });

  it.each([
    ['\ufeff{}', /^it begins with a byte order mark/],
    ['', /^it is not JSON: /],
    ['{"a":1}{}', /^it is not JSON: /],
    ["{'a':1}", /^it is not JSON: /],
    ['[1,]', /^it is not JSON: /],
    ['01', /^it is not JSON: /],
    ['"\u0001"', /^it is not JSON: /],
    ['nul', /^it is not JSON: /],
    ['{"a":[1e999]}', /^it has a number beyond 1\.797/],
    ['-1E+309', /^it has a number beyond 1\.797/],
  ])('refuses %j', (text, message) => {
    expect(() => parse(text)).toThrow(FormatError);
    expect(() => parse(text)).toThrow(message);
  });

  it.each([
    ['a lone byte', [0xff]],
    ['an overlong form', [0x22, 0xc0, 0xaf, 0x22]],
    ['a surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['beyond Unicode', [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22]],
    ['a character cut short', [0x22, 0xe2, 0x82]],
  ])('refuses %s in UTF-8', (_, bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes), 'the request')).toThrow('the request is not UTF-8');
  });
});
