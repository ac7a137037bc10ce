import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '#src/errors.js';
import { formatS3Place, isS3, parseS3Place } from '#src/store/s3-place.js';

const bucket = fc.stringMatching(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/);
const segment = fc.stringMatching(/^[A-Za-z0-9._-]{1,20}$/).filter((text) => text !== '.' && text !== '..');

describe('parseS3Place', () => {
  it.each([
    ['s3://bucket', 'bucket', ''],
    ['s3://bucket/', 'bucket', ''],
    ['s3://bucket/log', 'bucket', 'log/'],
    ['s3://bucket/log/', 'bucket', 'log/'],
    ['s3://my.bucket-1/a/B_c/d.e-f', 'my.bucket-1', 'a/B_c/d.e-f/'],
    ['s3://b0b/.../..a/.b', 'b0b', '.../..a/.b/'],
    [`s3://${'b'.repeat(63)}/${'a'.repeat(512)}`, 'b'.repeat(63), `${'a'.repeat(512)}/`],
  ])('reads %s', (text, bucket, prefix) => {
    expect(parseS3Place(text)).toStrictEqual({ bucket, prefix });
  });

  it('reads what formatS3Place writes, with a slash at the end and without', () => {
    fc.assert(
      fc.property(bucket, fc.array(segment, { maxLength: 8 }), (bucket, segments) => {
        const place = { bucket, prefix: segments.map((one) => `${one}/`).join('') };
        const text = formatS3Place(place);
        expect(text.endsWith('/')).toBe(false);
        expect(isS3(text)).toBe(true);
        expect(parseS3Place(text)).toStrictEqual(place);
        expect(parseS3Place(`${text}/`)).toStrictEqual(place);
      }),
    );
  });

  it('throws nothing but ConfigurationError, and reads nothing that it would write otherwise', () => {
    const near = fc
      .tuple(
        fc.constantFrom('s3://', 's3:/', 'S3://', ''),
        fc.stringMatching(/^[a-z.-]{0,5}[a-zA-Z0-9_.-]{0,5}$/),
        fc.stringMatching(/^(\/[a-z.%?#:@ é\\]{0,2}){0,4}\n?$/),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), near), (text) => {
        try {
          expect(formatS3Place(parseS3Place(text))).toBe(text.replace(/\/$/, ''));
        } catch (error) {
          expect(error).toBeInstanceOf(ConfigurationError);
          expect((error as Error).message.startsWith(`${JSON.stringify(text)} is not s3://BUCKET`)).toBe(
            true,
          );
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ...['', 's3:', 's3:/bucket', 's3://', 's3:///log', 'S3://bucket', 'https://bucket', ' s3://bucket'],
    ...['s3://ab', `s3://${'b'.repeat(64)}`, 's3://Bucket', 's3://bu_cket', 's3://-bucket', 's3://bucket-'],
    ...['s3://bucket.', 's3://user:password@bucket', 's3://bucket:9000', 's3://bücket', 's3://bucket?a'],
    ...['s3://bucket//', 's3://bucket//log', 's3://bucket/a//b', 's3://bucket/log//', 's3://bucket/.'],
    ...['s3://bucket/..', 's3://bucket/a/../b', 's3://bucket/./a', 's3://bucket/a b', 's3://bucket/a%20b'],
    ...['s3://bucket/a?b', 's3://bucket/a#b', 's3://bucket/ä', 's3://bucket/a\\b', 's3://bucket/a\n'],
    ...['s3://bucket\n', 's3://bucket/\n', 's3://bucket/a\0', `s3://bucket/${'a'.repeat(513)}`],
  ])('refuses %j', (text) => {
    expect(() => parseS3Place(text)).toThrow(ConfigurationError);
  });
});

describe('isS3', () => {
  it.each([
    ['s3://bucket', true],
    ['s3://', true],
    ['S3://bucket', false],
    ['s3:bucket', false],
    ['https://s3.example/', false],
    ['./s3:/bucket', false],
  ])('of %s is %s', (text, is) => {
    expect(isS3(text)).toBe(is);
  });
});
