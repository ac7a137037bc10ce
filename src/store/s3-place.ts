/**
 * The place of a log in object storage, `s3://BUCKET/PREFIX`, and how to reach its server.
 * @module
 */
import { ConfigurationError } from '../errors.js';
import type { Network } from '../node/network.js';

/** A bucket, and the prefix of the log's objects in it. */
export interface S3Place {
  readonly bucket: string;
  /** Empty, or a path that ends in a slash. */
  readonly prefix: string;
}

/** How to reach the server. Credentials come from the AWS SDK's usual chain: the environment, a profile, or a role. */
export interface S3Options {
  /** The server's URL. Default: that of AWS for the region. */
  readonly endpoint?: string | undefined;
  /** Default: with an endpoint, `AWS_REGION` or else `us-east-1`; without, the SDK's own. */
  readonly region?: string | undefined;
  /** Whether the bucket's name goes into the path, instead of the host name. Default false. */
  readonly pathStyle?: boolean | undefined;
  /** The time limit of a request, in milliseconds; each kilobyte of a body adds one. Default 30,000. */
  readonly timeout?: number | undefined;
  /** Connections at a time; further requests wait. Default 50. */
  readonly connections?: number | undefined;
  /** Proxies and authorities. Default: none. The SDK does not use them where it fetches credentials. */
  readonly network?: Network | undefined;
}

/** Whether a place is in object storage. */
export function isS3(place: string): boolean {
  return place.startsWith('s3://');
}

/**
 * Parses `s3://BUCKET` or `s3://BUCKET/PREFIX`, with or without a final slash.
 * @throws ConfigurationError unless the prefix has at most 512 characters, letters, digits, `.`, `_`, `-` and slashes.
 */
export function parseS3Place(text: string): S3Place {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(text) ?? [];
  const segments = path.replace(/\/$/, '').split('/');
  const isPlain = path === '' || segments.every((segment) => /^(?!\.{1,2}$)[A-Za-z0-9._-]+$/.test(segment));
  if (bucket === undefined || !isPlain || path.length > 512) {
    throw new ConfigurationError(
      `${JSON.stringify(text)} is not s3://BUCKET or s3://BUCKET/PREFIX, with a prefix of letters, digits, dots, dashes and slashes`,
    );
  }
  return { bucket, prefix: path === '' ? '' : `${segments.join('/')}/` };
}

/** The place as text, without a slash at the end: equal for equal places. */
export function formatS3Place({ bucket, prefix }: S3Place): string {
  return `s3://${bucket}/${prefix}`.replace(/\/$/, '');
}
