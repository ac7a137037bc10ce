/**
 * A running log, and what its operator gives to clients.
 * @module
 */
import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { log as submit } from '../support/http.js';
import { startDaemon, type Daemon } from '../support/daemon.js';

export interface ServedLog {
  readonly url: string;
  readonly daemon: Daemon;
  /** The name in its checkpoints. */
  readonly origin: string;
  /** For the files of the client under test. It is gone with the log. */
  readonly folder: string;
  /** The store, as another web server would serve it. */
  readonly store: string;
  /** Files in `folder`, as the log served them. */
  readonly trustedRoot: string;
  readonly signingConfig: string;
  /** Files in `folder` with its key: the verifier key, and PEM. */
  readonly verifierKey: string;
  readonly publicKey: string;
  /** The size of the newest checkpoint. */
  readonly size: () => Promise<number>;
  /** Adds entries. */
  readonly add: (entries: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** The part of a trust file that tests read. */
export interface TrustedRoot {
  readonly tlogs: readonly [{ readonly publicKey: { rawBytes: string } }];
}

/** Starts a log of its own in a temporary folder. */
export async function startLog(): Promise<ServedLog> {
  const root = await mkdtemp(join(tmpdir(), 'stele-interop-'));
  const data = join(root, 'log');
  const daemon = await startDaemon(data);
  const stop = async () => {
    await daemon.stop();
    await rm(root, { recursive: true, force: true });
  };
  try {
    return { ...(await clientFiles(daemon, root)), daemon, store: join(data, 'store'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function clientFiles(
  { url, verifierKey }: Daemon,
  folder: string,
): Promise<Omit<ServedLog, 'daemon' | 'store' | 'stop'>> {
  const served = async (path: string) => {
    const response = await fetch(`${url}/${path}`);
    if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
    return response.text();
  };
  const write = async (name: string, content: string) => {
    const file = join(folder, name);
    await writeFile(file, content);
    return file;
  };
  const trustedRoot = await served('trusted_root.json');
  const [{ publicKey }] = (JSON.parse(trustedRoot) as TrustedRoot).tlogs;
  const der = Buffer.from(publicKey.rawBytes, 'base64');
  const pem = createPublicKey({ key: der, format: 'der', type: 'spki' }).export({
    format: 'pem',
    type: 'spki',
  });
  return {
    url,
    origin: verifierKey.slice(0, verifierKey.indexOf('+')),
    folder,
    trustedRoot: await write('trusted_root.json', trustedRoot),
    signingConfig: await write('signing_config.json', await served('signing_config.json')),
    verifierKey: await write('log.vkey', `${verifierKey}\n`),
    publicKey: await write('log.pem', pem.toString()),
    size: async () => Number((await served('checkpoint')).split('\n')[1]),
    add: async (entries) => {
      // By hundreds: on a busy machine more at once would not all be answered within 4 s.
      for (let left = entries; left > 0; left -= 100)
        await Promise.all(Array.from({ length: Math.min(left, 100) }, () => submit(url)));
    },
  };
}
