import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: join(import.meta.dirname, '..', '..'),
  test: {
    include: ['test/interop/*.interop.ts'],
    reporters: ['verbose'],
    maxWorkers: availableParallelism(),
    // Each check runs some processes of others, on a machine that may be busy with other things.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    server: { deps: { external: [/\/dist\//] } },
  },
});
