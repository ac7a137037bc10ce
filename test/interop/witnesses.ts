/**
 * Witnesses of others (c2sp.org/tlog-witness), run on free ports of this machine with one log each.
 * @module
 */
import { spawn } from 'node:child_process';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sqlite3 from 'sqlite3';
import { freePort } from '../support/free-port.js';
import { witnessKeyOf, type WitnessKey } from './cosignature.js';
import { expectSuccess, run } from './program.js';

export interface Witness {
  /** Its add-checkpoint. */
  readonly url: string;
  readonly key: WitnessKey;
  readonly stop: () => Promise<void>;
}

/** A witness that can be started. */
interface WitnessProgram {
  readonly name: string;
  /** The tools that it needs. */
  readonly tools: readonly string[];
  /**
   * Starts it.
   * @param tools the path of a tool.
   * @param folder for its files.
   * @param log the verifier key of the one log that it knows.
   */
  readonly start: (tools: (name: string) => string, folder: string, log: string) => Promise<Witness>;
}

export const WITNESSES: readonly WitnessProgram[] = [
  {
    name: 'omniwitness',
    tools: ['omniwitness'],
    start: async (tools, folder, log) => {
      const { key, privateKey } = newKey('omniwitness.example');
      const [keyFile, logs] = [join(folder, 'witness.key'), join(folder, 'logs.yaml')];
      await writeFile(keyFile, privateKey);
      const known = { Logs: [{ Origin: originOf(log), PublicKey: log, URL: 'http://127.0.0.1/' }] };
      // JSON is YAML.
      await writeFile(logs, JSON.stringify(known));
      const args = ['--private_key_path', keyFile, '--additional_logs', logs, '--metrics_listen', ''];
      const address = await freeAddress();
      const stop = await startServer(tools('omniwitness'), [...args, '--listen', address], folder, address);
      return { url: `http://${address}/add-checkpoint`, key, stop };
    },
  },
  {
    name: 'litewitness',
    tools: ['litewitness'],
    start: async (tools, folder, log) => {
      const name = 'litewitness.example';
      const agent = await startAgent(folder);
      const address = await freeAddress();
      const database = join(folder, 'litewitness.db');
      const args = ['-name', name, '-db', database, '-ssh-agent', agent.socket, '-key', agent.fingerprint];
      const stop = await startServer(tools('litewitness'), [...args, '-listen', address], folder, address);
      await addLog(database, log);
      return {
        url: `http://${address}/add-checkpoint`,
        key: { name, publicKey: agent.publicKey },
        stop: async () => {
          await stop();
          agent.stop();
        },
      };
    },
  },
  {
    name: 'aics-witness',
    tools: ['python-aics'],
    start: async (tools, folder, log) => {
      const command = (name: string, ...args: string[]) => [
        '-m',
        'aics_witness',
        name,
        '--config',
        join(folder, 'witness.json'),
        ...args,
      ];
      const python = tools('python-aics');
      const init = command('init', '--name', 'aics-witness.example');
      const made = expectSuccess(await run(python, init, folder));
      const [vkey = ''] = /aics-witness\.example\+\S+/.exec(made) ?? [];
      const addLog = command('add-log', '--origin', originOf(log), '--vkey', log);
      expectSuccess(await run(python, addLog, folder));
      const address = await freeAddress();
      const stop = await startServer(python, command('serve', '--listen', address), folder, address);
      return { url: `http://${address}/add-checkpoint`, key: witnessKeyOf(vkey), stop };
    },
  },
];

function originOf(verifierKey: string): string {
  return verifierKey.slice(0, verifierKey.indexOf('+'));
}

async function freeAddress(): Promise<string> {
  return `127.0.0.1:${await freePort()}`;
}

/** A key of a witness, and the private one as Go's note package has it. */
function newKey(name: string): { key: WitnessKey; privateKey: string } {
  const { x = '', d = '' } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
  const [publicKey, seed] = [Buffer.from(x, 'base64url'), Buffer.from(d, 'base64url')];
  const ed25519 = Buffer.of(1);
  const id = createHash('sha256')
    .update(Buffer.concat([Buffer.from(`${name}\n`), ed25519, publicKey]))
    .digest('hex')
    .slice(0, 8);
  const encoded = Buffer.concat([ed25519, seed]).toString('base64');
  return { key: { name, publicKey }, privateKey: `PRIVATE+KEY+${name}+${id}+${encoded}` };
}

/** An ssh-agent, which litewitness has sign, with a key of its own. */
async function startAgent(folder: string) {
  const [socket, file] = [join(folder, 'agent.sock'), join(folder, 'ssh-key')];
  expectSuccess(await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', file], folder));
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  while (!existsSync(socket)) await sleep(20);
  expectSuccess(await run('ssh-add', ['-q', file], folder, { SSH_AUTH_SOCK: socket }));
  const [, encoded = ''] = (await readFile(`${file}.pub`, 'utf8')).split(' ');
  const blob = Buffer.from(encoded, 'base64');
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return {
    socket,
    fingerprint: `SHA256:${digest}`,
    publicKey: blob.subarray(-32),
    stop: () => agent.kill(),
  };
}

/** Has litewitness know a log. Its own program for that, witnessctl, cannot be installed by its name. */
async function addLog(database: string, verifierKey: string): Promise<void> {
  const origin = originOf(verifierKey);
  const emptyTree = createHash('sha256').digest('base64');
  const statements: readonly [string, ...string[]][] = [
    ['INSERT INTO log (origin, tree_size, tree_hash) VALUES (?, 0, ?)', origin, emptyTree],
    ['INSERT INTO key (origin, key) VALUES (?, ?)', origin, verifierKey],
  ];
  const file = new sqlite3.Database(database);
  for (const [statement, ...values] of statements) {
    await new Promise<void>((resolve, reject) => {
      file.run(statement, values, (error: Error | null) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
  }
  await new Promise((resolve) => {
    file.close(resolve);
  });
}

const PATIENCE = 60_000;

/** Starts a server, and waits until it answers. Returns what stops it. @throws Error with what it wrote when it ends. */
async function startServer(
  program: string,
  args: readonly string[],
  folder: string,
  address: string,
): Promise<() => Promise<void>> {
  const child = spawn(program, args, {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const closed = once(child, 'close');
  const stop = async () => {
    child.kill('SIGKILL');
    await closed;
  };
  const deadline = Date.now() + PATIENCE;
  for (;;) {
    if (child.exitCode !== null || Date.now() > deadline) {
      await stop();
      throw new Error(`${program} does not serve:\n${output}`);
    }
    if (await answers(address)) return stop;
    await sleep(50);
  }
}

async function answers(address: string): Promise<boolean> {
  try {
    await (await fetch(`http://${address}/`)).arrayBuffer();
    return true;
  } catch {
    return false;
  }
}
