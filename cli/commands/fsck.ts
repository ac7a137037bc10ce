/**
 * `stele fsck`: checks every file of a log's newest tree.
 * @module
 */
import { UnexpectedAnswerError } from '../../reader/errors.js';
import type { FsckReport } from '../../reader/fsck.js';
import { rfc3339 } from '../../src/rfc3339.js';
import { encodeHex } from '../../tiles-spec/bytes.js';
import { counted } from '../../tiles-spec/counted.js';
import { isBadData } from '../../tiles-spec/errors.js';
import { command } from '../command.js';
import { LOG_ALTERNATIVES, LOG_SETTINGS } from '../settings/log-settings.js';
import { plain, type Progress, type Terminal } from '../terminal.js';
import { VerdictError } from '../verdict.js';

export const fsckCommand = command({
  summary: 'Check all of a log',
  details:
    'Reads every file of the tree that the checkpoint signs, and hashes all of it up to the root. Partial tiles and bundles of older trees, which a writer deletes in time, are not read.',
  arguments: [
    {
      name: 'LOG',
      description: 'its URL or folder, instead of --rekor_server',
      optional: true,
      folder: true,
    },
  ],
  settings: {
    'no-times': { description: 'leave the times out: logs of other software have none' },
    ...LOG_SETTINGS,
  },
  alternatives: [{ of: [['LOG'], ['rekor_server']] }, ...LOG_ALTERNATIVES],
  examples: [
    { what: 'A log on this machine', command: 'stele fsck stele-data' },
    { what: 'A log of others', command: 'stele fsck https://log.example.com --vkey log.vkey' },
  ],
  run: async (invocation) => {
    const { openTrustedLog, sayingWhere } = await import('../log/open-log.js');
    const { fsck } = await import('../../reader/fsck.js');
    const { isUrl } = await import('../../reader/node/open-log.js');
    const { values, terminal, args } = invocation;
    const { log, place } = await openTrustedLog(invocation, args[0]);
    const isJson = values.format === 'json';
    const hasTimes = !values['no-times'];
    let progress: Progress | undefined;
    const onProgress = (done: number, total: number) => {
      progress ??= terminal.progress('fsck', total);
      progress.update(done);
    };
    try {
      const report = await sayingWhere(place, () => fsck(log, onProgress, { times: hasTimes }));
      progress?.stop();
      // In a folder and a bucket a bundle is gzip by design; only over HTTP a header tells so.
      if (report.compressedEntryBundle !== undefined && isUrl(place)) {
        terminal.err(
          `stele: warning: ${place}/${report.compressedEntryBundle} is gzip, and is served without Content-Encoding: gzip. Stele reads it, most other clients do not: have the server send that header for tile/entries/`,
        );
      }
      if (isJson) terminal.json(reportJson(report));
      else printReport(place, report, hasTimes, terminal);
      return 0;
    } catch (error) {
      progress?.stop();
      if (!isBadData(error) && !(error instanceof UnexpectedAnswerError)) throw error;
      // Standard output names what is wrong, as it would name what is right; the error says how.
      if (!isJson) terminal.out(`${terminal.bad('WRONG')} ${plain(error.path ?? place)}`);
      throw new VerdictError(error.message, { ok: false, path: error.path ?? null });
    }
  },
});

function reportJson({ checkpoint, times }: FsckReport): object {
  return {
    ok: true,
    origin: checkpoint.origin,
    size: checkpoint.size,
    rootHash: encodeHex(checkpoint.root),
    ...(times === undefined ? {} : { first: rfc3339(times.first), last: rfc3339(times.last) }),
  };
}

function printReport(
  place: string,
  { checkpoint, times }: FsckReport,
  hasTimes: boolean,
  terminal: Terminal,
): void {
  terminal.out(
    `${place}: ${counted(checkpoint.size, 'entry')} of ${checkpoint.origin}, root ${encodeHex(checkpoint.root)}`,
  );
  if (times !== undefined) terminal.out(`sequenced from ${rfc3339(times.first)} to ${rfc3339(times.last)}`);
  const files = `every file of the tree of ${checkpoint.size}`;
  terminal.out(terminal.good(hasTimes ? `${files} is right` : `${files} but the times is right`));
}
