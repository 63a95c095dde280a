// relax: low-rank terms that bring the layers of a model back towards another's, one unit per layer.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { CheckpointFacts, RecoveryFacts } from '../../contract/facts.ts';
import { type MatrixRole, matrixRoles } from '../../model/architecture/roles.ts';
import { countParameters } from '../../model/sharing/recovery-shapes.ts';
import { matrixSize, ownReplacements } from '../../model/sharing/replacement.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { object, threads } from '../common/options.ts';
import { rankAt, rankParam } from '../common/rank.ts';
import { layersOf, matrixSizesOf, rankIn } from '../common/replacement.ts';
import { relaxCost } from '../costs/sharing.ts';

const params = object({
  layers: Type.String({
    default: 'shared',
    description: "which layers: 'shared' (those that run one block with others), 'all', or a list such as '3-16,18'",
  }),
  rank: rankParam(128, 'rank of A B'),
  matrices: Type.Array(Type.Enum([...matrixRoles]), {
    minItems: 1,
    uniqueItems: true,
    default: [...matrixRoles],
    description: "which of a layer's matrices get A B",
  }),
  diagonal: Type.Optional(
    Type.Boolean({
      description:
        'add a diagonal to each A B (method delta); A B and it are found in turns, each for what the other leaves',
    }),
  ),
  threads: threads(1),
});
export type RelaxParams = Static<typeof params>;

/** The matrices that get A B, in the order in which a layer uses them. */
export function relaxedRoles({ matrices }: Pick<RelaxParams, 'matrices'>): MatrixRole[] {
  return matrixRoles.filter((role) => matrices.includes(role));
}

export const relax = declareStage({
  name: 'relax',
  version: 1,
  summary:
    "adds low-rank terms to a model's layers, the best of their rank for the difference from the layers of another model",
  reference:
    'Relaxed recursive transformers (arXiv 2410.20672), section 3.2: LoRA from the SVD of the difference; a diagonal beside it: ResidualTransformer (arXiv 2310.02489)',
  params,
  inputs: {
    model: {
      kind: 'checkpoint',
      summary: 'the model whose layers are relaxed: recursive, with shared blocks, quantised',
    },
    original: { kind: 'checkpoint', summary: 'the model that its layers were' },
  },
  outputs: { recovery: { kind: 'recovery', summary: 'the low-rank terms of one layer', extension: 'arrow' } },
  numeric: true,
  seeded: true,
  units(given, { model, original }) {
    const rank = rankIn(given.rank, model);
    const matrices = relaxedRoles(given);
    checkRank(given, model);
    const origins = originsOf(model, original);
    return relaxedLayers(given, model).map((layer) => ({
      name: `layer ${layer}`,
      params: {
        ...{ layer, origin: origins[layer - 1] as number, rank, matrices, threads: given.threads },
        ...(given.diagonal && { diagonal: true }),
      },
    }));
  },
  expect: async (params, { model }) => expected(params, model),
  cost: (query) => relaxCost(query), // not by its name alone: then it would have to take the stage's own parameters too
});

/** What stands at the matrices: A B alone, or with a diagonal. */
export function relaxedMethod({ diagonal }: Pick<RelaxParams, 'diagonal'>): string {
  return diagonal === true ? 'delta' : 'lora';
}

/** The layers that get A B, ascending. */
function relaxedLayers({ layers: named }: RelaxParams, model: CheckpointFacts | undefined): number[] {
  const layers = layersOf(model);
  if (named === 'all') return consecutive(1, layers);
  if (named !== 'shared') return parseLayers(named, layers);
  const { sources } = model ?? {};
  if (sources === undefined) return consecutive(1, layers);
  const shared = consecutive(1, layers).filter((layer) => {
    return sources.filter((source) => source === sources[layer - 1]).length > 1;
  });
  if (shared.length > 0) return shared;
  throw new UserError(
    "layers: 'shared' are none: no layer of the model runs another's block, expected 'all' or a list",
  );
}

/** For each layer of the model, the layer of the original that it was. */
function originsOf(model: CheckpointFacts | undefined, original: CheckpointFacts | undefined): readonly number[] {
  const [layers, before] = [layersOf(model), layersOf(original)];
  const origins = model?.origins ?? consecutive(1, layers);
  if (layers === before || (model?.origins !== undefined && Math.max(...origins) <= before)) return origins;
  throw new UserError(
    `input 'model' has ${layers} layers and input 'original' ${before}, expected the model that it was made of`,
  );
}

function checkRank(params: RelaxParams, model: CheckpointFacts | undefined): void {
  const roles = relaxedRoles(params);
  const sizes = matrixSizesOf(model, roles);
  if (sizes === undefined) return;
  const rank = rankAt(params.rank, sizes.hidden_size);
  for (const layer of relaxedLayers(params, model)) {
    for (const role of roles) {
      const { d, f } = matrixSize(sizes, { target: layer, reference: layer }, role);
      if (rank <= Math.min(d, f)) continue;
      throw new UserError(
        `rank ${rank} is more than matrix '${role}' of ${d} x ${f} has, expected at most ${Math.min(d, f)}`,
      );
    }
  }
}

function expected(params: RelaxParams, model: CheckpointFacts | undefined): RecoveryFacts | undefined {
  const roles = relaxedRoles(params);
  const sizes = matrixSizesOf(model, roles);
  if (sizes === undefined || model?.layers === undefined) return undefined;
  const layers = relaxedLayers(params, model);
  const rank = rankAt(params.rank, sizes.hidden_size);
  const replacements = ownReplacements(layers, rank, { candidate: relaxedMethod(params), roles });
  const first = Math.min(...layers);
  const recovery_parameters = countParameters(sizes, replacements);
  return { targets: 0, recovery_parameters, first_layer: first, first_replaced: first };
}
