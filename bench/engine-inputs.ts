// What both sides of the engine benchmark read: the model as a folder and as a checkpoint, and one file of arrays.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Dtype } from '../formats/tensors/dtype.ts';
import { createSafetensors } from '../formats/tensors/safetensors.ts';
import type { ModelConfig } from '../model/architecture/model-config.ts';
import { createWeights, initWeights, variablesOf } from '../model/architecture/weights.ts';
import { writeModel } from '../model/checkpoint/checkpoint.ts';
import { exportHuggingFace } from '../model/export/huggingface.ts';
import { importHuggingFace } from '../model/import/huggingface.ts';
import { createRecovery, disposeRecovery } from '../model/sharing/recovery.ts';
import { replacementsOf } from '../model/sharing/replacement.ts';
import { replacementMap } from '../model/sharing/sharing.ts';
import { rowBatches } from '../model/train/slw-batches.ts';
import { useBackend } from '../tensor/backend/backend.ts';
import { createRandom, type Random } from '../util/random.ts';
import {
  batchCount,
  forwardBatch,
  rank,
  sftBatch,
  sharingType,
  slwOrder,
  slwTokens,
  tinyConfig,
} from './engine-shape.ts';
import { root, workFolder } from './place.ts';

/** Where the inputs lie. */
export interface EngineInputs {
  config: ModelConfig;
  /** `models/tiny`, or what stands in for it. */
  model: string;
  /** The model in Hugging Face form, for PyTorch. */
  modelFolder: string;
  /** The same as lamina's checkpoint. */
  checkpoint: string;
  /** Safetensors: ids, rows, order, recovery parameters. */
  arrays: string;
}

/** PyTorch begins again after these; lamina shuffles anew in each. */
const orderedEpochs = 8;

type Arrays = Map<string, { dtype: Dtype; shape: number[]; values: Float32Array | Int32Array }>;

/** Writes the inputs, the same ones each time. */
export async function prepareInputs(): Promise<EngineInputs> {
  await useBackend({ backend: 'cpu' });
  const folder = workFolder('engine');
  const tiny = join(root, 'models', 'tiny');
  const shipped = existsSync(join(tiny, 'config.json'));
  const modelFolder = shipped ? tiny : await writeRandomModel(folder);
  const checkpoint = join(folder, 'model.arrow');
  const config = await importHuggingFace(modelFolder, checkpoint);
  const arrays = join(folder, 'arrays.safetensors');
  await writeArrays(arrays, await makeArrays(config));
  const model = shipped ? 'models/tiny' : 'random weights in the shape of models/tiny';
  return { config, model, modelFolder, checkpoint, arrays };
}

async function writeRandomModel(folder: string): Promise<string> {
  const config = tinyConfig();
  const entries = initWeights(config, createRandom('bench', 'model'), { init_std: 0.1 });
  const weights = createWeights(config, variablesOf(entries));
  const checkpoint = join(folder, 'random.arrow');
  const files = { tokenizer_json: null, tokenizer_config_json: null };
  await writeModel(checkpoint, config, weights, files, 'F32');
  weights.dispose();
  await exportHuggingFace(checkpoint, join(folder, 'random'), 'F32');
  return join(folder, 'random');
}

async function makeArrays(config: ModelConfig): Promise<Arrays> {
  const random = createRandom('bench', 'arrays');
  const arrays: Arrays = new Map();
  for (const [name, { batch, tokens }] of Object.entries({ forward_ids: forwardBatch, sft_ids: sftBatch })) {
    arrays.set(
      name,
      integers([batchCount, batch, tokens], () => random.below(config.vocab_size)),
    );
  }
  arrays.set('rows', normals([batchCount * slwTokens, config.hidden_size], random));
  arrays.set('order', await rowOrder());
  const replacements = replacementsOf(replacementMap(sharingType, config.num_hidden_layers), 'g0', rank);
  const recovery = createRecovery(config, replacements, { init: 'default', seed: 1 });
  for (const [name, variable] of recovery.parameters) {
    arrays.set(name, { dtype: 'F32', shape: variable.shape, values: variable.dataSync().slice() as Float32Array });
  }
  disposeRecovery(recovery);
  return arrays;
}

/** Which rows each of SLW's batches takes: the batches of lamina's own source, over rows that hold their numbers. */
async function rowOrder() {
  const numbers = {
    rows: batchCount * slwTokens,
    read: async (start: number, count: number) => Float32Array.from({ length: count }, (_, i) => start + i),
  };
  const source = rowBatches(numbers, 1, slwOrder, undefined);
  const values = new Int32Array(orderedEpochs * numbers.rows);
  for (let step = 0; step * slwTokens < values.length; step++) {
    values.set((await source.batch(step)).x, step * slwTokens);
  }
  return { dtype: 'I32' as const, shape: [values.length / slwTokens, slwTokens], values };
}

function integers(shape: number[], value: (i: number) => number) {
  const values = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => value(i));
  return { dtype: 'I32' as const, shape, values };
}

function normals(shape: number[], random: Random) {
  const values = Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.normal());
  return { dtype: 'F32' as const, shape, values };
}

async function writeArrays(path: string, arrays: Arrays): Promise<void> {
  const entries = [...arrays].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const writer = await createSafetensors(path, entries);
  for (const [name, { values }] of arrays) {
    await writer.write(name, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  await writer.close();
}
