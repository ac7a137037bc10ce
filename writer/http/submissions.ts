/**
 * `POST /api/v2/log/entries`: a request becomes an entry, and is answered with its proof.
 * @module
 */
import type { BodyRequest, PostRoute } from '../../src/http/answer.js';
import type { Problem } from '../../src/http/problem.js';
import { bufferBase64 } from '../../src/node/buffer-base64.js';
import { formatTransparencyLogEntry } from '../../src/sigstore/bundle/transparency-log-entry.js';
import { ProofError } from '../../tiles-spec/index.js';
import { Patience } from '../patience.js';
import type { ValidatedEntry } from '../validation/results.js';
import { Submitter, type Validators } from '../validation/validators.js';
import type { Writer } from '../writer.js';
import type { Metrics } from './metrics.js';

export const SUBMISSIONS_PATH = '/api/v2/log/entries';

/** The answer of every route to the log, while the log is being opened. */
export const STARTING: Problem = { status: 503, message: 'the log is starting; try again' };

const FULL: Problem = { status: 503, message: 'too many entries are waiting; try again' };

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** The log that entries go to. */
export interface SubmissionLog {
  readonly writer: Pick<Writer, 'full' | 'submit'>;
  /** All 32 bytes of the log's id. */
  readonly logId: Uint8Array;
}

export interface SubmissionOptions {
  /** The log; undefined while it is being opened. */
  readonly log: () => SubmissionLog | undefined;
  readonly validators: Pick<Validators, 'validate'>;
  readonly metrics: Pick<Metrics, 'requestSize' | 'proofFailures'>;
}

/** Rekor v2's way to submit an entry. */
export function submissionRoute({ log, validators, metrics }: SubmissionOptions): PostRoute {
  const submitters = new WeakMap<object, Submitter>();
  return {
    path: SUBMISSIONS_PATH,
    hint: 'entries are submitted by POST, and read from the tiles',
    refusal: () => refusalOf(log()),
    answer: async (request) => {
      const opened = log();
      if (opened === undefined) return STARTING;
      const { writer, logId } = opened;
      metrics.requestSize.observe(request.length);
      // One deadline for all that follows. It begins here, because the body came as fast as its client sent it.
      const patience = new Patience();
      request.onEnd(() => {
        patience.end('the client has left');
      });
      const entry = await validated(request, patience);
      const published = await writer.submit(entry, patience).catch((error: unknown) => {
        if (error instanceof ProofError) metrics.proofFailures.inc();
        throw error;
      });
      const body = formatTransparencyLogEntry({ ...entry, ...published }, logId, bufferBase64);
      return { status: 201, headers: HEADERS, body };
    },
  };

  async function validated(request: BodyRequest, patience: Patience): Promise<ValidatedEntry> {
    try {
      return await validators.validate(request.pieces, submitterOf(request.connection), patience);
    } finally {
      // Publishing may take seconds, and needs only the entry.
      request.release();
    }
  }

  function submitterOf(connection: object): Submitter {
    const known = submitters.get(connection);
    if (known !== undefined) return known;
    const submitter = new Submitter();
    submitters.set(connection, submitter);
    return submitter;
  }
}

/** A log that is not open yet, or is full, reads no bodies, and validates nothing. */
function refusalOf(log: SubmissionLog | undefined): Problem | undefined {
  if (log === undefined) return STARTING;
  return log.writer.full ? FULL : undefined;
}
