/**
 * Exit 0 is for the thing done alone: over commands, options, values and file names of every look. The command runs in
 * this process, in a folder of its own, without a log that could be reached.
 */
import { readFile, rm, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { optionsOf } from '#cli/command.js';
import { COMMANDS } from '#cli/commands.js';
import { run } from '#cli/run.js';
import type { Terminal } from '#cli/terminal.js';
import { startLoggedUser, type LoggedUser } from '../../support/cli.js';

const SEED = 20_261_130;

let logged: LoggedUser;
let environment: Record<string, string>;
let printed: string;
const home = process.cwd();

beforeAll(async () => {
  logged = await startLoggedUser();
  const { user, daemon } = logged;
  environment = {
    ...user.other('exit codes').environment,
    // What no option below can put right.
    STELE_REKOR_SERVER: 'http://127.0.0.1:1',
    STELE_VKEY: daemon.verifierKey,
    STELE_RETRY: '0',
    STELE_TIMEOUT: '1s',
  };
  const bundle = await user.read('a.txt.sigstore.json');
  const { messageSignature, ...rest } = JSON.parse(bundle) as { messageSignature: { signature: string } };
  const signature = Buffer.from(messageSignature.signature, 'base64');
  signature[signature.length - 1] = 255 - (signature.at(-1) ?? 0);
  const forged = {
    ...rest,
    messageSignature: { ...messageSignature, signature: signature.toString('base64') },
  };
  await user.write('forged.json', JSON.stringify(forged));
  process.chdir(user.folder);
});

afterAll(async () => {
  process.chdir(home);
  await logged.stop();
});

beforeEach(() => {
  printed = '';
});

/** Runs a command line, and notes what it prints. */
async function stele(words: readonly string[], more: Readonly<Record<string, string>> = {}): Promise<number> {
  const note = (text: string) => {
    printed += `${text}\n`;
  };
  // Help and version are printed by cac.
  const info = vi.spyOn(console, 'info').mockImplementation(note);
  try {
    return await run(words, { ...environment, ...more }, terminalThat(note));
  } finally {
    info.mockRestore();
  }
}

function terminalThat(note: (text: string) => void): Terminal {
  const same = (text: string) => text;
  return {
    out: note,
    err: note,
    json: (value) => {
      note(JSON.stringify(value));
    },
    width: undefined,
    ...{ good: same, bad: same, dim: same, bold: same },
    progress: () => ({ update: () => undefined, stop: () => undefined }),
  };
}

/** Texts that look like options, like help, like nothing, and like nothing anybody would type. */
const ODD = [
  ...[
    '-h',
    '--help',
    '-v',
    '--version',
    '-h.tgz',
    '-dash.txt',
    '-holiday',
    '--help.txt',
    '--help=1',
    '-',
    '',
  ],
  ...['--', '---', '=', '--=', '-=', 'a=b', '--artifact', '--artifact=x', '--public-key', '-1', '0', 'true'],
  ...[
    ' ',
    'a\nb',
    '-\n',
    '--help\n',
    '\u00e4.txt',
    '-\u00e4h',
    '\u202eh-',
    '\ud83d\udd11',
    '*',
    '$(true)',
    "'",
    '.',
    '/',
  ],
];
const oddText = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...ODD) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }).filter((text) => !/[\0/]/.test(text)),
  },
);

/** Words of a command line that belong together. */
type Part = readonly string[];

const HELP = ['-h', '--help'];

/** Parts for a command, none of which asks for help, whatever it looks like. */
function partsOf(name: string, except: readonly string[] = []): fc.Arbitrary<Part[]> {
  const command = COMMANDS[name];
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const options = optionsOf(command).filter(([option]) => !except.includes(option));
  const valued = options.filter(([, { value }]) => value !== undefined).map(([option]) => `--${option}`);
  const switches = options.filter(([, { value }]) => value === undefined).map(([option]) => `--${option}`);
  const place = oddText.filter((text) => !HELP.includes(text) && text !== '--').map((text) => [text]);
  const arbitraries: fc.Arbitrary<Part>[] = [place];
  if (valued.length > 0) {
    const option = fc.constantFrom(...valued);
    arbitraries.push(
      fc.tuple(option, oddText),
      fc.tuple(option, oddText).map((both) => [both.join('=')]),
    );
  }
  if (switches.length > 0) arbitraries.push(fc.constantFrom(...switches).map((word) => [word]));
  return fc.array(fc.oneof(...arbitraries), { maxLength: 5 });
}

/** The parts, and after `--` what may look like anything. */
function linesOf(name: string, first: Part = [], except: readonly string[] = []): fc.Arbitrary<string[]> {
  const after = fc.option(fc.array(oddText, { maxLength: 3 }), { nil: undefined });
  return fc
    .tuple(partsOf(name, except), after)
    .map(([parts, rest]) => [
      name,
      ...first,
      ...parts.flat(),
      ...(rest === undefined ? [] : ['--', ...rest]),
    ]);
}

/** Demands of every command line that it does not end with 0, and prints no help. */
async function never(lines: fc.Arbitrary<string[]>, numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(lines, async (words) => {
      printed = '';
      expect(await stele(words), printed).not.toBe(0);
      expect(printed).toMatch(/^stele: [^\n]+\n$/m);
      expect(printed).not.toMatch(/^Usage:|unexpected error/m);
    }),
    { seed: SEED, numRuns },
  );
}

describe('a bundle that must fail', () => {
  it('never verifies, whatever else the command line says', () =>
    never(linesOf('verify', ['forged.json', '--artifact', 'a.txt', '--public-key', 'key.pub']), 300));

  it('never verifies as any of the words', async () => {
    const lines = fc.tuple(partsOf('verify'), partsOf('verify')).map(([before, after]) => {
      return ['verify', ...before.flat(), 'forged.json', ...after.flat()];
    });
    await never(lines, 300);
  });

  it('never verifies from the environment', async () => {
    const variable = fc.constantFrom(
      'ARTIFACT',
      'PUBLIC_KEY',
      'TYPE',
      'LOG_INDEX',
      'UUID',
      'FORMAT',
      'STATE',
    );
    await fc.assert(
      fc.asyncProperty(fc.dictionary(variable, oddText, { maxKeys: 3 }), async (given) => {
        const more = Object.fromEntries(Object.entries(given).map(([name, text]) => [`STELE_${name}`, text]));
        const flags = ['--artifact', 'a.txt', '--public-key', 'key.pub'];
        expect(await stele(['verify', 'forged.json', ...flags], more)).not.toBe(0);
      }),
      { seed: SEED, numRuns: 100 },
    );
  });
});

describe('a command that cannot do what it is asked', () => {
  it.each(['get', 'loginfo', 'logproof', 'fsck', 'upload', 'trust', 'rebuild-staging'])(
    '%s never ends with 0',
    (name) => never(linesOf(name), 60),
  );

  it('serve never ends with 0', () => never(linesOf('serve', ['--batch-size', '0'], ['batch-size']), 60));

  it('what is no command never ends with 0', async () => {
    const word = oddText.filter((text) => ![...HELP, '-v', '--version', '--', ''].includes(text));
    await never(fc.array(word, { minLength: 1, maxLength: 3 }), 100);
  });
});

describe('a command that can', () => {
  it('keygen ends with 0 where it has made the key file that was named', async () => {
    const origin = fc.constantFrom('a.example', '-h', '--help');
    await fc.assert(
      fc.asyncProperty(origin, oddText, fc.boolean(), async (name, file, isJoined) => {
        const key = isJoined ? [`--key=${file}`] : ['--key', file];
        if ((await stele(['keygen', '--origin', name, ...key])) !== 0) return;
        expect(name).toBe('a.example');
        expect(await readFile(file, 'latin1')).toContain('PRIVATE KEY');
        await rm(file);
      }),
      { seed: SEED, numRuns: 80 },
    );
  });

  it('version, completion and help print what they are asked for, or fail', async () => {
    const lines = fc.constantFrom('version', 'completion', 'help').chain((name) => linesOf(name));
    await fc.assert(
      fc.asyncProperty(lines, async (words) => {
        printed = '';
        if ((await stele(words)) !== 0) return;
        expect(printed).toMatch(/^(?:stele\/|\{"version":|# The completion|#compdef)/);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});

describe('a value is a value', () => {
  const isFileName = (text: string) => text !== '' && !['.', '..'].includes(text) && !text.includes('/');
  const fileName = oddText.filter((text) => isFileName(text) && Buffer.byteLength(text) < 200);

  /** Runs `use` with a file of an odd name. */
  async function withFile<T>(name: string, content: string, use: () => Promise<T>): Promise<T> {
    await writeFile(name, content, { flag: 'wx' });
    try {
      return await use();
    } finally {
      await rm(name);
    }
  }

  it('of --artifact, whatever the file is called', async () => {
    const right = await readFile('a.txt', 'utf8');
    await fc.assert(
      fc.asyncProperty(fileName, fc.boolean(), fc.boolean(), async (name, isJoined, isRight) => {
        const artifact = isJoined ? [`--artifact=${name}`] : ['--artifact', name];
        const words = ['verify', 'a.txt.sigstore.json', ...artifact, '--public-key', 'key.pub'];
        printed = '';
        const code = await withFile(name, isRight ? right : 'another', () => stele(words));
        expect(code, printed).toBe(isRight ? 0 : 1);
        expect(printed.includes('\nVerified\n')).toBe(isRight);
      }),
      { seed: SEED, numRuns: 120 },
    );
  });

  it('of a bundle after --, whatever the file is called', async () => {
    const [good, forged] = [
      await readFile('a.txt.sigstore.json', 'utf8'),
      await readFile('forged.json', 'utf8'),
    ];
    await fc.assert(
      fc.asyncProperty(fileName, fc.boolean(), async (name, isGood) => {
        const words = ['verify', '--artifact', 'a.txt', '--public-key', 'key.pub', '--', name];
        printed = '';
        const code = await withFile(name, isGood ? good : forged, () => stele(words));
        expect(code, printed).toBe(isGood ? 0 : 1);
      }),
      { seed: SEED, numRuns: 120 },
    );
  });
});

describe('help', () => {
  it.each(Object.keys(COMMANDS))('of %s is for who asks for it', async (name) => {
    for (const word of HELP) {
      printed = '';
      expect(await stele([name, word])).toBe(0);
      expect(printed).toMatch(new RegExp(`^Usage:\n {2}\\$ stele ${name}`, 'm'));
    }
  });

  it.each([
    ['before the command', ['--help', 'verify', 'forged.json']],
    ['after arguments and values', ['verify', 'forged.json', '--artifact', '-h', '-h']],
  ])('%s', async (_where, words) => {
    expect(await stele(words)).toBe(0);
    expect(printed).toMatch(/^Usage:\n {2}\$ stele verify/m);
  });

  it.each([
    [
      'a value',
      ['verify', 'forged.json', '--artifact', '--help'],
      /--artifact: cannot read --help: no such file/,
    ],
    [
      'a word with h',
      ['verify', '-dash.txt'],
      /there is no option -dash\.txt here.* given as \.\/-dash\.txt, or after --/,
    ],
    ['letters that end in h', ['fsck', '-holiday'], /there is no option -holiday here/],
    ['after --', ['verify', '--', '--help'], /BUNDLE: cannot read --help: no such file/],
    ['with a value', ['verify', '--help=false'], /--help takes no value/],
    ['beside what is no option', ['verify', '--zzz', '--help'], /there is no option --zzz/],
    ['of no command', ['zzz', '--help'], /there is no command "zzz"/],
    [
      'taken for a value',
      ['verify', 'a.txt.sigstore.json', '--artifact', '--public-key', 'key.pub'],
      /no place for the argument "key\.pub": .* \(--artifact has taken the word after it, --public-key, for its value/,
    ],
  ])('is not %s', async (_what, words, message) => {
    expect(await stele(words)).toBe(2);
    expect(printed).toMatch(message);
    expect(printed).not.toMatch(/^Usage/m);
  });
});
