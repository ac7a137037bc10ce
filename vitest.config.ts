import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // Tests import the built package (`#…` is `dist/…`): what they run, worker threads included, is what ships.
    server: { deps: { external: [/\/dist\//] } },
  },
});
