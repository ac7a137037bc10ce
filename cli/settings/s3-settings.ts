/**
 * The settings of object storage: how the server behind `s3://BUCKET/PREFIX` is reached.
 * @module
 */
import { ConfigurationError } from '../../src/errors.js';
import type { S3Options } from '../../src/store/s3-place.js';
import { parseSetting, type Settings, type Values } from './setting.js';
import { parseBaseUrl } from './units.js';

const GROUP = 'Object storage (credentials as the AWS SDK finds them)';

export const S3_SETTINGS = {
  's3-endpoint': { value: 'URL', description: 'the server of s3:// (default: that of AWS)', group: GROUP },
  's3-region': {
    value: 'NAME',
    description:
      'the region of the bucket (default: as the AWS SDK finds it; with --s3-endpoint AWS_REGION or us-east-1)',
    group: GROUP,
  },
  's3-path-style': {
    description: "put the bucket's name into the path, not into the host name",
    group: GROUP,
  },
} as const satisfies Settings;

/** How the server is reached. @throws ConfigurationError */
export function s3OptionsOf(values: Values<typeof S3_SETTINGS>): S3Options {
  const optional = (name: 's3-endpoint' | 's3-region', parse: (text: string) => string) => {
    const value = values[name];
    return value === undefined ? undefined : parseSetting(name, value, parse);
  };
  return {
    endpoint: optional('s3-endpoint', parseBaseUrl),
    region: optional('s3-region', parseRegion),
    pathStyle: values['s3-path-style'],
  };
}

/**
 * The SDK writes the region into the name of the host that it asks. A region such as `x.evil.example/` would make it ask
 * another host: refuse all but a region's characters.
 */
function parseRegion(text: string): string {
  if (!/^[A-Za-z0-9-]{1,63}$/.test(text))
    throw new ConfigurationError(`${JSON.stringify(text)} is not a region such as us-east-1`);
  return text;
}
