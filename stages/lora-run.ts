// The work of lora: recovery parameters at their start beside those that came in.
import { openLlama } from '../model/checkpoint.ts';
import type { LlamaConfig } from '../model/config.ts';
import { createRecovery, disposeRecovery, joinRecoveries, type Recovery } from '../model/recovery.ts';
import { readRecovery, writeRecovery } from '../model/recovery-file.ts';
import { ownReplacements } from '../model/replacement.ts';
import type { StageContext, StageInput } from '../spec/stage.ts';
import { type LoraParams, loraLayers } from './lora.ts';
import { onlyFile, startBackend } from './model-input.ts';
import { recoveryFacts } from './recovery-facts.ts';

export async function run(context: StageContext): Promise<void> {
  const [task] = context.tasks;
  if (task === undefined) return;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const params = context.params as LoraParams;
  const checkpoint = await openLlama(onlyFile(context.inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const incoming = await incomingRecovery(context.inputs.recovery, config);
  const replaced = incoming.replacements.map(({ target }) => target);
  const chosen = loraLayers(params, config.num_hidden_layers, replaced);
  const own = createRecovery(config, ownReplacements(chosen, params.rank), { init: params.init, seed: context.seed });
  const recovery = joinRecoveries(config, [incoming, own], "stage 'lora'");
  try {
    await writeRecovery(task.outputs.recovery as string, recovery);
    await task.done(recoveryFacts(config, recovery.replacements));
  } finally {
    disposeRecovery(recovery);
  }
}

async function incomingRecovery(input: StageInput | undefined, config: LlamaConfig): Promise<Recovery> {
  if (input === undefined) return { replacements: [], parameters: new Map() };
  return readRecovery(Object.values(input.files), config);
}
