/**
 * Completion, in the shells that it is for.
 */
import { execFile, execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { STELE, withFolder } from '../../support/daemon.js';

const run = promisify(execFile);

/** Completes the last of the words after `stele`, in a folder that holds a `file.json` and a `folder`. */
type Complete = (words: readonly string[], script: string, folder: string) => Promise<readonly string[]>;

const SHELLS: Readonly<Record<string, Complete>> = {
  bash: async (words, script, cwd) => {
    const program = `source ${script}; COMP_WORDS=(stele "$@"); COMP_CWORD=$#; _stele; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout } = await run('bash', ['-c', program, 'bash', ...words], { cwd });
    return stdout.split('\n').filter((line) => line !== '');
  },
  // What a user sees: Tab after the words, in a terminal; `stele` there prints what it is called with.
  zsh: async (words, script, cwd) => {
    const program = `
      zmodload zsh/zpty
      zpty terminal zsh -f -i
      zpty -w terminal 'autoload -Uz compinit; compinit -D -u; source ${script}; stele() print -rl -- "<$@[-1]>"'
      zpty -w -n terminal $'stele ${words.join(' ')}\\t\\n'
      zpty -w terminal exit
      while zpty -r terminal line; do print -r -- $line; done`;
    const { stdout } = await run('zsh', ['-f', '-c', program], { cwd });
    return [...stdout.matchAll(/^<(.*)>\r?$/gm)].map(([, word = '']) => word.replace(/^--[a-z-]+=/, ''));
  },
  fish: async (words, script, cwd) => {
    const { stdout } = await run('fish', ['-c', `source ${script}; complete -C 'stele ${words.join(' ')}'`], {
      cwd,
    });
    const lines = stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => line.replace(/\t.*/, '').replace(/^--[a-z-]+=/, ''));
  },
};

/** Words, and the one thing that their last one can become. */
const CASES: readonly (readonly [readonly string[], string])[] = [
  [['upl'], 'upload'],
  [['verify', '--artifact-h'], '--artifact-hash'],
  [['verify', '--store'], '--store_tree_state'],
  [['loginfo', '--rekor'], '--rekor_server'],
  [['upload', '--type', 'd'], 'dsse'],
  [['get', '--log-index', '5', '--format', 't'], 'tle'],
  [['get', '--proof', 'fi'], 'file.json'],
  [['verify', 'fi'], 'file.json'],
  [['trust', '--pin', 'fo'], 'folder'],
  [['trust', '--output', 'f'], 'folder'],
  [['completion', 'z'], 'zsh'],
  [['help', 'ke'], 'keygen'],
];

function isHere(shell: string): boolean {
  try {
    execFileSync(shell, ['-c', 'true']);
    return true;
  } catch {
    return false;
  }
}

describe.concurrent.each(Object.entries(SHELLS))('%s', (shell, complete) => {
  const here = isHere(shell);

  const title = 'completes commands, options, choices, files and folders';
  it.skipIf(!here)(here ? title : `${title}: there is no ${shell} here`, () =>
    withFolder(async (folder) => {
      const { stdout } = await run(process.execPath, [STELE, 'completion', shell]);
      const script = join(folder, 'script');
      await writeFile(script, stdout);
      const cwd = join(folder, 'cwd');
      await mkdir(join(cwd, 'folder'), { recursive: true });
      await writeFile(join(cwd, 'file.json'), '');
      for (const [words, expected] of CASES) {
        const completed = await complete(words, script, cwd);
        expect(
          completed.map((word) => word.replace(/\/$/, '')),
          words.join(' '),
        ).toStrictEqual([expected]);
      }
      const inOneWord = shell === 'bash' ? ['upload', '--type', '=', 'd'] : ['upload', '--type=d'];
      expect(await complete(inOneWord, script, cwd)).toStrictEqual(['dsse']);
    }),
  );
});
