/**
 * A real log for tests: the daemon as users run it, on a free port and a temporary folder.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noteVerifier, parseVerifierKey, type NoteVerifier } from '#tiles-spec/index.js';
import { BUCKET, placeOf } from './log-place.js';

export interface Daemon {
  readonly url: string;
  readonly verifierKey: string;
  readonly verifier: NoteVerifier;
  readonly process: ChildProcess;
  /** The daemon's standard error so far. */
  readonly log: () => string;
  /** Sends a signal, and waits for the end. Returns the exit code, or null when the signal ended the process. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** The command as it ships. */
export const STELE = join(process.cwd(), 'dist', 'cli', 'main.js');

/**
 * Starts `stele serve` on a data folder, with further flags and environment variables. Rejects with the daemon's standard error when the daemon ends early.
 */
export async function startDaemon(
  data: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  const child = spawn(process.execPath, [STELE, ...serveLine(data, args)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...BUCKET?.environment, ...environment },
  });
  let output = '';
  let log = '';
  child.stderr.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('\n')) resolve(output);
    });
    child.once('close', (code) => {
      reject(new Error(`stele serve ended with ${String(code)}:\n${output}${log}`));
    });
  });
  const [, url = '', verifierKey = ''] = /^stele serves (\S+) with the verifier key (\S+)$/m.exec(line) ?? [];
  return {
    url,
    verifierKey,
    verifier: noteVerifier(parseVerifierKey(verifierKey)),
    process: child,
    log: () => log,
    stop: (signal = 'SIGTERM') => {
      child.kill(signal);
      return exited;
    },
  };
}

/** The words of `stele serve` on a data folder: a free port, and the store of this run, unless `args` say otherwise. */
function serveLine(data: string, args: readonly string[]): string[] {
  const listen = args.includes('--listen') ? [] : ['--listen', '127.0.0.1:0'];
  return ['serve', '--data', data, ...listen, ...storeFlags(data, args), ...args];
}

/** Flags that place a log in the bucket of this run, and have it publish as often as one in a folder. */
function storeFlags(data: string, args: readonly string[]): readonly string[] {
  if (BUCKET === undefined || args.includes('--store')) return [];
  const { name, flags } = placeOf(data);
  return ['--store', name, ...flags, ...(args.includes('--batch-age') ? [] : ['--batch-age', '200ms'])];
}

/** Runs `use` with a temporary folder, and then deletes the folder. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'stele-'));
  try {
    return await use(folder);
  } finally {
    // A reader may still be writing tiles into its cache that it has read ahead.
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
