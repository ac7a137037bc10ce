/**
 * Measures a daemon under attack: good submissions at a steady rate beside attackers of one kind, each a process.
 * @module
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { ATTACKS } from './attacks.js';
import type { Steady } from './steady-submitter.js';

/** Attacks by name: the number of processes, and of connections in each. `none` and `hold` send no whole request. */
export const KINDS: Readonly<Record<string, { readonly processes: number; readonly connections: number }>> = {
  none: { processes: 0, connections: 0 },
  ...Object.fromEntries(Object.keys(ATTACKS).map((name) => [name, { processes: 8, connections: 1 }])),
  hold: { processes: 1, connections: 40 },
};

export interface Measured extends Steady {
  readonly attack: string;
  /** Peak of resident memory, in MB; NaN on systems other than Linux. */
  readonly peak: number;
  /** Answers of `/healthz` that were not 200, of all that were asked for, one a second. */
  readonly unhealthy: string;
}

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

/**
 * Measures one attack.
 * @param main the daemon's `dist/cli/main.js`.
 */
export async function measure(
  main: string,
  attack: string,
  perSecond: number,
  seconds: number,
): Promise<Measured> {
  const { processes, connections } = KINDS[attack] ?? { processes: 0, connections: 0 };
  const folder = await mkdtemp(join(tmpdir(), 'stele-attack-'));
  const running: ChildProcess[] = [];
  try {
    const flags = ['--data', join(folder, 'data'), '--listen', '127.0.0.1:0', '--log-level', 'fatal'];
    const daemon = spawn(process.execPath, ['--max-semi-space-size=64', main, 'serve', ...flags], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    running.push(daemon);
    const [url = ''] = /http:\S+/.exec(await firstOutput(daemon)) ?? [];
    const attackers = Array.from({ length: processes }, () => {
      const args = [here('./attacker.js'), url, attack, String(connections)];
      return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    });
    running.push(...attackers);
    await Promise.all(attackers.map(firstOutput));
    const health = watchHealth(url);
    const args = [here('./steady-submitter.js'), url, String(perSecond), String(seconds)];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    return {
      attack,
      ...(JSON.parse(stdout) as Steady),
      peak: peakOf(daemon.pid),
      unhealthy: await health.stop(),
    };
  } finally {
    await Promise.all(
      running.map(
        (child) =>
          new Promise((resolve) => {
            child.once('exit', resolve);
            child.kill('SIGKILL');
          }),
      ),
    );
    await rm(folder, { recursive: true, force: true });
  }
}

/** Waits for a process's first output, and returns it: the process is ready then. */
function firstOutput(child: ChildProcess): Promise<string> {
  return new Promise((resolve) =>
    child.stdout?.once('data', (chunk: Buffer) => {
      resolve(chunk.toString());
    }),
  );
}

function watchHealth(url: string): { stop: () => Promise<string> } {
  let [asked, bad, isOver] = [0, 0, false];
  const watching = (async () => {
    while (!isOver) {
      const status = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) }).then(
        async (answer) => {
          await answer.arrayBuffer();
          return answer.status;
        },
        () => 0,
      );
      asked++;
      if (status !== 200) bad++;
      await sleep(1_000);
    }
  })();
  return {
    stop: async () => {
      isOver = true;
      await watching;
      return `${bad}/${asked}`;
    },
  };
}

function peakOf(pid: number | undefined): number {
  if (process.platform !== 'linux') return NaN;
  const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
}
