/**
 * A time stamp authority: Sigstore's own server, with keys of its own in memory.
 * @module
 */
import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface TimestampAuthority {
  /** Where time stamps are asked for. */
  readonly url: string;
  /** Its certificates from the one that stamps to the root, PEM, as it serves them. */
  readonly chain: string;
  readonly stop: () => Promise<void>;
}

/** Where it serves metrics, on every address, whatever one says: so there is one at a time on a machine. */
const METRICS_IN_USE = /listen tcp :2112: bind: address already in use/;
const PATIENCE = 120_000;

/** Starts one on a free port of 127.0.0.1; waits while another one runs on this machine. */
export async function startTimestampAuthority(program: string, folder: string): Promise<TimestampAuthority> {
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    try {
      return await start(program, folder);
    } catch (error) {
      const isInUse = error instanceof Error && METRICS_IN_USE.test(error.message);
      if (!isInUse || Date.now() > deadline) throw error;
    }
    await sleep(500);
  }
}

/** @throws Error with what it wrote when it does not come up. */
async function start(program: string, folder: string): Promise<TimestampAuthority> {
  const child = spawn(
    program,
    [
      'serve',
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--timestamp-signer',
      'memory',
      '--disable-ntp-monitoring',
    ],
    // It looks for a configuration in its home and its working folder.
    { cwd: folder, env: { HOME: folder }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let output = '';
  const ended = new Promise<void>((resolve) => {
    child.once('close', resolve);
  });
  const listening = new Promise<string>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(output) ?? [];
      if (url !== undefined) resolve(url);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', reject);
    child.once('close', () => {
      reject(new Error('it ended'));
    });
  });
  const stop = async () => {
    // It waits for its clients' connections otherwise, and has nothing to keep.
    child.kill('SIGKILL');
    await ended;
  };
  try {
    const url = `${await listening}/api/v1/timestamp`;
    const answer = await fetch(`${url}/certchain`);
    if (!answer.ok) throw new Error(`it answered ${answer.status}`);
    return { url, chain: await answer.text(), stop };
  } catch (error) {
    await stop();
    throw new Error(`timestamp-server: ${error instanceof Error ? error.message : ''}\n${output}`, {
      cause: error,
    });
  }
}
