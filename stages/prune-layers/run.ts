// The work of prune-layers: decide which layers, and write that their MLPs are gone.
import type { ContextOf } from '../../contract/define.ts';
import type { StageInput } from '../../contract/stage.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { chosenLayers } from '../../model/measure/layer-choice.ts';
import { prunedReplacements } from '../../model/sharing/replacement.ts';
import { UserError } from '../../util/errors.ts';
import { readScores } from '../common/layer-scores.ts';
import { onlyFile } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { choiceOf, type PruneLayersParams, type pruneLayers } from './declare.ts';

type Context = ContextOf<typeof pruneLayers>;

export async function choosePruned({ params, inputs, units }: Context): Promise<void> {
  const [unit] = units;
  const checkpoint = await openStored(onlyFile(inputs.model));
  await checkpoint.close();
  const { config } = checkpoint;
  const layers = await layersOf(params, config.num_hidden_layers, inputs.scores);
  const replacements = prunedReplacements(layers);
  await writeRecovery(unit.outputs.recovery, { replacements, parameters: new Map() });
  await unit.done({ ...recoveryFacts(config, replacements), pruned: layers });
}

async function layersOf(params: PruneLayersParams, depth: number, input: StageInput | undefined): Promise<number[]> {
  const choice = choiceOf(params, depth);
  if ('layers' in choice) return choice.layers;
  if (input === undefined) {
    throw new UserError(
      `stage 'prune-layers' with choose: ${params.choose} needs input 'scores' for a model of ${depth} layers: join it to a stage 'layer-similarity', or name the layers with 'layers'`,
    );
  }
  return chosenLayers(await readScores('prune-layers', input, depth), choice.scorer, choice.count);
}
