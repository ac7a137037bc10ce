/**
 * What settings may be declared to be, beyond those of `serve`.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkArguments, type Argument } from '#cli/command.js';
import { COMMANDS } from '#cli/commands.js';
import { flagsOf, readCommandLine } from '#cli/command-line.js';
import { CONFIG, environmentName, type Settings } from '#cli/settings/setting.js';
import { readSettings } from '#cli/settings/read-settings.js';
import { unreadVariables } from '#cli/settings/unread-settings.js';
import { ConfigurationError } from '#src/errors.js';
import { withFolder } from '../../support/daemon.js';

const SETTINGS = {
  one_two: { value: 'TEXT', description: '' },
  many: { value: 'TEXT', many: true, description: '' },
  choice: { value: 'a|b', choices: ['a', 'b'], default: 'a', description: '' },
  choices: { value: 'a|b', choices: ['a', 'b'], many: true, default: 'b', description: '' },
  secret: { value: 'TEXT', flagOnly: true, description: '' },
  on: { description: '' },
} as const satisfies Settings;

/** Reads the settings above; `file` is what the configuration file holds. */
function read(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
  file: unknown = {},
  known: readonly string[] = [],
) {
  return withFolder(async (folder) => {
    const config = join(folder, 'stele.json');
    await writeFile(config, JSON.stringify(file));
    return readSettings(SETTINGS, flags(SETTINGS, [...args, '--config', config]), environment, {
      known: { shared: known, flagsAlone: ['alone'] },
    });
  });
}

/** The flags among words. */
function flags(settings: Settings, words: readonly string[]) {
  const all: Settings = { ...settings, config: CONFIG };
  return flagsOf(
    readCommandLine(words, (word) => all[word.slice(2)]?.value !== undefined),
    all,
  );
}

const DEFAULTS = { one_two: undefined, many: [], choice: 'a', choices: ['b'], secret: undefined, on: false };

describe('settings', () => {
  it('have the declared shape where nothing is given', async () => {
    expect(await read([])).toStrictEqual({ values: DEFAULTS, sources: {}, warnings: [] });
  });

  it('of one value take no second one', async () => {
    const { values } = await read(['--one_two', 'x', '--one_two=x']);
    expect(values.one_two).toBe('x');
    await expect(read(['--one_two', 'x', '--one_two=y'])).rejects.toThrow(
      /^--one_two is given twice, as x and as y/,
    );
  });

  it('of many values take all, from the first source that has any', async () => {
    const from = async (...given: Parameters<typeof read>) => (await read(...given)).values.many;
    expect(await from(['--many', 'x', '--many=y'], { STELE_MANY: 'z' }, { many: ['f'] })).toStrictEqual([
      'x',
      'y',
    ]);
    expect(await from([], { STELE_MANY: 'z' }, { many: ['f'] })).toStrictEqual(['z']);
    expect(await from([], {}, { many: ['f', 1, true] })).toStrictEqual(['f', '1', 'true']);
    expect(await from([], {}, { many: 'f' })).toStrictEqual(['f']);
  });

  it('with an underscore are themselves in the environment', async () => {
    expect(environmentName('store_tree_state')).toBe('STELE_STORE_TREE_STATE');
    expect((await read([], { STELE_ONE_TWO: 'x' })).values.one_two).toBe('x');
  });

  it('with choices refuse anything else, whatever the source', async () => {
    expect((await read(['--choice', 'b'])).values.choice).toBe('b');
    const refusal = '"c" is not a or b';
    await expect(read(['--choice', 'c'])).rejects.toThrow(new ConfigurationError(`--choice: ${refusal}`));
    await expect(read([], { STELE_CHOICE: 'c' })).rejects.toThrow(`STELE_CHOICE: ${refusal}`);
    await expect(read([], {}, { choice: 'c' })).rejects.toThrow(/^choice in .*: "c" is not a or b$/);
    await expect(read([], { STELE_CHOICE: '' }, { choice: 'b' })).rejects.toThrow(/^STELE_CHOICE: "" is not/);
    await expect(read(['--choices', 'a', '--choices', 'c'])).rejects.toThrow('--choices: "c" is not a or b');
  });

  it('that are flags only come from nowhere else', async () => {
    expect((await read(['--secret', 'x'])).values.secret).toBe('x');
    expect((await read([], { STELE_SECRET: 'x' })).values.secret).toBeUndefined();
    await expect(read([], {}, { secret: 'x' })).rejects.toThrow(/it has "secret", which is no setting/);
    expect((await read([], {}, { secret: 'x' }, ['secret'])).values.secret).toBeUndefined();
  });

  it('of other commands may be in the file', async () => {
    expect((await read([], {}, { other: ['x'], on: true }, ['other'])).values).toStrictEqual({
      ...DEFAULTS,
      on: true,
    });
    await expect(read([], {}, { othr: 'x' }, ['other'])).rejects.toThrow(
      /"othr", which is no setting: did you mean "other"\?/,
    );
  });

  it.each([null, [], 'x', { many: { a: 1 } }, { many: [null] }, { many: [['x']] }])(
    'are not a file of %j',
    async (file) => {
      await expect(read([], {}, file)).rejects.toThrow(
        /it is not one JSON object of texts, numbers and switches/,
      );
    },
  );

  it('of a command that has none are no file either', async () => {
    expect(await readSettings({}, {}, { STELE_CONFIG: '/none' })).toStrictEqual({
      values: {},
      sources: {},
      warnings: [],
    });
  });

  it('say where they come from', async () => {
    const { sources } = await read(['--on'], { STELE_ONE_TWO: 'x' }, { many: 'f' });
    expect(Object.entries(sources).map(([name, { where }]) => [name, where])).toStrictEqual([
      ['one_two', 'STELE_ONE_TWO'],
      ['many', expect.stringMatching(/^many in \S+stele\.json$/)],
      ['on', '--on'],
    ]);
  });

  it('hold no NUL, which is in no name of a file', async () => {
    await expect(read([], {}, { one_two: 'a\0b' })).rejects.toThrow(
      /^one_two in \S+: it holds a NUL character$/,
    );
  });

  it('have names of no more variables than they are', () => {
    const environment = { STELE_FORMAT: 'x', STELE_FROMAT: 'x', STELE_CONFIG: 'x', STELE_: 'x', OTHER: 'x' };
    expect(unreadVariables(environment, [], { shared: ['format'], flagsAlone: [] })).toStrictEqual([
      'STELE_FROMAT in the environment is no setting, and is not read: did you mean STELE_FORMAT?',
      'STELE_ in the environment is no setting, and is not read',
    ]);
  });

  it('are compared without the prefix that all names have', () => {
    const known = { shared: ['key', 'uuid'], flagsAlone: ['rebuild'] };
    expect(unreadVariables({ STELE_FOO: 'x', STELE_REBUILD: '1' }, [], known)).toStrictEqual([
      'STELE_FOO in the environment is no setting, and is not read',
      'STELE_REBUILD in the environment is not read: --rebuild is a flag alone',
    ]);
  });

  it('that are flags alone are named where they stand elsewhere, unless the flag is given', async () => {
    const elsewhere = [{ STELE_SECRET: 'x' }, { secret: 'x' }, ['secret']] as const;
    const { warnings } = await read([], ...elsewhere);
    expect(warnings).toStrictEqual([
      'STELE_SECRET in the environment is not read: --secret is a flag alone',
      expect.stringMatching(/^secret in \S+stele\.json is not read: --secret is a flag alone$/),
    ]);
    expect((await read(['--secret', 'y'], ...elsewhere)).warnings).toStrictEqual([]);
    await expect(read([], {}, { alone: true })).rejects.toThrow(
      /it has "alone", but --alone is a flag alone/,
    );
  });
});

describe('arguments', () => {
  const check = (expected: readonly Argument[], args: readonly string[]) => () => {
    checkArguments(
      'do',
      {
        summary: '',
        settings: {},
        examples: [],
        run: () => Promise.reject(new Error()),
        arguments: expected,
      },
      args,
    );
  };
  const A: Argument = { name: 'A', description: '' };
  const B: Argument = { name: 'B', description: '', optional: true };

  it('are counted', () => {
    expect(check([A, B], [])).toThrow(new ConfigurationError('A is missing: stele do A [B]'));
    expect(check([A, B], ['x'])).not.toThrow();
    expect(check([A, B], ['x', 'y'])).not.toThrow();
    expect(check([A, B], ['x', 'y', 'z'])).toThrow('there is no place for the argument "z": stele do A [B]');
    expect(check([A, { ...B, many: true }], ['x', 'y', 'z'])).not.toThrow();
    expect(check([{ ...A, many: true }], [])).toThrow('A is missing: stele do A...');
  });

  it('may have choices', () => {
    expect(check([{ ...A, many: true, choices: ['x', 'y'] }], ['x', 'y'])).not.toThrow();
    expect(check([{ ...A, many: true, choices: ['x', 'y'] }], ['x', 'z'])).toThrow('A: "z" is not x or y');
  });
});

describe.each(Object.entries(COMMANDS))('the definition of %s', (name, command) => {
  it('has defaults among its choices, and examples that name it', () => {
    for (const { choices, default: fallback } of Object.values(command.settings)) {
      if (choices !== undefined && fallback !== undefined) expect(choices).toContain(fallback);
    }
    expect(command.summary).not.toMatch(/\.$/);
    expect(command.examples).not.toStrictEqual([]);
    for (const { command: line } of command.examples) expect(line).toContain(`stele ${name}`);
  });

  it('has examples that can be read', () => {
    for (const { command: line } of command.examples) {
      const [, text = ''] = /stele ([^|)]*)/.exec(line) ?? [];
      const words = text.trim().split(' ');
      const given = readCommandLine(words, (word) => command.settings[word.slice(2)]?.value !== undefined);
      expect(() => flagsOf(given, command.settings)).not.toThrow();
      checkArguments(name, command, given.places.slice(1));
    }
  });
});
