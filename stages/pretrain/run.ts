// The work of pretrain: random weights, the language-model loss on every token or on responses, AdamW.
import { readFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { loadTokenizer, type Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { createWeights, initWeights, variablesOf } from '../../model/architecture/weights.ts';
import { writeModel } from '../../model/checkpoint/checkpoint.ts';
import type { Example } from '../../model/forward/batches.ts';
import { createModel } from '../../model/forward/model.ts';
import { trainLanguageModel } from '../../model/train/language-model-training.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { createRandom } from '../../util/random.ts';
import { modelFacts } from '../common/model-facts.ts';
import { encodeRecords, onlyFile, startBackend } from '../common/model-input.ts';
import { readRecordLines } from '../common/record-lines.ts';
import { reportSteps, writeCurve } from '../common/training-report.ts';
import type { PretrainParams, pretrain } from './declare.ts';

type Context = ContextOf<typeof pretrain>;

export async function pretrainModel(context: Context): Promise<void> {
  const [unit] = context.units;
  const params = context.params;
  await startBackend(context);
  const tokenizerJson = await readFile(onlyFile(context.inputs.tokenizer), 'utf8');
  const tokenizer = loadTokenizer(tokenizerJson, 'tokenizer.json');
  const config = configOf(params, tokenizer);
  const entries = initWeights(config, createRandom('pretrain', context.seed), params);
  const variables = variablesOf(entries);
  const model = createModel(createWeights(config, variables));
  const settings = {
    ...adamDefaults,
    ...params,
    epochs: Number.MAX_SAFE_INTEGER,
    max_steps: params.steps,
    reduce_loss: 'sum',
    seed: context.seed,
  } as const;
  const { losses } = await trainLanguageModel(model, variables, await examplesOf(context, tokenizer), settings, {
    save: { folder: unit.scratch, every_steps: params.save_every },
    onProgress: reportSteps(context),
  });
  const files = { tokenizer_json: tokenizerJson, tokenizer_config_json: null };
  await writeModel(unit.outputs.model, config, model.weights, files, 'F32');
  await writeCurve(unit.outputs.curve, losses, settings);
  model.disposeFrames();
  model.weights.dispose();
  await unit.done(modelFacts(config));
}

async function examplesOf(context: Context, tokenizer: Tokenizer): Promise<Example[]> {
  const params = context.params;
  const records = await readRecordLines(onlyFile(context.inputs.data));
  const vocab_size = tokenizer.vocabSize;
  const max_position_embeddings = params.max_length; // as configOf makes it
  const examples = await encodeRecords(context, records, tokenizer, { ...params, vocab_size, max_position_embeddings });
  return params.train_on === 'response' ? examples : examples.map(({ ids }) => ({ ids, labels: ids }));
}

function configOf(params: PretrainParams, tokenizer: Tokenizer): ModelConfig {
  const json = {
    architectures: ['LlamaForCausalLM'],
    model_type: 'llama',
    hidden_act: 'silu',
    hidden_size: params.hidden_size,
    intermediate_size: params.intermediate_size,
    num_hidden_layers: params.layers,
    num_attention_heads: params.heads,
    num_key_value_heads: params.kv_heads ?? params.heads,
    vocab_size: tokenizer.vocabSize,
    max_position_embeddings: params.max_length,
    rope_theta: params.rope_theta,
    rms_norm_eps: params.rms_norm_eps,
    tie_word_embeddings: params.tie_word_embeddings,
    bos_token_id: tokenizer.bosId,
    eos_token_id: tokenizer.eosId,
  };
  return parseConfig(json, "the parameters of stage 'pretrain'");
}
