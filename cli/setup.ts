// What the `lamina` program brings to its commands: its own stages, its worker and its jobs.
import type { StageRegistry } from '../contract/stage.ts';
import type { Setup } from './common/context.ts';

/** For one command: a user's stages are put into its registry when a spec names them. */
export function laminaSetup(): Setup {
  let registry: Promise<StageRegistry> | undefined;
  return {
    registry: () => {
      registry ??= sealedStages();
      return registry;
    },
    worker: new URL('./worker.js', import.meta.url),
    job: new URL('./carry-out.js', import.meta.url),
  };
}

async function sealedStages(): Promise<StageRegistry> {
  const { stageRegistry } = await import('../stages/registry.ts');
  return (await import('../stages/seal.ts')).watched(stageRegistry);
}
