// load: a Hugging Face Llama folder becomes a checkpoint.
import { type Static, Type } from 'typebox';
import type { Facts, StageDefinition } from '../spec/stage.ts';
import { loadCost } from './costs.ts';
import { object } from './options.ts';

const params = object({
  path: Type.String({
    format: 'path',
    description:
      'a folder with config.json, *.safetensors (f32, f16 or bf16; one or sharded) and tokenizer.json, a compact folder of export, or hf://org/name',
  }),
});
export type LoadParams = Static<typeof params>;

export const load: StageDefinition = {
  name: 'load',
  version: 1,
  summary:
    'reads a Llama from a Hugging Face folder, or a compact one, into one checkpoint file, checking every tensor; of a compact folder the checkpoint alone is Direct Sharing',
  params,
  inputs: {},
  outputs: {
    model: { kind: 'checkpoint', summary: 'weights, configuration and tokenizer', extension: 'arrow' },
    recovery: {
      kind: 'recovery',
      summary: "of a compact folder of lamina's export: its shared layers and recovery parameters",
      extension: 'arrow',
      optional: true,
    },
  },
  numeric: false,
  seeded: false,
  async expect(params): Promise<Facts | undefined> {
    const { factsOfModel } = await import('./model-facts.ts');
    return factsOfModel((params as LoadParams).path);
  },
  cost: loadCost,
  run: async () => (await import('./load-run.ts')).run,
};
