/**
 * A real S3 server for tests, on a free port and a temporary folder: Versity's gateway, MinIO where STELE_TEST_S3 says
 * so, or whatever is at STELE_TEST_S3_ENDPOINT, with the credentials in the environment.
 * @module
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { tool } from './tools.mjs';

export interface S3Server {
  readonly endpoint: string;
  /** The credentials, as the SDK looks for them. */
  readonly environment: Readonly<Record<string, string>>;
  /** The folder in which Versity's gateway keeps each bucket as a folder of plain files. */
  readonly folder: string | undefined;
  /** Makes a bucket, and gives its name. */
  newBucket(): Promise<string>;
  stop(): Promise<void>;
}

const USER = 'stele-test';
const PASSWORD = 'stele-test-password';
const CREDENTIALS = { AWS_ACCESS_KEY_ID: USER, AWS_SECRET_ACCESS_KEY: PASSWORD, AWS_REGION: 'us-east-1' };

type Kind = 'versitygw' | 'minio';

/** @throws Error where there is no server, and none can be installed. */
export async function startS3Server(kind: Kind = kindWanted()): Promise<S3Server> {
  const endpoint = process.env['STELE_TEST_S3_ENDPOINT'];
  if (endpoint !== undefined) {
    const environment = Object.fromEntries(
      Object.keys(CREDENTIALS).map((name) => [name, process.env[name] ?? '']),
    );
    return {
      endpoint,
      environment,
      folder: undefined,
      newBucket: () => newBucket(endpoint, environment),
      stop: () => Promise.resolve(),
    };
  }
  const program = await tool(kind);
  const folder = await mkdtemp(join(tmpdir(), 'stele-s3-'));
  const address = `127.0.0.1:${await freePort()}`;
  const child = spawn(program, await argumentsOf(kind, address, folder), {
    stdio: 'ignore',
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      ROOT_ACCESS_KEY: USER,
      ROOT_SECRET_KEY: PASSWORD,
      MINIO_ROOT_USER: USER,
      MINIO_ROOT_PASSWORD: PASSWORD,
    },
  });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const stop = async () => {
    child.kill('SIGKILL');
    await exited;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await untilReady(`http://${address}`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    endpoint: `http://${address}`,
    environment: CREDENTIALS,
    folder: kind === 'versitygw' ? folder : undefined,
    newBucket: () => newBucket(`http://${address}`, CREDENTIALS),
    stop,
  };
}

function kindWanted(): Kind {
  const kind = process.env['STELE_TEST_S3'] ?? 'versitygw';
  if (kind !== 'versitygw' && kind !== 'minio')
    throw new Error(`STELE_TEST_S3 is versitygw or minio, not ${kind}`);
  return kind;
}

async function argumentsOf(kind: Kind, address: string, folder: string): Promise<string[]> {
  if (kind === 'versitygw') return ['--port', address, '--quiet', 'posix', folder];
  return [
    'server',
    '--quiet',
    '--address',
    address,
    '--console-address',
    `127.0.0.1:${await freePort()}`,
    folder,
  ];
}

async function newBucket(endpoint: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const client = new S3Client({
    endpoint,
    region: environment['AWS_REGION'] ?? 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: environment['AWS_ACCESS_KEY_ID'] ?? '',
      secretAccessKey: environment['AWS_SECRET_ACCESS_KEY'] ?? '',
    },
  });
  const bucket = `stele-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
  return bucket;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a TCP server has a port');
  return address.port;
}

/** Waits until it answers HTTP: any answer will do. */
async function untilReady(url: string): Promise<void> {
  for (let wait = 0; wait < 600; wait++) {
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1')
        .once('data', () => {
          resolve(true);
          socket.destroy();
        })
        .once('error', () => {
          resolve(false);
        })
        .once('close', () => {
          resolve(false);
        });
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n');
    });
    if (answers) return;
    await sleep(50);
  }
  throw new Error(`the S3 server at ${url} does not answer`);
}
