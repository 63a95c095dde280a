// The work of share: make the replacements of the map, untrained, and write them.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { mlpNames } from '../../model/architecture/tensors.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import {
  createRecovery,
  disposeRecovery,
  joinRecoveries,
  type Recovery,
  readsWeights,
} from '../../model/sharing/recovery.ts';
import type { RunReplacement } from '../../model/sharing/replacement.ts';
import { pairs } from '../../model/sharing/sharing.ts';
import { loadTensors, onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { rankOf, replacementOf } from '../common/replacement.ts';
import type { ShareParams, share } from './declare.ts';

type Context = ContextOf<typeof share>;

export async function makeShared(context: Context): Promise<void> {
  const [unit] = context.units;
  await startBackend(context);
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const replacements = replacementsFor(context.params, config);
  const parts: Recovery[] = [];
  for (const replacement of replacements) {
    context.signal.throwIfAborted();
    parts.push(await startOf(context, config, replacement));
    context.progress({ done: parts.length, total: replacements.length, of: 'layer' });
    await nextTurn(); // the backend blocks: lets a message of the runner in
  }
  const recovery = joinRecoveries(config, parts, 'the map');
  await writeRecovery(unit.outputs.recovery, recovery);
  disposeRecovery(recovery);
  await unit.done(recoveryFacts(config, replacements));
}

function replacementsFor(params: ShareParams, config: ModelConfig): RunReplacement[] {
  const { candidate } = params;
  const map = replacementOf(params, config.num_hidden_layers);
  return pairs(map).map(({ reference, target }) => {
    return { target, reference, candidate, rank: rankOf(params, config, reference) };
  });
}

/** One target's start; where it is computed from the reference's MLP, that alone is in memory. */
async function startOf(
  { inputs, params, seed }: Context,
  config: ModelConfig,
  replacement: RunReplacement,
): Promise<Recovery> {
  const { init } = params;
  const { candidate, rank, reference } = replacement;
  if (rank === 0 || !readsWeights(candidate, init)) return createRecovery(config, [replacement], { init, seed });
  const weights = await loadTensors(onlyFile(inputs.model), () => mlpNames(config, reference));
  try {
    return createRecovery(config, [replacement], { init, seed }, weights);
  } finally {
    weights.dispose();
  }
}
