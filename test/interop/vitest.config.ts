import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { s3Project, S3_TESTS, SUITES } from '../support/s3-suites.js';

// `npm run test:faults` has Versity's gateway.
process.env['STELE_TEST_S3'] ??= 'minio';

export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    projects: [
      { extends: true, test: { name: 'clients', include: ['test/interop/*.interop.ts'] } },
      s3Project(process.env['STELE_TEST_S3'], [...SUITES, ...S3_TESTS]),
    ],
    reporters: ['verbose'],
    maxWorkers: availableParallelism(),
    // Each check runs some processes of others, on a machine that may be busy with other things.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    server: { deps: { external: [/\/dist\//] } },
  },
});
