import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    pool: 'forks',
    // what is compiled runs as Node runs it: hundreds of files that need not be transformed
    server: { deps: { external: [/^(?!.*node_modules).*\/dist\//] } },
    maxWorkers: 3, // of two cores one would often be idle: tests wait for processes
    // guards against hanging and nothing else, for a busy machine may take any time: test/architecture/time.test.ts
    testTimeout: 3_600_000,
    hookTimeout: 3_600_000,
  },
});
