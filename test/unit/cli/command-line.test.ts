/**
 * The words of a command line, as options, values and places.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { doubtIn, flagsOf, isGiven, readCommandLine } from '#cli/command-line.js';
import type { Settings } from '#cli/settings/setting.js';

const SETTINGS = {
  file: { value: 'FILE', description: '' },
  many: { value: 'TEXT', many: true, description: '' },
  on: { description: '' },
} as const satisfies Settings;

const takesValue = (word: string) => ['--file', '--many'].includes(word);
const read = (...words: string[]) => readCommandLine(words, takesValue);
const flags = (...words: string[]) => flagsOf(read(...words), SETTINGS);

describe('a command line', () => {
  it.each([
    [['do', 'a', '-', 'b'], ['do', 'a', '-', 'b'], {}],
    [['--file', 'a', 'do', '--on'], ['do'], { file: ['a'], on: ['true'] }],
    [['--file=a', '--file', 'a'], [], { file: ['a', 'a'] }],
    [['--many=a', '--many', 'b'], [], { many: ['a', 'b'] }],
    [['--on', '--on'], [], { on: ['true', 'true'] }],
    [['--file=', '--file', ''], [], { file: ['', ''] }],
    [['--file=a=b\nc'], [], { file: ['a=b\nc'] }],
    [['--many', '-h', '--many', '--help', '--many', '--on'], [], { many: ['-h', '--help', '--on'] }],
    [['--file', '--', '--', '--file'], ['--file'], { file: ['--'] }],
    [['a', '--', '-h', '--', '--on'], ['a', '-h', '--', '--on'], {}],
  ])('%j', (words, places, given) => {
    expect(read(...words).places).toStrictEqual(places);
    expect(flags(...words)).toStrictEqual(given);
  });

  it.each([
    [['--file'], '--file takes a value: --file FILE'],
    [['--on=true'], '--on is a switch: it takes no value'],
    [['--file=a', '--file', 'b'], '--file is given twice, as a and as b: give it once'],
    [['--help=x'], '--help takes no value'],
    [['--flie', 'a'], 'there is no option --flie: did you mean --file?'],
    [['--zzzzzzzz'], 'there is no option --zzzzzzzz here: --help lists them'],
    [['--=x'], 'there is no option --=x here: --help lists them'],
    [['--constructor'], 'there is no option --constructor here: --help lists them'],
    [
      ['-h.tgz'],
      'there is no option -h.tgz here: --help lists them. A file of that name is given as ./-h.tgz, or after --',
    ],
    [
      ['-hh'],
      'there is no option -hh here: --help lists them. A file of that name is given as ./-hh, or after --',
    ],
  ])('%j is refused', (words, message) => {
    expect(() => flags(...words)).toThrow(message);
  });

  it('asks for help where a word is that, and no value', () => {
    const asks = (...words: string[]) => isGiven(read(...words), ['-h', '--help']);
    expect([asks('-h'), asks('do', '--help'), asks('--file', 'a', '-h')]).toStrictEqual([true, true, true]);
    expect([asks('--file', '-h'), asks('--', '-h'), asks('-hx'), asks('--helper')]).toStrictEqual([
      ...[false, false, false, false],
    ]);
  });

  it('is doubted where a value looks like an option', () => {
    const doubt = (...words: string[]) =>
      doubtIn(read(...words), (word) => ['--on', '--file'].includes(word));
    expect(doubt('--file', '--on', 'x')).toBe(
      '--file has taken the word after it, --on, for its value: give it one before --on',
    );
    expect(doubt('--file', '--file=x')).toMatch(/^--file has taken the word after it, --file=x/);
    expect(doubt('--file=--on', '--file', '-1', '--on')).toBeUndefined();
  });

  it('loses and makes up no word', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('--', '--file', '--on', '-h', '--file=x'))),
        (words) => {
          const { places, options } = readCommandLine(words, takesValue);
          const again = options.flatMap(({ word, value, isNextWord }) =>
            value === undefined ? [word] : isNextWord === true ? [word, value] : [`${word}=${value}`],
          );
          const terminators = words.length - places.length - again.length;
          expect([0, 1]).toContain(terminators);
          expect([...places, ...again, ...(terminators === 1 ? ['--'] : [])].sort()).toStrictEqual(
            [...words].sort(),
          );
        },
      ),
      { seed: 20_261_130, numRuns: 2_000 },
    );
  });
});
