import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    pool: 'forks',
    maxWorkers: 2, // vitest would leave one of two cores idle
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
