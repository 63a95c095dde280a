// The work of lora: recovery parameters at their start beside those that came in.

import type { ContextOf } from '../../contract/define.ts';
import type { StageInput } from '../../contract/stage.ts';
import type { LlamaConfig } from '../../model/architecture/config.ts';
import { openLlama } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { createRecovery, disposeRecovery, joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import { ownReplacements } from '../../model/sharing/replacement.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { type lora, loraLayers } from './declare.ts';

type Context = ContextOf<typeof lora>;

export async function startLora(context: Context): Promise<void> {
  const [task] = context.tasks;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const params = context.params;
  const checkpoint = await openLlama(onlyFile(context.inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const incoming = await incomingRecovery(context.inputs.recovery, config);
  const replaced = incoming.replacements.map(({ target }) => target);
  const chosen = loraLayers(params, config.num_hidden_layers, replaced);
  const own = createRecovery(config, ownReplacements(chosen, params.rank), { init: params.init, seed: context.seed });
  const recovery = joinRecoveries(config, [incoming, own], "stage 'lora'");
  try {
    await writeRecovery(task.outputs.recovery, recovery);
    await task.done(recoveryFacts(config, recovery.replacements));
  } finally {
    disposeRecovery(recovery);
  }
}

async function incomingRecovery(input: StageInput | undefined, config: LlamaConfig): Promise<Recovery> {
  if (input === undefined) return { replacements: [], parameters: new Map() };
  return readRecovery(Object.values(input.files), config);
}
