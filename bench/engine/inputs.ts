// What both sides of the engine benchmark read: the model in two forms, records, activations, recovery parameters, arrays.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createActivations } from '../../formats/tensors/activations.ts';
import { configJson } from '../../model/architecture/config.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { type Example, ignored, planEpoch } from '../../model/forward/batches.ts';
import { createRecovery, disposeRecovery } from '../../model/sharing/recovery.ts';
import { replacementsOf } from '../../model/sharing/replacement.ts';
import { type Pair, pairs, type ReplacementMap, replacementMap } from '../../model/sharing/sharing.ts';
import { learningRate as rateOf } from '../../model/train/schedule.ts';
import { rowBatches } from '../../model/train/slw-batches.ts';
import { tokenizerOf } from '../../stages/common/model-input.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { createRandom } from '../../util/random.ts';
import { workFolder } from '../place.ts';
import { floats, integers, type NamedArray, randomIntegers, randomNormals, writeArrays } from './arrays.ts';
import { type BenchModel, prepareModel } from './model.ts';
import { chooseRecords, type EncodedRecord, type Texts } from './records.ts';
import { batchCount, seed, sftParams, sharingType } from './settings.ts';
import { type Extent, type Sizes, sizesFor } from './sizes.ts';

/** Where the inputs lie, and how much there is of them. */
export interface EngineInputs extends BenchModel {
  sizes: Sizes;
  /** Of the sharing that is trained, targets ascending. */
  pairs: Pair[];
  /** 400 / 4096 of the width, as in the paper. */
  rank: number;
  /** The records that are evaluated, and those that SFT is trained on. */
  evaluated: Texts;
  trained: Texts;
  /** The same as data sets of lamina. */
  evaluationData: string;
  trainingData: string;
  /** SLW's: the inputs of its target's MLP. */
  activations: string;
  /** The recovery parameters at their start. */
  recovery: string;
  /** Safetensors: the same for PyTorch, and in which order lamina takes it. */
  arrays: string;
  /** All of this as JSON, for the sides. */
  description: string;
}

export interface InputChoice {
  /** As `--model` names it. */
  model: string;
  /** A file of records; none means generated ones. */
  records: string | undefined;
  quick: boolean;
}

/** Writes the inputs, the same ones each time. */
export async function prepareInputs(choice: InputChoice): Promise<EngineInputs> {
  await useBackend({ backend: 'cpu' });
  const model = await prepareModel(choice.model);
  const { config } = model;
  const sizes = sizesFor(config.hidden_size, choice.quick);
  const folder = workFolder('engine', `${choice.model.replace(/[^\w.-]+/g, '_')}-inputs`);
  const path = (name: string) => join(folder, name);
  const records = await recordsFor(model, sizes, choice.records);
  const trained = records.slice(0, sizes.sft.steps * sizes.sft.batch_size);
  const evaluated = records.slice(0, sizes.evaluation.records);
  const map = mapFor(config.num_hidden_layers);
  const inputs: EngineInputs = {
    ...model,
    sizes,
    pairs: pairs(map),
    rank: Math.max(1, Math.round((config.hidden_size * 400) / 4096)),
    evaluated: textsOf(evaluated),
    trained: textsOf(trained),
    evaluationData: path('evaluation.jsonl'),
    trainingData: path('training.jsonl'),
    activations: path('activations.arrow'),
    recovery: path('recovery.arrow'),
    arrays: path('arrays.safetensors'),
    description: path('inputs.json'),
  };
  writeRecords(inputs.evaluationData, evaluated);
  writeRecords(inputs.trainingData, trained);
  const examples = records.map(({ example }) => example);
  const rows = randomNormals([sizes.slw.rows, config.hidden_size], createRandom('bench', 'rows'));
  await writeRows(inputs.activations, rows);
  const arrays = new Map([
    ...textArrays(config, sizes),
    ...recordArrays(examples),
    ...orderArrays(examples.slice(0, trained.length), sizes),
    ...(await slwArrays(rows, sizes)),
    ...(await recoveryArrays(inputs, map)),
  ]);
  await writeArrays(inputs.arrays, arrays);
  writeFileSync(inputs.description, JSON.stringify({ ...inputs, config: configJson(config) }));
  return inputs;
}

async function recordsFor(model: BenchModel, sizes: Sizes, path: string | undefined): Promise<EncodedRecord[]> {
  const checkpoint = await openStored(model.checkpoint);
  await checkpoint.close();
  const count = Math.max(sizes.evaluation.records, sizes.sft.steps * sizes.sft.batch_size);
  const { vocab_size } = model.config;
  return chooseRecords(path, tokenizerOf(checkpoint.tokenizer), { count, max_length: sizes.max_length, vocab_size });
}

function textsOf(records: readonly EncodedRecord[]): Texts {
  const scored = ({ example: { labels } }: EncodedRecord) => labels.filter((label) => label !== ignored).length;
  return {
    lengths: records.map(({ example }) => example.ids.length),
    scored: records.reduce((sum, record) => sum + scored(record), 0),
  };
}

function writeRecords(path: string, records: readonly EncodedRecord[]): void {
  writeFileSync(path, records.map(({ record }) => `${JSON.stringify(record)}\n`).join(''));
}

/** The paper's type; a model of too few layers shares its first MLP with its second layer. */
function mapFor(layers: number): ReplacementMap {
  return layers < 4 ? [{ reference: 1, targets: [2] }] : replacementMap(sharingType, layers);
}

async function writeRows(path: string, { shape: [rows = 0, width = 0], values }: NamedArray): Promise<void> {
  const writer = await createActivations(path, { columns: { input: { width, dtype: 'F32' } } });
  await writer.append({ input: values as Float32Array }, rows);
  await writer.close();
}

/** Texts of the tasks that count steps: [batches, B, T] each, and prompts [8, T]. */
function textArrays({ vocab_size }: ModelConfig, { forward, step, prompt, decode }: Sizes): Map<string, NamedArray> {
  const draw = (name: string, shape: number[]) => randomIntegers(shape, vocab_size, createRandom('bench', name));
  const batches = (name: string, { batch, tokens }: Extent) => draw(name, [batchCount, batch, tokens]);
  return new Map([
    ['forward', batches('forward', forward)],
    ['step', batches('step', step)],
    ['prompt', batches('prompt', prompt)],
    ['decode', draw('decode', [8, decode.from])],
  ]);
}

/** All records one after the other, with their lengths. */
function recordArrays(examples: readonly Example[]): Map<string, NamedArray> {
  const joined = (name: 'ids' | 'labels') => {
    const values = Int32Array.from(examples.flatMap((example) => [...example[name]]));
    return integers([values.length], values);
  };
  const lengths = Int32Array.from(examples, ({ ids }) => ids.length);
  return new Map([
    ['record_ids', joined('ids')],
    ['record_labels', joined('labels')],
    ['record_lengths', integers([lengths.length], lengths)],
  ]);
}

/** The records of each of SFT's micro batches, and the learning rate of each step, as lamina takes them. */
function orderArrays(examples: readonly Example[], { sft, max_length }: Sizes): Map<string, NamedArray> {
  const { steps, micro_batch } = sft;
  const order = planEpoch(examples, { batch_size: micro_batch, max_length, seed }, 0);
  const rates = Float32Array.from({ length: steps }, (_, step) => rateOf(sftParams, step, steps));
  return new Map([
    ['sft_order', integers([order.length, micro_batch], Int32Array.from(order.flat()))],
    ['sft_rates', floats([steps], rates)],
  ]);
}

/** SLW's rows, and which of them each of its batches takes: the batches of lamina's own source, over rows that hold their numbers. */
async function slwArrays(rows: NamedArray, { slw }: Sizes): Promise<Map<string, NamedArray>> {
  const numbers = {
    rows: slw.rows,
    read: async (start: number, count: number) => Float32Array.from({ length: count }, (_, i) => start + i),
  };
  const source = rowBatches(numbers, 1, { ...slw, seed });
  const order = new Int32Array(source.steps * slw.batch_tokens);
  for (let step = 0; step < source.steps; step++) order.set((await source.batch(step)).x, step * slw.batch_tokens);
  return new Map([
    ['rows', rows],
    ['slw_order', integers([source.steps, slw.batch_tokens], order)],
  ]);
}

/** Writes the recovery file, and gives its parameters. */
async function recoveryArrays(inputs: EngineInputs, map: ReplacementMap): Promise<Map<string, NamedArray>> {
  const recovery = createRecovery(inputs.config, replacementsOf(map, 'g0', inputs.rank), { init: 'default', seed });
  await writeRecovery(inputs.recovery, recovery);
  const arrays = [...recovery.parameters].map(
    ([name, variable]) => [name, floats([...variable.shape], variable.dataSync().slice() as Float32Array)] as const,
  );
  disposeRecovery(recovery);
  return new Map(arrays);
}
