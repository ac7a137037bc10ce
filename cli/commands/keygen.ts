/**
 * `stele keygen`: makes a log's key, and prints what others need to know of it.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import { LogKey } from '../../src/keys/node/log-key.js';
import { encodeBase64, formatVerifierKey, keyHash } from '../../tiles-spec/index.js';
import type { Invocation } from '../command.js';
import { parseSetting } from '../settings/setting.js';
import type { KEYGEN_SETTINGS } from '../settings.js';
import { parseOrigin } from '../settings/units.js';

export async function keygen({ values, terminal }: Invocation<typeof KEYGEN_SETTINGS>): Promise<number> {
  if (values.origin === undefined)
    throw new ConfigurationError("give --origin: a verifier key names its log's origin");
  const origin = parseSetting('origin', values.origin, parseOrigin);
  const key = await LogKey.create(values.key);
  const verifierKey = key.verifierKey(origin);
  const [vkey, publicKey] = [formatVerifierKey(verifierKey), key.pem.trimEnd()];
  const logId = encodeBase64(keyHash(verifierKey));
  terminal.err(`made ${values.key}`);
  if (values.format === 'json') terminal.json({ origin, vkey, publicKey, logId, file: values.key });
  else for (const line of [vkey, publicKey, logId]) terminal.out(line);
  return 0;
}
