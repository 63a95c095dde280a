// The work of prune-layers: decide which layers, and write that their MLPs are gone.
import { readFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { StageInput } from '../../contract/stage.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { chosenLayers, type LayerScores } from '../../model/measure/layer-choice.ts';
import { prunedReplacements } from '../../model/sharing/replacement.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
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
  const text = await readFile(onlyFile(input), 'utf8');
  const scores = checkScores(parseJson(text, "stage 'prune-layers': input 'scores'"), depth);
  return chosenLayers(scores, choice.scorer, choice.count);
}

/** The scores, once they are known to be those of a model of this depth. */
function checkScores(metrics: unknown, depth: number): LayerScores {
  const fields = isObject(metrics) ? metrics : {};
  const { angular, block_influence, mlp_similarity } = fields;
  const blocks = isObject(angular) ? angular : {};
  const tables = [...consecutive(1, depth).map((n) => [blocks[n], depth - n + 1] as const)];
  const complete = [...tables, [block_influence, depth] as const, [mlp_similarity, depth] as const].every(
    ([table, length]) => isScores(table, length),
  );
  if (complete) return fields as unknown as LayerScores;
  throw new UserError(
    `stage 'prune-layers': input 'scores' must hold the metrics of 'layer-similarity' for a model of ${depth} layers`,
  );
}

/** True for a score of each layer from 1 to `length`. */
function isScores(table: unknown, length: number): boolean {
  return (
    isObject(table) &&
    Object.keys(table).length === length &&
    consecutive(1, length).every((layer) => Number.isFinite(table[layer]))
  );
}
