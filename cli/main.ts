#!/usr/bin/env node
// The `lamina` program: the command line with lamina's own stages.
import { runCli } from './cli.ts';

process.exitCode = await runCli(process.argv.slice(2), {
  registry: async () => {
    const { stageRegistry } = await import('../stages/registry.ts');
    return (await import('../stages/seal.ts')).watched(stageRegistry);
  },
  worker: new URL('./worker.js', import.meta.url),
});
