/**
 * `stele fsck`: checks every file of a log.
 * @module
 */
import { fsck as checkLog, UnexpectedAnswerError } from '../reader/index.js';
import { isUrl } from '../reader/node/index.js';
import { encodeHex, FormatError, ProofError } from '../tiles-spec/index.js';
import type { Invocation } from './command.js';
import { openTrustedLog, sayingWhere } from './open-log.js';
import type { FSCK_SETTINGS } from './settings.js';
import { entries, plain, type Progress } from './terminal.js';

export async function fsck(invocation: Invocation<typeof FSCK_SETTINGS>): Promise<number> {
  const { values, terminal, args } = invocation;
  const { log, place } = await openTrustedLog(invocation, args[0] ?? values.rekor_server);
  const withTimes = !values['no-times'];
  let progress: Progress | undefined;
  const onProgress = (done: number, total: number) => {
    progress ??= terminal.progress('fsck', total);
    progress.update(done);
  };
  try {
    const { checkpoint, times, compressedEntryBundle } = await sayingWhere(place, () =>
      checkLog(log, onProgress, { times: withTimes }),
    );
    progress?.stop();
    // A folder and a bucket hold bundles so; no header is seen there.
    if (compressedEntryBundle !== undefined && isUrl(place)) {
      terminal.err(
        `stele: warning: ${place}/${compressedEntryBundle} is gzip, and is served without Content-Encoding: gzip. Stele reads it, most other clients do not: have the server send that header for tile/entries/`,
      );
    }
    if (values.format === 'json') {
      terminal.json({
        ok: true,
        origin: checkpoint.origin,
        size: checkpoint.size,
        rootHash: encodeHex(checkpoint.root),
        ...(times === undefined ? {} : { first: rfc3339(times.first), last: rfc3339(times.last) }),
      });
    } else {
      terminal.out(
        `${place}: ${entries(checkpoint.size)} of ${checkpoint.origin}, root ${encodeHex(checkpoint.root)}`,
      );
      if (times !== undefined)
        terminal.out(`sequenced from ${rfc3339(times.first)} to ${rfc3339(times.last)}`);
      terminal.out(terminal.good(withTimes ? 'every file is right' : 'every file but the times is right'));
    }
    return 0;
  } catch (error) {
    progress?.stop();
    const isWrong =
      error instanceof FormatError || error instanceof ProofError || error instanceof UnexpectedAnswerError;
    if (!isWrong) throw error;
    if (values.format === 'json')
      terminal.json({ ok: false, path: error.path ?? null, message: error.message });
    else terminal.out(`${terminal.bad('WRONG')} ${plain(error.message)}`);
    return 1;
  }
}

function rfc3339(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
