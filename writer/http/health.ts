/**
 * `GET /healthz`: whether the log works, as its readers see it.
 * @module
 */
import type { ReadRoute } from '../../src/http/answer.js';
import type { Fault } from '../fault.js';

/** How long an answer is reused, in milliseconds: finding a fault reads the store. */
const MAX_AGE = 1_000;

const HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' };

/** @param fault finds what is wrong with the log; gives undefined where nothing is. */
export function healthRoute(fault: () => Promise<Fault | undefined>): ReadRoute {
  let known: { at: number; fault: Promise<Fault | undefined> } | undefined;
  return {
    path: '/healthz',
    answer: async () => {
      if (known === undefined || performance.now() - known.at > MAX_AGE)
        known = { at: performance.now(), fault: fault() };
      const found = await known.fault;
      const health =
        found === undefined
          ? { status: 'SERVING' }
          : { status: 'NOT_SERVING', code: found.code, reason: found.reason };
      return { status: found === undefined ? 200 : 503, headers: HEADERS, body: JSON.stringify(health) };
    },
  };
}
