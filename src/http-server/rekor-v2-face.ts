/**
 * Problems as the clients of Rekor v2 read them: `{code, message, details}`, with gRPC's numbers as codes.
 * @module
 */
import type { Problem, ProblemStatus } from '../http/problem.js';

const GRPC_CODES: Readonly<Record<ProblemStatus, number>> = {
  400: 3,
  404: 5,
  405: 12,
  408: 4,
  413: 8,
  415: 3,
  416: 11,
  417: 3,
  431: 8,
  500: 13,
  501: 12,
  503: 14,
};

export function rekorV2Face({ status, message }: Problem): string {
  return JSON.stringify({ code: GRPC_CODES[status], message, details: [] });
}
