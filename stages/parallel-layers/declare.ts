// parallel-layers: layers of a range run side by side, two by two.
import { declareStage } from '../../contract/define.ts';
import { checkParallel, parallelVariants, parseParallel } from '../../model/sharing/parallel-layers.ts';
import { Type } from '../../schemas/type.ts';
import { firstReplacedWith, sameRecovery } from '../common/expected-facts.ts';
import { object } from '../common/options.ts';
import { untrainedCost } from '../costs/checkpoints.ts';

const params = object({
  layers: Type.String({
    description: "the range, an even number of 1-based layers such as '5-8', which is (5, 6) and (7, 8)",
  }),
  variant: Type.Enum([...parallelVariants], {
    default: 'paper',
    description:
      'paper: both attentions on x, then both MLPs on their sum, each with its own norm; released: half of the channels of both MLPs sees the norm of the one layer, half that of the other; par: two whole layers beside each other',
  }),
});

export const parallelLayers = declareStage({
  name: 'parallel-layers',
  version: 1,
  summary: 'runs the layers of a range side by side, two by two, without training: half of the steps, the same weights',
  reference:
    'Leveraging the true depth of LLMs (arXiv 2502.02790), section 3, and its code (noctrog/effective-depth@ea53866, layers.py)',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    recovery: { kind: 'recovery', summary: 'what is replaced already; it stays as it is', optional: true },
  },
  outputs: {
    recovery: { kind: 'recovery', summary: 'what came in, and which layers run side by side', extension: 'arrow' },
    metrics: {
      kind: 'metrics',
      summary:
        'layers, and the depth, steps of the stream from the embeddings to the head; pairs; operations of a token through all matrices but the embedding, as it is computed here and in the original model',
      extension: 'json',
      fields: ['layers', 'depth', 'pairs', 'operations_per_token', 'original_operations_per_token'],
    },
  },
  numeric: false,
  seeded: false,
  check: ({ layers, variant }) => void parseParallel(layers, variant, "'layers'"),
  async expect({ layers, variant }, inputs) {
    const { model, recovery } = inputs;
    if (model?.layers === undefined || ('recovery' in inputs && recovery === undefined)) return undefined;
    const parallel = parseParallel(layers, variant, "'layers'");
    checkParallel(parallel, model.layers, "'layers'");
    const { targets = 0 } = recovery ?? {};
    const before = sameRecovery(recovery) ?? { recovery_parameters: 0 };
    return { ...before, targets, ...firstReplacedWith([parallel.first], inputs), parallel: { ...parallel } };
  },
  cost: untrainedCost,
});
