// The `lamina` program: the command line with lamina's own stages.
import type { StageRegistry } from '../contract/stage.ts';
import { runCli } from './cli.ts';

let registry: Promise<StageRegistry> | undefined;

process.exitCode = await runCli(process.argv.slice(2), {
  // one for the whole command: a user's stages are put into it when a spec names them
  registry: () => {
    registry ??= sealedStages();
    return registry;
  },
  worker: new URL('./worker.js', import.meta.url),
  job: new URL('./carry-out.js', import.meta.url),
});

async function sealedStages(): Promise<StageRegistry> {
  const { stageRegistry } = await import('../stages/registry.ts');
  return (await import('../stages/seal.ts')).watched(stageRegistry);
}
