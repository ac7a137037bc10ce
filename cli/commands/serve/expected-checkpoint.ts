/**
 * The checkpoint of `--expect-checkpoint`, which the log must extend.
 * @module
 */
import { readFile } from 'node:fs/promises';
import { isUrl } from '../../../reader/node/index.js';
import { ConfigurationError } from '../../../src/errors.js';
import { connectionReason } from '../../../src/node/connection-error.js';
import { openDispatcher, type Network } from '../../../src/node/network.js';
import { reasonOf } from '../../../src/node/system-error.js';

/** The longest checkpoint that is fetched, in bytes. */
const MAX_CHECKPOINT = 1 << 20;

/** The longest that fetching it may take, in milliseconds. */
const TIMEOUT = 10_000;

/**
 * Reads a checkpoint that an operator kept as a file, or that another reader of the log serves at a URL. It is not
 * verified here.
 * @throws ConfigurationError
 */
export async function readExpectedCheckpoint(place: string, network: Network): Promise<Uint8Array> {
  const isRemote = isUrl(place);
  try {
    return await (isRemote ? fetchCheckpoint(new URL(place), network) : readFile(place));
  } catch (error) {
    const reason = isRemote ? connectionReason(error, place) : reasonOf(error);
    throw new ConfigurationError(`cannot read the checkpoint ${place}: ${reason}`);
  }
}

async function fetchCheckpoint({ origin, pathname, search }: URL, network: Network): Promise<Uint8Array> {
  const limits = { connections: 1, connectTimeout: TIMEOUT, maxBody: MAX_CHECKPOINT };
  const dispatcher = await openDispatcher(network, limits);
  try {
    const { statusCode, body } = await dispatcher.request({
      ...{ origin, path: `${pathname}${search}`, method: 'GET' },
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const bytes = await body.bytes();
    if (statusCode !== 200) throw new Error(`status ${statusCode}`);
    return bytes;
  } finally {
    await dispatcher.destroy();
  }
}
