// share-basis: matrices of neighbouring layers as products of one basis and coefficients of their own; one unit per group of layers.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import type { CheckpointFacts, RecoveryFacts } from '../../contract/facts.ts';
import type { Unit } from '../../contract/stage.ts';
import { type MatrixRole, matrixRoles } from '../../model/architecture/roles.ts';
import { type MatrixSizes, matrixShapeOf } from '../../model/architecture/tensors.ts';
import { basisSize } from '../../model/sharing/basis-size.ts';
import { countParameters } from '../../model/sharing/recovery-shapes.ts';
import type { Replacement } from '../../model/sharing/replacement.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { batchSize, object, threads } from '../common/options.ts';
import { layersOf, matrixSizesOf } from '../common/replacement.ts';
import { basisCost } from '../costs/sharing.ts';

const roles = (value: readonly MatrixRole[], description: string) =>
  Type.Array(Type.Enum([...matrixRoles]), { uniqueItems: true, default: [...value], description });

const params = object({
  group: Type.Integer({ minimum: 1, maximum: 4096, default: 2, description: 'neighbouring layers that share a basis' }),
  ratio: Type.Number({
    exclusiveMinimum: 0,
    exclusiveMaximum: 1,
    default: 0.2,
    description: "share of these matrices' numbers that goes",
  }),
  shared: roles(['q', 'k', 'v', 'gate', 'up'], 'matrices with one basis for a group'),
  private: roles(['o', 'down'], 'matrices with a basis for each layer'),
  samples: Type.Integer({ minimum: 1, maximum: 4096, default: 256, description: 'windows of text' }),
  sample_tokens: Type.Integer({ minimum: 2, maximum: 131072, default: 2048, description: 'tokens of a window' }),
  batch_size: batchSize(8, 'windows per forward pass'),
  threads: threads(1),
});
export type ShareBasisParams = Static<typeof params>;
type Grouping = Pick<ShareBasisParams, 'group' | 'ratio' | 'shared' | 'private'>;

/** What stands at the matrices of layers `first` to `first + group - 1`; a UserError where a basis would have no vector, or save nothing. */
export function basisReplacements(given: Grouping, sizes: MatrixSizes, first: number): Replacement[] {
  const layers = consecutive(first, first + given.group - 1);
  const chosen = matrixRoles.filter((role) => given.shared.includes(role) || given.private.includes(role));
  return layers.flatMap((target) =>
    chosen.map((role) => {
      const group = given.shared.includes(role) ? given.group : 1;
      const [output, input] = matrixShapeOf(sizes, target, role);
      const rank = basisSize(input, output, group, given.ratio);
      checkSize({ role, rank, input, output: group * output });
      return { target, reference: group === 1 ? target : first, candidate: 'basis', rank, roles: [role] };
    }),
  );
}

function checkSize({ role, rank, input, output }: { role: MatrixRole; rank: number; input: number; output: number }) {
  if (rank < 1) {
    throw new UserError(
      `a ratio as high leaves no vector for the basis of matrix '${role}' of ${input} x ${output}, expected a lower 'ratio'`,
    );
  }
  if (rank <= Math.min(input, output)) return;
  throw new UserError(
    `the basis of matrix '${role}' would have ${rank} vectors, more than its ${input} x ${output} numbers need (${Math.min(input, output)}): expected a higher 'ratio'`,
  );
}

export const shareBasis = declareStage({
  name: 'share-basis',
  version: 1,
  summary:
    'writes matrices as products: a basis that neighbouring layers share, and coefficients of each layer; without training',
  reference: 'Basis Sharing (arXiv 2410.03765), section 3',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the text by whose activations errors are weighed' },
  },
  outputs: {
    recovery: { kind: 'recovery', summary: 'bases and coefficients of one group of layers', extension: 'arrow' },
  },
  numeric: true,
  seeded: true,
  check({ shared, private: own }) {
    const twice = shared.find((role) => own.includes(role));
    if (twice !== undefined)
      throw new UserError(`matrix '${twice}' is in 'shared' and in 'private', expected one of them`);
    if (shared.length + own.length === 0) throw new UserError("'shared' and 'private' are empty, expected a matrix");
  },
  units: (given, { model }) => unitsOf(given, layersOf(model)),
  expect: async (params, { model }) => expected(params, model),
  cost: basisCost,
});

/** What one group of layers is computed from. */
type GroupParams = ShareBasisParams & { first: number };

function unitsOf(given: ShareBasisParams, layers: number): Unit<GroupParams>[] {
  const { group } = given;
  checkGroups(group, layers);
  return consecutive(0, layers / group - 1).map((index) => {
    const first = 1 + index * group;
    const name = group === 1 ? `layer ${first}` : `layers ${first}-${first + group - 1}`;
    return { name, params: { ...given, first } };
  });
}

function checkGroups(group: number, layers: number): void {
  if (layers % group === 0) return;
  throw new UserError(`'group' must divide the ${layers} layers of the model, got ${group}`);
}

function expected(params: ShareBasisParams, model: CheckpointFacts | undefined): RecoveryFacts | undefined {
  const sizes = matrixSizesOf(model, matrixRoles);
  if (sizes === undefined || model?.layers === undefined) return undefined;
  checkGroups(params.group, model.layers);
  let recovery_parameters = 0;
  for (let first = 1; first <= model.layers; first += params.group) {
    recovery_parameters += countParameters(sizes, basisReplacements(params, sizes, first));
  }
  return { targets: 0, recovery_parameters, first_layer: 1, first_replaced: 1 };
}
