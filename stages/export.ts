// export: a checkpoint in the form that other programs read.
import { type Static, Type } from 'typebox';
import type { StageDefinition } from '../spec/stage.ts';
import { exportCost } from './costs.ts';
import { object } from './options.ts';

const params = object({
  dtype: Type.Enum(['F32', 'F16', 'BF16'], {
    default: 'BF16',
    description: 'precision of the weights on disk',
  }),
});
export type ExportParams = Static<typeof params>;

export const exportStage: StageDefinition = {
  name: 'export',
  version: 1,
  summary:
    'writes a checkpoint as the files of a Hugging Face folder; MLP channels that were removed come back as zeros, which changes no output',
  params,
  inputs: { model: { kind: 'checkpoint', summary: 'the model' } },
  outputs: {
    config: { kind: 'file', summary: 'config.json', extension: 'json' },
    model: { kind: 'file', summary: 'model.safetensors', extension: 'safetensors' },
    tokenizer: { kind: 'file', summary: 'tokenizer.json', extension: 'json' },
  },
  numeric: false,
  seeded: false,
  cost: exportCost,
  run: async () => (await import('./export-run.ts')).run,
};
