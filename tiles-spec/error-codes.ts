/**
 * The codes of all errors that Stele raises: a closed list, each with an example of its message. docs/errors.md says what
 * to do about each; a test compares the two, and raises every one.
 *
 * The list stands below every room that raises an error, so that a program can switch over all of them.
 * @module
 */

/**
 * For each code, whether the error is final: false where the same call, made again, can succeed without anybody's help.
 * Pure data.
 */
export const IS_FINAL = {
  /** Bytes or text do not have the form that the format demands: `note does not end in a newline`. */
  format: true,
  /**
   * A newer version of Stele wrote the object, in a form that this version does not know:
   * `claim was made by a newer version of Stele: it is of version 2, and this one knows 1. Run the newer version`.
   */
  'newer-version': true,
  /** Bytes are not DER: `it ends early`. */
  'not-der': true,
  /** The checkpoint implies an object that the log does not have: `the log has no tile/0/000.p/5`. */
  'missing-object': true,
  /** A proof or a signature does not hold: `index 7 is not in a tree of 3`. */
  proof: true,
  /** A request cannot become an entry: `hashedRekordRequestV002.signature: is missing`. */
  'invalid-entry': true,
  /**
   * The store or the disk does not hold what was written to it:
   * `tile/0/000 holds other bytes than the log's. Something else writes to this store, or it is damaged: keep it as it is, and compare it with a copy`.
   */
  'damaged-store': true,
  /**
   * A folder is where the log has a file, or a file where it has a folder:
   * `/srv/log/tile is a file, where the log has a folder. Move it away, and restore what was there from a copy`.
   */
  'wrong-file-type': true,
  /**
   * A setting, a key file or a folder cannot be used as it is:
   * `the log's URL is not an http:// or https:// URL without a query, a fragment or a password`.
   */
  configuration: true,
  /**
   * The writer does not start on this store and this staging:
   * `cannot create checkpoint: the disk is read-only (EROFS: read-only file system, open '/srv/log/checkpoint'). Fix that, and start again`.
   */
  'start-refused': true,
  /**
   * Another writer's batch was chosen for this tree size:
   * `another writer has claimed the batch from 0 to 5. One store has one writer: stop the other one, and this one goes on from there when it is started again; or leave this one stopped`.
   */
  'claim-lost': true,
  /** The log cannot take or confirm an entry at the moment: `the entry is not published yet, and may be soon; try again: a repeat joins it`. */
  unavailable: false,
  /** There is no connection to the server: `https://log.example/checkpoint: connect ECONNREFUSED 192.0.2.1:443`. */
  unreachable: false,
  /** The answer took too long: `https://log.example/checkpoint: no whole answer within 30 s`. */
  timeout: false,
  /** The connection broke in the middle of the answer: `https://log.example/checkpoint: terminated`. */
  interrupted: false,
  /** The server failed, or asks for patience: `https://log.example/checkpoint: the server answers 503`. */
  busy: false,
  /**
   * A bucket is not asked, because no credentials for it are found. The service that hands them out may be back soon:
   * `s3://bucket: get checkpoint: there are no credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role), and a public bucket is read by its https:// address: Could not load credentials from any providers`.
   */
  'no-credentials': false,
  /** The server refuses this request: `https://log.example/checkpoint: the server answers 403`. */
  refused: true,
  /** The place has no checkpoint: `there is no checkpoint: no log is here`. */
  'no-log': true,
  /** The object is longer than it can be: `https://log.example/checkpoint: has over 1048576 bytes`. */
  'too-large': true,
  /** The answer is compressed in a way that was not asked for: `https://log.example/checkpoint: has the encoding "br"`. */
  encoding: true,
  /** The server redirects to an unsafe place, or in a circle: `https://log.example/checkpoint: over 3 redirects`. */
  redirect: true,
  /**
   * The log has fewer entries than it showed before. A cache on the way may be behind, and then the next answer may be
   * good: `log.example has 3 entries, and had 5: entries were taken back, or a cache is behind`.
   */
  'rolled-back': false,
  /**
   * The log has signed two histories:
   * `log.example has signed two histories: its tree of 5 is not the one that it showed before`.
   */
  forked: true,
  /**
   * The log was seen under another key:
   * `log.example was seen with another key before: it is another log of that name, or its key was changed. If the log's operator says that it was, delete /home/user/.local/state/stele/heads/log.example.checkpoint`.
   */
  rekeyed: true,
  /**
   * The checkpoint seen last cannot be read or kept:
   * `cannot keep the newest checkpoint in /home/user/.local/state/stele/heads/log.example.checkpoint: not a directory`.
   */
  state: true,
} as const;

/** What went wrong, for programs. */
export type ErrorCode = keyof typeof IS_FINAL;
