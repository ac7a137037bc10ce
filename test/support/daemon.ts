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
  /** What it has written to standard error so far. */
  readonly log: () => string;
  /** Sends a signal, and waits for the end. Returns the exit code, or null when the signal ended it. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

/** The command as it ships. */
export const STELE = join(process.cwd(), 'dist', 'cli', 'main.js');

/**
 * Starts `stele serve` on a data folder; `args` are further flags, which go before those that say where the log is, and
 * `environment` further variables. Rejects with its standard error when it ends.
 */
export async function startDaemon(
  data: string,
  args: readonly string[] = [],
  environment: Readonly<Record<string, string>> = {},
): Promise<Daemon> {
  const child = spawn(
    process.execPath,
    [STELE, 'serve', '--data', data, '--listen', '127.0.0.1:0', ...storeFlags(data), ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...BUCKET?.environment, ...environment },
    },
  );
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

/** Flags of a log that is in the bucket of this run. It publishes as often as one in a folder. */
function storeFlags(data: string): readonly string[] {
  if (BUCKET === undefined) return [];
  const { name, flags } = placeOf(data);
  return ['--store', name, ...flags, '--batch-age', '200ms'];
}

/** Runs `use` with a temporary folder, which is gone afterwards. */
export async function withFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'stele-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
