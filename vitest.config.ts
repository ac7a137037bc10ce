import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Every processor: much of the time goes by in waiting for daemons.
    maxWorkers: availableParallelism(),
    // Long, for a machine that is busy with other things: what hangs is rare, and what is only slow is no fault.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // Tests import the built package (`#…` is `dist/…`): what they run, worker threads included, is what ships.
    server: { deps: { external: [/\/dist\//] } },
  },
});
