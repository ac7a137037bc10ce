/**
 * Where a log is in object storage: `s3://BUCKET/PREFIX`, and how its server is reached.
 * @module
 */
import { ConfigurationError } from '../errors.js';
import type { Network } from '../node/network.js';

/** A bucket, and what the names of the log's objects begin with there: nothing, or a path that ends in a slash. */
export interface S3Place {
  readonly bucket: string;
  readonly prefix: string;
}

/** How the server is reached. Credentials are found by the AWS SDK's usual chain. */
export interface S3Options {
  /** The server's URL. Default: that of AWS, for the region. */
  readonly endpoint?: string | undefined;
  /** Default: the SDK's own, and with an endpoint `AWS_REGION` or `us-east-1`. */
  readonly region?: string | undefined;
  /** The bucket's name goes into the path, and not into the host name. */
  readonly pathStyle?: boolean | undefined;
  /** For each request, in milliseconds, and as many more as a body has kilobytes. Default 30,000. */
  readonly timeout?: number | undefined;
  /** At a time; further requests wait. Default 50. */
  readonly connections?: number | undefined;
  /** Default: the internet. Credentials that the SDK fetches are fetched without. */
  readonly network?: Network | undefined;
}

/** Whether a place is in object storage. */
export function isS3(place: string): boolean {
  return place.startsWith('s3://');
}

/**
 * Reads `s3://BUCKET` or `s3://BUCKET/PREFIX`; a final slash means nothing.
 * @throws ConfigurationError
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

/** The place in its one spelling, without a slash at the end. */
export function formatS3Place({ bucket, prefix }: S3Place): string {
  return `s3://${bucket}/${prefix}`.replace(/\/$/, '');
}
