// The work of share: make the recovery parameters of the map, untrained, and write them.
import { openLlama } from '../model/checkpoint.ts';
import { createRecovery, disposeRecovery } from '../model/recovery.ts';
import { writeRecovery } from '../model/recovery-file.ts';
import { pairs } from '../model/sharing.ts';
import type { StageContext } from '../spec/stage.ts';
import { onlyFile, startBackend } from './model-input.ts';
import { replacementOf } from './replacement.ts';
import type { ShareParams } from './share.ts';

export async function run(context: StageContext): Promise<void> {
  const [task] = context.tasks;
  if (task === undefined) return;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const { candidate, rank, init, ...map } = context.params as ShareParams;
  const checkpoint = await openLlama(onlyFile(context.inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const layers = replacementOf(map, config.num_hidden_layers);
  const recovery = createRecovery(config, pairs(layers), { candidate, rank, init, seed: context.seed });
  try {
    await writeRecovery(task.outputs.recovery as string, recovery);
    await task.done({ pairs: recovery.pairs.length, rank });
  } finally {
    disposeRecovery(recovery);
  }
}
