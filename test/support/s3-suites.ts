/**
 * The suites that are also run with their logs in a bucket of a real S3 server.
 * @module
 */
import { join } from 'node:path';
import type { TestProjectInlineConfiguration } from 'vitest/config';

/** The suites of the log and of the reader that go through a store. */
export const SUITES = [
  ...[
    'http/http',
    'http/metrics',
    'http/openapi',
    'http/partials',
    'http/trust-files',
    'http/vectors',
    'reader/fsck',
    'reader/open',
    'sigstore/sigstore',
  ].map((suite) => `test/integration/${suite}.test.ts`),
  ...['concurrency', 'daemon-kill', 'fsck-faults', 'http-signals', 'reader-state'].map(
    (suite) => `test/faults/${suite}.test.ts`,
  ),
];

// Left out are suites in which the store has no part: command lines and their refusals (bad-input, cli), servers that
// the test itself plays (reader-hostile, reader-memory), and logs that are in no store (fsck-edge). Also refusals*, in
// which an operator restores and mixes up folders; and fsck-changes, which would take minutes for hundreds of checks of
// a log of 66,000 entries.

/** Tests of S3 alone. Each starts a server of its own. */
export const S3_TESTS = [
  ...['store', 'errors', 'probe'].map((suite) => `test/integration/store/s3-${suite}.test.ts`),
  ...['s3-daemon', 'cli-s3'].map((suite) => `test/faults/${suite}.test.ts`),
];

/** A project of suites, on the server that STELE_TEST_S3 and STELE_TEST_S3_ENDPOINT choose. */
export function s3Project(name: string, include: readonly string[]): TestProjectInlineConfiguration {
  return {
    extends: true,
    test: {
      name,
      include: [...include],
      globalSetup: [join(import.meta.dirname, 's3-setup.ts')],
      runner: join(import.meta.dirname, 's3-runner.ts'),
    },
  };
}
