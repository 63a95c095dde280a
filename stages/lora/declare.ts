// lora: recovery parameters on layers' own MLPs, beside what a recovery replaces already.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { CheckpointFacts, RecoveryFacts } from '../../contract/facts.ts';
import { isProjection, type MatrixRole, matrixRoles } from '../../model/architecture/roles.ts';
import type { MatrixSizes } from '../../model/architecture/tensors.ts';
import { inits } from '../../model/methods/method.ts';
import { matrixParameters } from '../../model/methods/registry.ts';
import { matrixSize, type Replacement, rolesOf } from '../../model/sharing/replacement.ts';
import { parseLayers } from '../../model/sharing/sharing-parse.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { besideFacts, firstReplacedWith } from '../common/expected-facts.ts';
import { object, replacement } from '../common/options.ts';
import { rankAt, rankParam } from '../common/rank.ts';
import { rankWarning } from '../common/rank-warnings.ts';
import { matrixSizesOf, replacementOf, sizesOf } from '../common/replacement.ts';
import { untrainedCost } from '../costs/checkpoints.ts';

const params = object({
  layers: Type.String({
    default: 'others',
    description:
      "which layers: 'all', 'others' (those that the recovery does not replace), 'references' or 'targets' of type or map, or a list such as '3-16,18'",
  }),
  ...replacement,
  rank: rankParam('scaled', 'rank of AB'),
  matrices: Type.Optional(
    Type.Array(Type.Enum([...matrixRoles]), {
      minItems: 1,
      uniqueItems: true,
      description:
        "which of a layer's matrices get A B (method lora, no alpha), such as all seven for Full-LoRA as its source has it; left out: g0 on gate, up and down",
    }),
  ),
  init: Type.Enum(
    inits.filter((init) => init !== 'svd'),
    { default: 'default', description: 'how AB starts; every choice starts at what is there' },
  ),
});
export type LoraParams = Static<typeof params>;

export const lora = declareStage({
  name: 'lora',
  version: 2,
  summary:
    "adds untrained recovery parameters (g0 on a layer's own MLP, or A B at any of its matrices) to layers that are not replaced",
  reference:
    'SHARP (arXiv 2502.07832), appendix D.3 (Full-LoRA); the recovery of LayerPruning, of LLM-Pruner and of the original model',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the model' },
    recovery: { kind: 'recovery', summary: 'what is replaced already; it stays as it is', optional: true },
  },
  outputs: { recovery: { kind: 'recovery', summary: 'what came in, and the new parameters', extension: 'arrow' } },
  numeric: false,
  seeded: true,
  expect: async (params, inputs) => expected(params, inputs),
  warn(params, inputs) {
    const sizes = sizesOf(inputs.model);
    return sizes === undefined ? [] : rankWarning([{ rank: rankAt(params.rank, sizes.hidden_size), layer: 1 }], sizes);
  },
  cost: untrainedCost,
});

/** What stands at the matrices of a layer that gets parameters. */
export function loraMethod({ matrices }: LoraParams): Pick<Replacement, 'candidate' | 'roles'> {
  if (matrices === undefined) return { candidate: 'g0' };
  return { candidate: 'lora', roles: matrixRoles.filter((role) => matrices.includes(role)) };
}

/** The matrices that get parameters. */
export function loraRoles(params: LoraParams): readonly MatrixRole[] {
  return rolesOf(loraMethod(params));
}

/** The layers that get parameters, ascending; a UserError when one of them is among the `replaced`. */
export function loraLayers(params: LoraParams, layers: number, replaced: readonly number[]): number[] {
  const taken = new Set(replaced);
  const chosen = namedLayers(params, layers, taken);
  const clash = chosen.find((layer) => taken.has(layer));
  if (clash !== undefined) {
    throw new UserError(
      `layers '${params.layers}': layer ${clash} is replaced by the recovery that comes in, expected other layers ('others' takes all of them)`,
    );
  }
  if (chosen.length > 0) return chosen;
  throw new UserError(`layers '${params.layers}' are none: the recovery that comes in replaces all ${layers} layers`);
}

function namedLayers(params: LoraParams, layers: number, taken: ReadonlySet<number>): number[] {
  const all = Array.from({ length: layers }, (_, i) => i + 1);
  switch (params.layers) {
    case 'all':
      return all;
    case 'others':
      return all.filter((layer) => !taken.has(layer));
    case 'references':
      return replacementOf(params, layers).map(({ reference }) => reference);
    case 'targets':
      return replacementOf(params, layers).flatMap(({ targets }) => [...targets]);
    default:
      return parseLayers(params.layers, layers);
  }
}

/** How many parameters there will be; which layers a recovery replaces is not known before it exists, how many is. */
function expected(
  params: LoraParams,
  inputs: { readonly model?: CheckpointFacts | undefined; readonly recovery?: RecoveryFacts | undefined },
): RecoveryFacts | undefined {
  const { model, recovery } = inputs;
  if ('recovery' in inputs && recovery === undefined) return undefined;
  const sizes = sizesOf(model);
  const matrices = matrixSizesOf(model, loraRoles(params));
  if (sizes === undefined || matrices === undefined) return undefined;
  const { recovery_parameters: before = 0, targets = 0 } = recovery ?? {};
  const chosen = loraLayers(params, sizes.layers, []);
  const rest = params.layers === 'others' && loraRoles(params).some(isProjection) ? 1 - targets / sizes.layers : 1;
  const all = chosen.reduce((sum, layer) => sum + layerParameters(params, matrices, layer), 0);
  const first_layer = Math.min(chosen[0] as number, before > 0 ? (recovery?.first_layer ?? 1) : sizes.layers);
  return {
    targets,
    recovery_parameters: before + Math.round(rest * all),
    first_layer,
    ...firstReplacedWith(chosen, inputs),
    ...besideFacts(recovery ?? {}),
  };
}

/** Parameters of one layer of a model with these sizes. */
function layerParameters(params: LoraParams, sizes: MatrixSizes, layer: number): number {
  return loraRoles(params).reduce((sum, role) => {
    const { d, f } = matrixSize(sizes, { target: layer, reference: layer }, role);
    return sum + matrixParameters(loraMethod(params).candidate, d, f, rankAt(params.rank, sizes.hidden_size));
  }, 0);
}
