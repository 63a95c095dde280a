// capture-activations: what goes into each MLP of the original model.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { batchTokens, fraction, maxLength, object, recordsAtMost, threads } from '../common/options.ts';
import { layersOf } from '../common/replacement.ts';
import { captureCost } from '../costs/training.ts';

const params = object({
  fraction: fraction('share of the records, drawn by the seed', 0.1),
  max_length: maxLength(),
  batch_tokens: batchTokens(),
  batch_size: recordsAtMost(),
  dtype: Type.Enum(['F32', 'F16'], { default: 'F32', description: 'precision on disk' }),
  threads: threads(1),
});
export type CaptureParams = Static<typeof params>;

/** The name of the unit that captures layer `layer` (1-based). */
export const captureUnit = (layer: number): string => `layer ${layer}`;

export const captureActivations = declareStage({
  name: 'capture-activations',
  version: 3,
  summary: 'records the input of the MLP of each layer on a calibration set, one unit per layer',
  reference: 'SHARP (arXiv 2502.07832), section 2.3: the distribution P_l of eq. 2',
  params,
  inputs: {
    model: { kind: 'checkpoint', summary: 'the original model' },
    data: { kind: 'dataset', summary: 'the records to run it on' },
  },
  outputs: {
    activations: { kind: 'activations', summary: 'one row per token, prompt and response', extension: 'arrow' },
  },
  numeric: true,
  seeded: true,
  grouped: true,
  units(params, inputs) {
    const layers = layersOf(inputs.model);
    return Array.from({ length: layers }, (_, i) => ({
      name: captureUnit(i + 1),
      params: { ...params, layer: i + 1 },
    }));
  },
  expect: async ({ dtype }) => ({ dtype }),
  cost: captureCost,
});
