// The work of skip-sublayers: decide which layers, and write what of them is skipped.
import type { ContextOf } from '../../contract/define.ts';
import type { StageInput } from '../../contract/stage.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { bySimilarity } from '../../model/measure/layer-choice.ts';
import { disposeRecovery, joinRecoveries } from '../../model/sharing/recovery.ts';
import { skippedReplacements } from '../../model/sharing/replacement.ts';
import { UserError } from '../../util/errors.ts';
import { incomingRecovery } from '../common/incoming-recovery.ts';
import { readScores } from '../common/layer-scores.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { type SkipChoice, skipChoice, type skipSublayers } from './declare.ts';

type Context = ContextOf<typeof skipSublayers>;

export async function skipChosen(context: Context): Promise<void> {
  const { params, inputs, units } = context;
  const [unit] = units;
  await startBackend({ ...context, numerics: { ...context.numerics, backend: 'cpu' } });
  const checkpoint = await openStored(onlyFile(inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const layers = await chosenOf(context, skipChoice(params, config.num_hidden_layers), config);
  const skipped = { replacements: skippedReplacements(layers, params.sublayer), parameters: new Map() };
  const incoming = await incomingRecovery(inputs.recovery, config);
  try {
    const recovery = joinRecoveries(config, [incoming, skipped], "stage 'skip-sublayers'");
    await writeRecovery(unit.outputs.recovery, recovery);
    await unit.done({ ...recoveryFacts(config, recovery.replacements), skipped: layers });
  } finally {
    disposeRecovery(incoming);
  }
}

/** The layers that go, ascending. */
async function chosenOf({ params, inputs, warn }: Context, choice: SkipChoice, config: ModelConfig): Promise<number[]> {
  if ('layers' in choice) return [...choice.layers];
  const { num_hidden_layers: depth } = config;
  const scores = await readScores('skip-sublayers', inputs.scores as StageInput, depth);
  const ranked = bySimilarity(scores, params.sublayer, choice.among);
  const chosen =
    'count' in choice ? ranked.slice(0, choice.count) : ranked.filter((each) => each.similarity > choice.tau);
  const [highest] = ranked;
  if (chosen.length === 0 && 'tau' in choice && highest !== undefined) {
    warn(
      `no layer's ${params.sublayer} similarity exceeds tau ${choice.tau}, so nothing is skipped: the highest is ${highest.similarity.toFixed(3)}, of layer ${highest.layer}`,
    );
  }
  if (chosen.length === depth) {
    throw new UserError(
      `every layer's ${params.sublayer} similarity exceeds tau ${params.tau}, expected a tau that leaves one`,
    );
  }
  return chosen.map(({ layer }) => layer).sort((a, b) => a - b);
}
