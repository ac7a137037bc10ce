/**
 * Runs the `stele` command as people and scripts do, in a terminal and in a pipe, with folders of its own.
 * @module
 */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startDaemon, STELE, type Daemon } from './daemon.js';
import { listenOnFreePort } from './free-port.js';

/** How a command ended. In a terminal, `stdout` holds both streams. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Environment = Readonly<Record<string, string>>;

/* eslint-disable no-control-regex */
/** Colours, cursor movements, and the like. */
const ESCAPES = /\u001b(?:\[[0-9;?]*[A-Za-z]|[78])/g;
/** The part of a line that a carriage return overwrites. */
const OVERWRITTEN = /^.*\u001b\[(?:2K|1G)/gm;
/* eslint-enable no-control-regex */

/** The text that stays on a terminal: without colours, and with the last version of each line. */
export function withoutEscapes(text: string): string {
  return text.replaceAll('\r', '').replace(OVERWRITTEN, '').replace(ESCAPES, '');
}

const HAS_SCRIPT = spawnSync('sh', ['-c', 'command -v script']).status === 0;

/** A test that needs a terminal: skipped where the `script` command is missing, except under CI. */
export const itInTerminal: (title: string, run: () => Promise<unknown>) => void =
  HAS_SCRIPT || process.env['CI'] === 'true'
    ? (title, run) => {
        it(title, async () => {
          await run();
        });
      }
    : (title) => {
        it.skip(`${title}: there is no script(1) to make a terminal with`);
      };

/** A user whose HOME and XDG folders are in a temporary folder. */
export class User {
  private constructor(
    readonly folder: string,
    readonly environment: Environment,
  ) {}

  static async create(): Promise<User> {
    return User.in(await mkdtemp(join(tmpdir(), 'stele-cli-')));
  }

  private static in(folder: string, name = 'home', more: Environment = {}): User {
    const home = join(folder, name);
    return new User(folder, {
      PATH: process.env['PATH'] ?? '',
      TERM: 'xterm',
      HOME: home,
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      // From Node 22 on, the compile cache halves the time that a command takes to start.
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
      ...more,
    });
  }

  /** Another user of the same folder, who has pinned and seen nothing yet. */
  other(name: string, more: Environment = {}): User {
    return User.in(this.folder, name, more);
  }

  file(...names: string[]): string {
    return join(this.folder, ...names);
  }

  read(name: string): Promise<string> {
    return readFile(this.file(name), 'utf8');
  }

  async write(name: string, content: string | Uint8Array): Promise<string> {
    await writeFile(this.file(name), content);
    return name;
  }

  openssl(...args: string[]): Buffer {
    return execFileSync('openssl', args, { cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'] });
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }

  /** Runs `stele` in the folder, its output in pipes. */
  run(args: readonly string[], more: Environment = {}): Promise<Ended> {
    return this.#exec(process.execPath, [STELE, ...args], more);
  }

  /** Runs `stele` in a pseudo-terminal of `columns` columns. */
  terminal(args: readonly string[], more: Environment = {}, columns = 200): Promise<Ended> {
    const words = [process.execPath, STELE, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`);
    const command = `stty rows 24 cols ${columns}; exec ${words.join(' ')}`;
    const script =
      process.platform === 'darwin'
        ? ['-q', '/dev/null', 'sh', '-c', command]
        : ['-qec', command, '/dev/null'];
    return this.#exec('script', script, { ...more, SHELL: '/bin/sh' });
  }

  /** Runs a line of bash, in which `stele` is the command. */
  shell(line: string, more: Environment = {}): Promise<Ended> {
    const stele = `stele() { '${process.execPath}' '${STELE}' "$@"; }`;
    return this.#exec('bash', ['-c', `${stele}; ${line}`], more);
  }

  #exec(file: string, args: readonly string[], more: Environment): Promise<Ended> {
    return new Promise((resolve) => {
      const options = {
        cwd: this.folder,
        env: { ...this.environment, ...more },
        timeout: 120_000,
        killSignal: 'SIGKILL',
        maxBuffer: 1 << 26,
      } as const;
      const child = execFile(file, args, options, (_error, stdout, stderr) => {
        resolve({ code: child.exitCode, stdout, stderr });
      });
      child.stdin?.end();
    });
  }
}

/** A command line, its exit code, and its output. An absent `stdout` or `stderr` must be empty. */
export interface Case {
  readonly args: readonly string[];
  readonly code: number;
  readonly stdout?: RegExp;
  readonly stderr?: RegExp;
}

/** Runs a case in a pipe, and then in a terminal, where it must print the same. */
export async function expectCase(user: User, expected: Case, more?: Environment): Promise<void> {
  expectEnded(await user.run(expected.args, more), expected);
  if (!HAS_SCRIPT && process.env['CI'] !== 'true') return;
  const { code, stdout } = await user.terminal(expected.args, more);
  const shown = withoutEscapes(stdout);
  expectNoTrace(shown);
  if (expected.stdout) expect(shown).toMatch(expected.stdout);
  // A terminal shows a long line of standard error as several.
  if (expected.stderr) expect(shown.replaceAll(/\n {2}(?=\S)/g, ' ')).toMatch(expected.stderr);
  expect(code, shown).toBe(expected.code);
}

/** Checks the exit code and the output of a command that ran in a pipe. */
export function expectEnded({ code, stdout, stderr }: Ended, expected: Omit<Case, 'args'>): void {
  expectNoTrace(stdout + stderr);
  // eslint-disable-next-line no-control-regex
  expect(stdout + stderr, 'colours in a pipe').not.toMatch(/\u001b/);
  if (expected.stderr === undefined) expect(stderr).toBe('');
  else expect(stderr).toMatch(expected.stderr);
  if (expected.stdout === undefined) expect(stdout).toBe('');
  else expect(stdout).toMatch(expected.stdout);
  // Whatever fails says so, in one line.
  if (code !== 0) expect(stderr).toMatch(/^stele: [^\n]+\n$/);
  expect(code, stdout + stderr).toBe(expected.code);
}

function expectNoTrace(text: string): void {
  expect(text).not.toMatch(/^\s+at .*:\d+|unexpected error|undefined|\[object|NaN/m);
}

/** The one line of JSON that a command prints. */
export function jsonOf({ stdout }: Ended): Record<string, unknown> {
  expect(stdout).toMatch(/^[^\n]+\n$/);
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** A user who has pinned a log, with a key, and an artifact whose signature is the log's entry 0. */
export interface LoggedUser {
  readonly user: User;
  readonly daemon: Daemon;
  /** The log's data folder. */
  readonly data: string;
  readonly stop: () => Promise<void>;
}

/** Starts a log; the user's folder gets `key.pem`, `key.pub`, `a.txt` and `a.txt.sigstore.json`, and `other.txt`. */
export async function startLoggedUser(): Promise<LoggedUser> {
  const user = await User.create();
  const data = user.file('data');
  const daemon = await startDaemon(data);
  user.openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', 'key.pem');
  user.openssl('pkey', '-in', 'key.pem', '-pubout', '-out', 'key.pub');
  await user.write('a.txt', 'an artifact\n');
  await user.write('other.txt', 'another artifact\n');
  const pinned = await user.run(['trust', '--pin', daemon.url]);
  expect(pinned.code, pinned.stderr).toBe(0);
  const uploaded = await user.run(['upload', '--key', 'key.pem', '--artifact', 'a.txt']);
  expect(uploaded.code, uploaded.stderr).toBe(0);
  return {
    user,
    daemon,
    data,
    stop: async () => {
      await daemon.stop();
      await user.remove();
    },
  };
}

/** A server that is no log. */
export interface Stub {
  readonly url: string;
  readonly close: () => void;
}

/** A server that answers with a folder's files, without Content-Encoding. */
export function serveAsTheyLie(folder: string): Promise<Stub> {
  return startStub((request, response) => {
    readFile(join(folder, request.url ?? '')).then(
      (bytes) => response.end(bytes),
      () => response.writeHead(404).end(),
    );
  });
}

export async function startStub(listener: RequestListener): Promise<Stub> {
  const server = createServer(listener);
  const port = await listenOnFreePort(server);
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
