/**
 * Lies that a server may tell a reader: the false answer for a file, and the error by which the reader must refuse it. The
 * tests are tables of them.
 */
import type { ServerResponse } from 'node:http';
import type { Fault, TestLog, TestServer } from './reader.js';

export interface Logs {
  /** A log of 1300 entries, which the reader has seen at 700. */
  readonly log: TestLog;
  /** The same log, with more entries. */
  readonly larger: TestLog;
  /** A log by the same key, with other entries. */
  readonly forked: TestLog;
  /** A log of the same entries, by another key. */
  readonly rekeyed: TestLog;
  /** A log of the same entries and key, with another origin. */
  readonly stranger: TestLog;
}

/** The name, code, path and message of the error by which a reader refuses a lie. */
export type Refusal = readonly [string, string | undefined, string | RegExp | undefined, RegExp];

export interface HostileCase {
  readonly name: string;
  readonly fault: (logs: Logs, server: TestServer, elsewhere: TestServer) => Fault;
  /** Absent where the log is read all the same. */
  readonly error?: Refusal;
  /** False where the newest checkpoint seen must stay that of 700 entries. */
  readonly advances?: false;
  readonly timeout?: number;
  readonly retries?: number;
}

/** A tile that the comparison with the tree of 700 reads. */
export const FULL = 'tile/0/002';
export const EDGE = 'tile/0/005.p/20';
export const BUNDLE = 'tile/entries/001';
export const END = 'tile/entries/005.p/20';
export const TIMES = 'tile/times/001';

export type Answer = (response: ServerResponse, logs: Logs, count: number) => unknown;

/** Answers for one path. */
export const at =
  (wanted: string, answer: Answer): HostileCase['fault'] =>
  (logs) =>
  (path, response, count) => {
    if (path !== wanted) return false;
    answer(response, logs, count);
    return true;
  };

/** Answers one path with other bytes, always or from the request number `from` on. */
export const holds = (wanted: string, bytes: (logs: Logs) => Uint8Array, from = 0): HostileCase['fault'] => {
  let first: number | undefined;
  return (logs) => {
    first = undefined;
    return (path, response, count) => {
      if (path !== wanted) return false;
      first ??= count;
      if (count < first + from) return false;
      response.end(bytes(logs));
      return true;
    };
  };
};

export const file = (path: string) => (logs: Logs) => logs.log.file(path);
