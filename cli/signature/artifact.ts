/**
 * The artifact that a command is about: a file, read once, or its digest.
 * @module
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { reasonOf, systemMessage } from '../../src/node/system-error.js';
import { DIGEST_NAMES, DIGESTS, type DigestName } from '../../src/signatures/digests.js';
import { artifactOfDigests, type Artifact } from '../../src/sigstore/verify/node/artifact-signature.js';
import { concatBytes } from '../../tiles-spec/bytes.js';
import { decodeHex } from '../../tiles-spec/index.js';
import { SettingError } from '../settings/setting.js';

/** The settings that name an artifact. */
export interface ArtifactSettings {
  readonly artifact: string | undefined;
  readonly 'artifact-hash': string | undefined;
}

/** Files up to this many bytes are kept in memory: a few old kinds of signature are over the artifact itself. */
const MOST_KEPT = 64 * 1024 ** 2;

/**
 * Reads the artifact that the settings name; undefined where they name none. At most one of the two is given.
 * @throws ConfigurationError
 */
export async function readArtifact(settings: ArtifactSettings): Promise<Artifact | undefined> {
  const { artifact, 'artifact-hash': given } = settings;
  if (artifact !== undefined) return readFileArtifact(artifact);
  return given === undefined ? undefined : artifactOfDigests(parseArtifactHash(given));
}

/** Reads a file in pieces. @throws ConfigurationError where it is no file, or cannot be read to its end. */
export async function* openArtifact(file: string): AsyncGenerator<Uint8Array> {
  const what = '--artifact';
  try {
    if (!(await stat(file)).isFile()) throw new SettingError(what, `${file} is not a file`);
    yield* createReadStream(file) as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (error instanceof SettingError || systemMessage(error) === undefined) throw error;
    throw new SettingError(what, `cannot read ${file}: ${reasonOf(error)}`);
  }
}

async function readFileArtifact(file: string): Promise<Artifact> {
  const hashes = DIGEST_NAMES.map((name) => [name, createHash(name)] as const);
  let chunks: Uint8Array[] | undefined = [];
  let length = 0;
  for await (const chunk of openArtifact(file)) {
    for (const [, hash] of hashes) hash.update(chunk);
    length += chunk.length;
    if (length > MOST_KEPT) chunks = undefined;
    chunks?.push(chunk);
  }
  const digests = Object.fromEntries(hashes.map(([name, hash]) => [name, new Uint8Array(hash.digest())]));
  return { ...artifactOfDigests(digests), ...(chunks === undefined ? {} : { bytes: concatBytes(chunks) }) };
}

/** A digest's name and a colon, or nothing, before hexadecimal. */
const ARTIFACT_HASH = new RegExp(`^(?:(${DIGEST_NAMES.join('|')}):)?([0-9a-f]+)$`, 'i');

/** A digest in hexadecimal. Where its name is not before it, its length tells the name. */
function parseArtifactHash(text: string): Partial<Record<DigestName, Uint8Array>> {
  const [, prefix, digits = ''] = ARTIFACT_HASH.exec(text) ?? [];
  const type = DIGESTS.find(({ length }) => length * 2 === digits.length);
  if (type === undefined || (prefix !== undefined && prefix.toLowerCase() !== type.name)) {
    throw new SettingError('--artifact-hash', `it is not a ${DIGEST_NAMES.join(' or ')} in hexadecimal`);
  }
  return { [type.name]: decodeHex(digits.toLowerCase()) };
}
