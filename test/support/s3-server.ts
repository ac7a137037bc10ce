/**
 * A real S3 server for tests, on a free port and a temporary folder: Versity's gateway, or MinIO where STELE_TEST_S3 is
 * `minio`. Where STELE_TEST_S3_ENDPOINT is set, the server at that URL, with the credentials in the environment.
 * @module
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  paginateListObjectsV2,
  PutBucketPolicyCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { tool } from '../tools.mjs';
import { freePort } from './free-port.js';

export interface S3Server {
  readonly endpoint: string;
  /** The credentials, by the names of the SDK's environment variables. */
  readonly environment: Readonly<Record<string, string>>;
  /** The folder where Versity's gateway keeps each bucket as a folder of plain files. */
  readonly folder: string | undefined;
  /** The SDK's own client, to read or change stored objects. */
  readonly client: S3Client;
  /** Makes a bucket, and returns its name. */
  newBucket(): Promise<string>;
  stop(): Promise<void>;
}

const USER = 'stele-test';
const PASSWORD = 'stele-test-password';

/** The environment variables in which the SDK looks for credentials. */
const CREDENTIALS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'] as const;

/** How many times the start of a server is tried: another process may take a free port first. */
const TRIES = 3;

type Kind = 'versitygw' | 'minio';

/** Makes sure that a server can be started. @throws Error with the reason why none can. */
export async function findS3Server(): Promise<void> {
  if (process.env['STELE_TEST_S3_ENDPOINT'] === undefined) await tool(kindWanted());
}

/** @throws Error where there is no server, and none can be installed. */
export async function startS3Server(kind: Kind = kindWanted()): Promise<S3Server> {
  const endpoint = process.env['STELE_TEST_S3_ENDPOINT'];
  if (endpoint !== undefined) return serverAt(endpoint);
  const program = await tool(kind);
  for (let attempt = 1; ; attempt++) {
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
    const exited = once(child, 'exit');
    const stop = async () => {
      child.kill('SIGKILL');
      await exited;
      await rm(folder, { recursive: true, force: true });
    };
    try {
      await untilReady(address, child);
    } catch (error) {
      await stop();
      if (attempt < TRIES) continue;
      throw error;
    }
    const environment = {
      AWS_ACCESS_KEY_ID: USER,
      AWS_SECRET_ACCESS_KEY: PASSWORD,
      AWS_REGION: 'us-east-1',
    };
    const client = clientOf(`http://${address}`, environment);
    return {
      endpoint: `http://${address}`,
      environment,
      folder: kind === 'versitygw' ? folder : undefined,
      client,
      newBucket: () => newBucket(client),
      stop: async () => {
        client.destroy();
        await stop();
      },
    };
  }
}

/** A server that runs already. Buckets made here are deleted at the end. */
function serverAt(endpoint: string): S3Server {
  const given = [...CREDENTIALS, 'AWS_REGION'].map((name) => [name, process.env[name] ?? ''] as const);
  const environment = {
    AWS_REGION: 'us-east-1',
    ...Object.fromEntries(given.filter(([, value]) => value !== '')),
  };
  const client = clientOf(endpoint, environment);
  const buckets: string[] = [];
  return {
    endpoint,
    environment,
    folder: undefined,
    client,
    newBucket: async () => {
      const bucket = await newBucket(client);
      buckets.push(bucket);
      return bucket;
    },
    stop: async () => {
      for (const bucket of buckets) await removeBucket(client, bucket);
      client.destroy();
    },
  };
}

function clientOf(endpoint: string, environment: Readonly<Record<string, string>>): S3Client {
  const [accessKeyId = '', secretAccessKey = '', sessionToken] = CREDENTIALS.map((name) => environment[name]);
  return new S3Client({
    endpoint,
    region: environment['AWS_REGION'] ?? '',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
  });
}

async function newBucket(client: S3Client): Promise<string> {
  const bucket = `stele-${randomUUID()}`;
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return bucket;
}

/** The keys in a bucket that begin with `prefix`, in order. */
export async function keysIn(client: S3Client, bucket: string, prefix = ''): Promise<string[]> {
  const keys: string[] = [];
  for await (const { Contents: objects = [] } of paginateListObjectsV2(
    { client },
    { Bucket: bucket, Prefix: prefix },
  )) {
    keys.push(...objects.map(({ Key: key = '' }) => key));
  }
  return keys.sort();
}

async function removeBucket(client: S3Client, bucket: string): Promise<void> {
  for (const key of await keysIn(client, bucket))
    await client.send(new DeleteObjectCommand({ Bucket: bucket, Key: key }));
  await client.send(new DeleteBucketCommand({ Bucket: bucket }));
}

/**
 * Lets everybody read a bucket, as the operator of a public log does. They may also list it, so that a missing object
 * is answered by 404 and not by 403. Returns the bucket's URL.
 */
export async function publishBucket({ client, endpoint }: S3Server, bucket: string): Promise<string> {
  const statement = (action: string, resource: string) => ({
    Effect: 'Allow',
    Principal: { AWS: ['*'] },
    Action: [action],
    Resource: [`arn:aws:s3:::${resource}`],
  });
  const policy = {
    Version: '2012-10-17',
    Statement: [statement('s3:GetObject', `${bucket}/*`), statement('s3:ListBucket', bucket)],
  };
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: JSON.stringify(policy) }));
  return `${endpoint}/${bucket}`;
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

/** Waits until the server answers HTTP, with any status. */
async function untilReady(address: string, server: ChildProcess): Promise<void> {
  for (let wait = 0; wait < 600; wait++) {
    if (server.exitCode !== null) throw new Error(`the S3 server ended with ${server.exitCode}`);
    const answers = await new Promise<boolean>((resolve) => {
      const socket = connect(Number(address.split(':')[1]), '127.0.0.1')
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
  throw new Error(`the S3 server at ${address} does not answer`);
}
