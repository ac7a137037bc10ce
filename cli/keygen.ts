/**
 * `stele keygen`: makes a log's key, and prints what others need to know of it.
 * @module
 */
import { ConfigurationError } from '../src/errors.js';
import { LogKey } from '../src/keys/log-key.js';
import { encodeBase64, formatVerifierKey, keyHash } from '../tiles-spec/index.js';
import { parseSetting, readSettings, type Settings } from './configuration.js';
import { parseOrigin } from './units.js';

export const KEYGEN_SETTINGS = {
  origin: { value: 'NAME', description: "the log's origin: the host name that clients will reach it by" },
  key: { value: 'FILE', default: './log.key', description: 'the key file to make' },
} as const satisfies Settings;

export async function keygen(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const values = await readSettings(KEYGEN_SETTINGS, args, environment);
  if (values.origin === undefined)
    throw new ConfigurationError("give --origin: a verifier key names its log's origin");
  const origin = parseSetting('origin', values.origin, parseOrigin);
  const file = values.key ?? KEYGEN_SETTINGS.key.default;
  const key = await LogKey.create(file);
  const verifierKey = key.verifierKey(origin);
  console.error(`made ${file}`);
  console.log(formatVerifierKey(verifierKey));
  console.log(key.pem.trimEnd());
  console.log(encodeBase64(keyHash(verifierKey)));
  return 0;
}
