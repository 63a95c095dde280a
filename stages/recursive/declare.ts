// recursive: a few blocks are run again and again in the places of all layers.
import { declareStage } from '../../contract/define.ts';
import { type Recursion, recursion, recursionInits, recursionModes } from '../../model/sharing/recursion.ts';
import { Type } from '../../schemas/type.ts';
import { object } from '../common/options.ts';
import { arrangedCost } from '../costs/checkpoints.ts';

const params = object({
  mode: Type.Enum([...recursionModes], {
    default: 'cycle',
    description:
      'cycle: blocks 1 to K, then again; sequence: each block several times in a row; middle_: so between a first and a last layer of their own',
  }),
  recursions: Type.Integer({
    minimum: 2,
    maximum: 4096,
    default: 2,
    description: 'how often each block is run; where they do not divide the layers, some are left out at equal steps',
  }),
  init: Type.Enum([...recursionInits], {
    default: 'stepwise',
    description:
      'what a block starts as: stepwise: layers at equal steps, the first and the last among them; average: the mean of the layers in whose places it is run; lower, upper: the first, the last ones; random: some, drawn by the seed',
  }),
  norms: Type.Enum(['shared', 'own'], {
    default: 'shared',
    description: 'of a block; or of each layer, with its biases',
  }),
});

/** What each layer is going to be, as facts. */
export function recursionFacts({ origins, sources }: Recursion) {
  return { layers: origins.length, stored_layers: new Set(sources).size, sources, origins };
}

export const recursive = declareStage({
  name: 'recursive',
  version: 1,
  summary: 'runs a few blocks again and again in the places of all layers; each is stored once, without training',
  reference: 'Relaxed recursive transformers (arXiv 2410.20672), sections 3.1 and 3.2',
  params,
  inputs: { model: { kind: 'checkpoint', summary: 'the original model' } },
  outputs: {
    model: { kind: 'checkpoint', summary: 'the recursive model, each block stored once', extension: 'arrow' },
  },
  numeric: false,
  seeded: true,
  async expect(params, { model }) {
    if (model?.layers === undefined) return undefined;
    // which layers are drawn needs the seed, but not what is said here
    const { origins, ...made } = recursionFacts(recursion(params, model.layers, 0));
    const { intermediate_sizes: all } = model;
    const widths = all && { intermediate_sizes: origins.map((layer) => all[layer - 1] as number) };
    return { ...model, ...widths, ...made, origins };
  },
  cost: arrangedCost,
});
