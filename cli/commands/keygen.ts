/**
 * `stele keygen`: makes a log's key, and prints what others need to know of it.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import { command } from '../command.js';
import { FORMAT } from '../settings/format-settings.js';
import { parseSetting } from '../settings/setting.js';
import { parseOrigin } from '../settings/units.js';

export const keygenCommand = command({
  summary: "Make a log's key",
  details:
    'Prints the verifier key, the public key in PEM and the Sigstore log id. serve makes a key when it makes a log; this makes one beforehand.',
  settings: {
    origin: {
      value: 'NAME',
      description: "the log's origin: the host name that clients will reach it by",
    },
    key: { value: 'FILE', default: './log.key', description: 'the key file to make', file: true },
    format: FORMAT,
  },
  examples: [{ what: 'A key for a log to come', command: 'stele keygen --origin log.example.com' }],
  run: async ({ values, terminal }) => {
    if (values.origin === undefined)
      throw new ConfigurationError("give --origin: a verifier key names its log's origin");
    const origin = parseSetting('origin', values.origin, parseOrigin);
    const { LogKey } = await import('../../src/keys/node/log-key.js');
    const { encodeBase64, formatVerifierKey, keyHash } = await import('../../tiles-spec/index.js');
    const key = await LogKey.create(values.key);
    const verifierKey = key.verifierKey(origin);
    const [vkey, publicKey] = [formatVerifierKey(verifierKey), key.pem.trimEnd()];
    const logId = encodeBase64(keyHash(verifierKey));
    terminal.err(`made ${values.key}`);
    if (values.format === 'json') terminal.json({ origin, vkey, publicKey, logId, file: values.key });
    else for (const line of [vkey, publicKey, logId]) terminal.out(line);
    return 0;
  },
});
