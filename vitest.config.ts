import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { s3Project, SUITES } from './test/support/s3-suites.js';

export default defineConfig({
  test: {
    projects: [
      // What a newcomer waits for: `npm test`.
      {
        extends: true,
        test: { name: 'folder', include: ['test/**/*.test.ts'], exclude: ['test/faults/**'] },
      },
      // What takes longer: `npm run test:faults`.
      { extends: true, test: { name: 'faults', include: ['test/faults/**/*.test.ts'] } },
      // Some of both once more, with their logs in a bucket.
      s3Project('s3', SUITES),
    ],
    // Every processor: much of the time goes by in waiting for daemons.
    maxWorkers: availableParallelism(),
    // Long, for a machine that is busy with other things: what hangs is rare, and what is only slow is no fault.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Tests import the built package (`#…` is `dist/…`): what they run, worker threads included, is what ships.
    // On Node 20, of the AWS SDK, where tests use it themselves.
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    server: { deps: { external: [/\/dist\//] } },
  },
});
