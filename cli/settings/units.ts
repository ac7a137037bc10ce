/**
 * Values with units, as flags, environment and configuration file spell them.
 * @module
 */
import { isIPv6 } from 'node:net';
import { ConfigurationError } from '../../src/errors.js';
import { parseDecimal } from '../../tiles-spec/decimal.js';

const MILLISECONDS: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };
const BYTES: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 };

/** `200ms`, `1s`, `5m`, `1h`, in milliseconds. */
export function parseDuration(text: string): number {
  return parseWithUnit(text, MILLISECONDS, 'a duration such as 200ms or 1s');
}

/** `4MiB`, `512KiB`, `100B`, in bytes. */
export function parseSize(text: string): number {
  return parseWithUnit(text, BYTES, 'a size such as 4MiB or 512KiB');
}

function parseWithUnit(text: string, units: Record<string, number>, what: string): number {
  const [, digits = '', unit = ''] = /^([0-9]{1,9})([A-Za-z]+)$/.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (factor === undefined) throw new ConfigurationError(`${JSON.stringify(text)} is not ${what}`);
  return Number(digits) * factor;
}

/** The longest request body, 1B to 64MiB: 64 MiB is half of the memory for all bodies together. */
export function parseBodySize(text: string): number {
  const size = parseSize(text);
  if (size < 1 || size > 64 * 1024 ** 2) throw new ConfigurationError(`${text} is not from 1B to 64MiB`);
  return size;
}

/** An integer from 1 to 1,000,000. */
export function parseCount(text: string): number {
  if (!/^[1-9][0-9]{0,6}$/.test(text) || Number(text) > 1_000_000) {
    throw new ConfigurationError(`${JSON.stringify(text)} is not a whole number from 1 to 1000000`);
  }
  return Number(text);
}

/** An index, a size or a number of tries: a whole number from 0, exact to 2^53 - 1. */
export function parseNumber(text: string): number {
  try {
    return parseDecimal(text, 'number');
  } catch {
    throw new ConfigurationError(`${JSON.stringify(text)} is not a whole number from 0 to 2^53 - 1`);
  }
}

/** Where a server listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `HOST:PORT`; an IPv6 host is in brackets, and port 0 picks a free one. */
export function parseAddress(text: string): Address {
  const [, bracketed, plain, port = ''] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || Number(port) > 65_535) {
    throw new ConfigurationError(`${JSON.stringify(text)} is not HOST:PORT`);
  }
  return { host, port: Number(port) };
}

/** An http or https URL without query, fragment, credentials and final slash. */
export function parseBaseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url?.search === '' && url.hash === '' && url.username === '' && url.password === '';
  if (url === undefined || !/^https?:$/.test(url.protocol) || !plain) {
    throw new ConfigurationError(
      `${JSON.stringify(text)} is not an http or https URL without query and fragment`,
    );
  }
  return url.href.replace(/\/+$/, '');
}

/** A log's origin: a bare host name in lower case, no port. */
export function parseOrigin(text: string): string {
  if (text === '0.0.0.0' || isIPv6(text) || text.startsWith('[')) {
    throw new ConfigurationError(
      `${text} cannot be a log's origin: it is no name that clients reach it by. Give --public-url with a host name, or --origin`,
    );
  }
  if (!/^[a-z0-9](?:[a-z0-9.-]{0,252}[a-z0-9])?$/.test(text)) {
    throw new ConfigurationError(
      `${JSON.stringify(text)} cannot be a log's origin: it is a bare host name in lower case, without port`,
    );
  }
  return text;
}
