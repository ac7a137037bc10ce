/**
 * Lies that a server may tell, as tables: what is answered in the place of a file, and what the reader says to it.
 */
import type { ServerResponse } from 'node:http';
import type { Fault, TestLog, TestServer } from './reader.js';

export interface Logs {
  /** Of 1300 entries, seen before at 700. */
  readonly log: TestLog;
  /** The same, later. */
  readonly larger: TestLog;
  /** By the same key, with other entries. */
  readonly forked: TestLog;
  /** The same entries by another key. */
  readonly rekeyed: TestLog;
  /** The same entries and key, of another origin. */
  readonly stranger: TestLog;
}

/** The name, code, path and message of the error by which a reader refuses a lie. */
export type Refusal = readonly [string, string | undefined, string | RegExp | undefined, RegExp];

export interface HostileCase {
  readonly name: string;
  readonly fault: (logs: Logs, server: TestServer, elsewhere: TestServer) => Fault;
  /** Absent where the log is read all the same. */
  readonly error?: Refusal;
  /** False where the newest checkpoint seen stays the one of 700. */
  readonly advances?: false;
  readonly timeout?: number;
  readonly retries?: number;
}

/** Read by the comparison with the tree of 700. */
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

/** Has one path hold something else, every time or from one time on. */
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
