/**
 * How long and how often a log is asked.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import { parseSetting, type Settings, type Values } from './setting.js';
import { parseDuration, parseNumber } from './units.js';

export const REQUEST_SETTINGS = {
  timeout: {
    value: 'DURATION',
    default: '30s',
    description: 'how long one request may take',
    group: 'The log',
  },
  retry: {
    value: 'N',
    default: '3',
    description: 'how often a request that failed is tried again',
    group: 'The log',
  },
} as const satisfies Settings;

/** Bounds of requests to a log. */
export interface RequestBounds {
  /** For each try, in milliseconds. */
  readonly timeout: number;
  /** Tries after the first. */
  readonly retries: number;
}

/** @throws ConfigurationError */
export function requestBoundsOf(values: Values<typeof REQUEST_SETTINGS>): RequestBounds {
  return {
    timeout: parseSetting('timeout', values.timeout, parseTimeout),
    retries: parseSetting('retry', values.retry, parseNumber),
  };
}

function parseTimeout(text: string): number {
  const timeout = parseDuration(text);
  if (timeout === 0) throw new ConfigurationError(`${text} leaves a request no time`);
  return timeout;
}
