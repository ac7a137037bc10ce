/**
 * `stele trust --pin`: fetches a log's trust file, and keeps it.
 * @module
 */
import { isRemote } from '../../../reader/node/open-log.js';
import { ConfigurationError } from '../../../src/errors.js';
import { encodeBase64 } from '../../../tiles-spec/index.js';
import { normalUrl, pin } from '../../log/pins.js';
import type { Terminal } from '../../terminal.js';
import { fetchLog, type LogAccess } from './fetched-log.js';

interface PinInvocation extends LogAccess {
  readonly args: readonly string[];
  readonly values: LogAccess['values'] & { readonly format: string };
  readonly terminal: Terminal;
}

/** Pins the log at the one URL that is given: the key in its trust file is believed from then on. */
export async function pinLog(invocation: PinInvocation): Promise<number> {
  const { values, args, environment, terminal } = invocation;
  const [place, ...others] = args;
  if (place === undefined || others.length > 0 || !isRemote(place)) {
    throw new ConfigurationError(
      '--pin takes one URL, with http://, https:// or s3://: stele trust --pin https://log.example.com',
    );
  }
  const url = normalUrl(place);
  const log = await fetchLog(url, invocation);
  const file = await pin(environment, url, log);
  if (values.format === 'json') {
    terminal.json({ url, origin: log.origin, vkey: log.vkey, logId: encodeBase64(log.logId), file });
    return 0;
  }
  terminal.out(`Pinned:   ${url}`);
  terminal.out(`Origin:   ${log.origin}`);
  terminal.out(`Key:      ${terminal.bold(log.vkey)}`);
  terminal.out(`Log id:   ${encodeBase64(log.logId)}`);
  terminal.out(`Since:    ${new Date(log.validFor.start ?? 0).toISOString()}`);
  terminal.out(`Kept in:  ${file}`);
  if (values.vkey === undefined) {
    terminal.out(
      terminal.dim(
        'This key came from the log itself, this once: compare it with what the operator publishes.',
      ),
    );
  }
  return 0;
}
