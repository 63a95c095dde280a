// load: a Hugging Face model folder, or a GGUF file, becomes a checkpoint.
import type { Static } from 'typebox';
import { declareStage } from '../../contract/define.ts';
import { Type } from '../../schemas/type.ts';
import { UserError } from '../../util/errors.ts';
import { object } from '../common/options.ts';
import { loadCost } from '../costs/checkpoints.ts';

const params = object({
  path: Type.String({
    format: 'path',
    description:
      'a folder with config.json, *.safetensors (f32, f16 or bf16; one or sharded) and tokenizer.json or tokenizer.model, a GGUF file, a compact folder of export, hf://org/name or hf://org/name/FILE.gguf; a LoRA adapter beside the weights is attached (docs/models.md)',
  }),
  adapter: Type.Optional(
    Type.String({
      format: 'path',
      description:
        'a LoRA adapter of PEFT to attach: a folder with adapter_config.json and adapter_model.safetensors, or hf://org/name',
    }),
  ),
  random_seed: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 2 ** 31,
      description:
        'weights made up from this seed, in bfloat16; of the folder or file only the configuration and the tokenizer, where there is one, are read (of an hf:// name config.json alone). For timings, which do not depend on the values',
    }),
  ),
});
export type LoadParams = Static<typeof params>;

export const load = declareStage({
  name: 'load',
  version: 2,
  summary:
    'reads a model from a Hugging Face folder, a GGUF file or a compact folder into one checkpoint file, checking every tensor and every key of its configuration; of a compact folder the checkpoint alone is Direct Sharing',
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
  check: checkAdapter,
  async preflight(params) {
    const { lookAtModel } = await import('../common/model-facts.ts');
    return lookAtModel(params);
  },
  async expect({ path, random_seed }) {
    const { factsOfModel } = await import('../common/model-facts.ts');
    const facts = await factsOfModel(path);
    return random_seed === undefined ? facts : facts && { ...facts, weight_bytes: 2 };
  },
  cost: loadCost,
});

function checkAdapter({ adapter, random_seed }: LoadParams): void {
  if (adapter === undefined || random_seed === undefined) return;
  throw new UserError("'adapter' belongs to weights that are read, expected it without 'random_seed'");
}
