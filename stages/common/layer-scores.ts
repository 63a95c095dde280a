// The metrics of layer-similarity as another stage's input: which layers do little.
import { readFile } from 'node:fs/promises';
import type { StageInput } from '../../contract/stage.ts';
import { parseJson } from '../../formats/text/strict-json.ts';
import type { LayerSimilarity } from '../../model/measure/layer-similarity.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { onlyFile } from './model-input.ts';

/** The scores that layers are chosen by. */
type Scores = Pick<LayerSimilarity, 'angular' | 'block_influence' | 'attention_similarity' | 'mlp_similarity'>;

/** Reads input `scores` of stage `stage`; a UserError unless it has a score of each layer of a model of `depth` layers. */
export async function readScores(stage: string, input: StageInput, depth: number): Promise<Scores> {
  const text = await readFile(onlyFile(input), 'utf8');
  const metrics = parseJson(text, `stage '${stage}': input 'scores'`);
  const fields = isObject(metrics) ? metrics : {};
  const { angular, block_influence, attention_similarity, mlp_similarity } = fields;
  const blocks = isObject(angular) ? angular : {};
  const tables = [
    ...consecutive(1, depth).map((n) => [blocks[n], depth - n + 1] as const),
    ...[block_influence, attention_similarity, mlp_similarity].map((table) => [table, depth] as const),
  ];
  if (tables.every(([table, length]) => isScores(table, length))) return fields as unknown as Scores;
  throw new UserError(
    `stage '${stage}': input 'scores' must hold the metrics of 'layer-similarity' for a model of ${depth} layers`,
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
