// What can be said of a stage's outputs before it has run, for the estimates of the stages that read them.
import type { CheckpointFacts, FileFacts, RecoveryFacts, TasksFacts } from '../../contract/facts.ts';
import { projections } from '../../model/architecture/roles.ts';
import { countParameters } from '../../model/sharing/recovery-shapes.ts';
import { pairs } from '../../model/sharing/sharing.ts';
import type { Rank } from './rank.ts';
import { matrixSizesOf, rankOf, replacementOf, sizesOf } from './replacement.ts';

interface Sharing {
  type: string;
  map?: string;
  candidate: string;
  rank: Rank;
  match_rank: boolean;
}

/** Recovery parameters and the lowest layer, of the map that `sharing` means for a model. */
export function sharedRecovery(sharing: Sharing, model: CheckpointFacts | undefined): RecoveryFacts | undefined {
  const sizes = sizesOf(model);
  if (sizes === undefined) return undefined;
  const shared = pairs(replacementOf(sharing, sizes.layers));
  const { candidate } = sharing;
  const replacements = shared.map((pair) => ({ ...pair, candidate, rank: rankOf(sharing, sizes, pair.reference) }));
  const matrices = matrixSizesOf(model, projections);
  const first = Math.min(...shared.map(({ target }) => target));
  return {
    targets: shared.length,
    recovery_parameters: matrices === undefined ? 0 : countParameters(matrices, replacements),
    first_layer: first,
    first_replaced: first,
  };
}

/** What training does not change of a recovery. */
export function sameRecovery(recovery: RecoveryFacts | undefined): RecoveryFacts | undefined {
  const { recovery_parameters, first_layer, first_replaced, ...beside } = recovery ?? {};
  if (recovery_parameters === undefined) return undefined;
  return {
    recovery_parameters,
    ...(first_layer !== undefined && { first_layer }),
    ...(first_replaced !== undefined && { first_replaced }),
    ...besideFacts(beside),
  };
}

/** What a recovery says beside its replacements, which stages that add to it keep. */
export function besideFacts({
  parallel,
  routing,
  router_parameters,
}: RecoveryFacts): Pick<RecoveryFacts, 'parallel' | 'routing' | 'router_parameters'> {
  return {
    ...(parallel !== undefined && { parallel }),
    ...(routing !== undefined && { routing }),
    ...(router_parameters !== undefined && { router_parameters }),
  };
}

/** The lowest layer of `layers` and of what a recovery that comes in replaces; nothing where that one's facts do not say. */
export function firstReplacedWith(
  layers: readonly number[],
  inputs: { readonly recovery?: RecoveryFacts | undefined },
): Pick<RecoveryFacts, 'first_replaced'> {
  const before = 'recovery' in inputs ? inputs.recovery?.first_replaced : Number.POSITIVE_INFINITY;
  const first_replaced = Math.min(...layers, before ?? Number.NEGATIVE_INFINITY);
  return Number.isFinite(first_replaced) ? { first_replaced } : {};
}

/** The parameters that decide how many records are generated. */
interface Generated {
  generate?: string | string[];
  records: number;
  limit?: number;
  eval_path?: string;
  eval_fraction: number;
  eval_limit?: number;
}

/** Tokens that no generated record exceeds, by the tokenizer of models/tiny; a test compares. */
const longestGenerated = 128;

/** Records of both outputs of a data set: duplicates are not known before, so at most these. */
export function generatedRecords(
  params: Generated,
): { train: number; eval: number; longest_tokens: number } | undefined {
  const { generate, records, limit, eval_path, ...drawing } = params;
  if (generate === undefined || eval_path !== undefined) return undefined;
  const all = records * (typeof generate === 'string' ? 1 : generate.length);
  return { ...splitCounts(Math.min(all, limit ?? all), drawing), longest_tokens: longestGenerated };
}

/** What a split of `all` records gives. */
export function splitCounts(
  all: number,
  { eval_fraction, eval_limit }: { eval_fraction: number; eval_limit?: number | undefined },
): { train: number; eval: number } {
  const held = eval_fraction === 0 ? 0 : Math.max(1, Math.round(all * eval_fraction));
  return { train: all - held, eval: Math.min(held, eval_limit ?? held) };
}

interface Pretrained {
  layers: number;
  hidden_size: number;
  intermediate_size: number;
  heads: number;
  kv_heads?: number;
  tie_word_embeddings: boolean;
}

/** The shape of the model that pretrain makes; float32 in its checkpoint. */
export function pretrainedModel(params: Pretrained, tokenizer: FileFacts | undefined): CheckpointFacts {
  const { layers, hidden_size, intermediate_size, heads, kv_heads = heads, tie_word_embeddings: tied } = params;
  const shape = { layers, hidden_size, intermediate_size, heads, kv_heads, tied, weight_bytes: 4 };
  return { ...shape, ...(tokenizer?.vocab_size === undefined ? {} : { vocab_size: tokenizer.vocab_size }) };
}

/** Tasks that are generated, and the records that are scored of all of them. */
export function generatedTaskRecords({
  generate,
  records,
}: Pick<Generated, 'generate' | 'records'>): TasksFacts | undefined {
  return generate === undefined ? undefined : { records: records * generatedTasks, tasks: generatedTasks };
}

/** How many tasks tiny-tasks generates: QA4MRE counts three times and BBH twice; a test compares. */
const generatedTasks = 17;
