// The model that the engine is measured at: a folder, or a named shape with weights made once and kept.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { type TensorSpec, tensorSpecs } from '../../model/architecture/tensors.ts';
import { startValues } from '../../model/architecture/weights.ts';
import { openStored, type StoredTensor, writeStored } from '../../model/checkpoint/checkpoint.ts';
import { exportHuggingFace } from '../../model/export/huggingface.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom } from '../../util/random.ts';
import { root, workFolder } from '../place.ts';
import { modelNames, type Shape, shapes, tinyName } from './shapes.ts';

/** One model in the two forms that the sides read. */
export interface BenchModel {
  /** What the tables call it. */
  model: string;
  config: ModelConfig;
  /** In Hugging Face form. */
  modelFolder: string;
  /** The same as lamina's checkpoint. */
  checkpoint: string;
}

/** Changed when the same shape would get other weights. */
const version = 1;

/** The model called `name`: `tiny`, a shape, or a folder. */
export async function prepareModel(name: string): Promise<BenchModel> {
  const shape = shapes[name];
  if (shape !== undefined) return prepareShape(name, shape);
  if (name === tinyName) return importFolder(join(root, 'models', 'tiny'), 'models/tiny', name);
  if (existsSync(join(name, 'config.json'))) return importFolder(name, `folder ${basename(name)}`, 'folder');
  throw new UserError(`--model expects ${modelNames.join(', ')} or a model's folder, got '${name}'`);
}

async function importFolder(modelFolder: string, model: string, name: string): Promise<BenchModel> {
  const checkpoint = join(workFolder('engine', name), 'model.arrow');
  const config = await importHuggingFace(modelFolder, checkpoint);
  return { model, config, modelFolder, checkpoint };
}

async function prepareShape(name: string, { label, config: json }: Shape): Promise<BenchModel> {
  const folder = workFolder('engine', name);
  const checkpoint = join(folder, 'model.arrow');
  const modelFolder = join(folder, 'hf');
  const made = JSON.stringify({ version, json });
  const done = join(folder, 'done.json');
  if (!existsSync(done) || readFileSync(done, 'utf8') !== made) {
    await writeRandom(checkpoint, parseConfig(json, `the shape '${name}'`));
    mkdirSync(modelFolder, { recursive: true });
    await exportHuggingFace(checkpoint, modelFolder, 'BF16');
    writeFileSync(done, made);
  }
  const stored = await openStored(checkpoint);
  await stored.close();
  return { model: label, config: stored.config, modelFolder, checkpoint };
}

async function writeRandom(path: string, config: ModelConfig): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  for (const tensor of tensorSpecs(config)) {
    const { name, shape } = tensor;
    const values = () => startValues(tensor, deviationOf(tensor, config), createRandom('bench', 'weights', name));
    tensors.set(name, { dtype: 'BF16', shape, bytes: async () => fromFloat32('BF16', values()) });
  }
  // the tiny model's tokens are the first of any vocabulary, so its tokenizer serves a shape that has none
  const tokenizer_json = readFileSync(join(root, 'models', 'tiny', 'tokenizer.json'), 'utf8');
  await writeStored(path, config, tensors, { tokenizer_json, tokenizer_config_json: null });
}

/** Products keep the size of their input, so that attention, MLP and head all show in a loss that the sides compare. */
function deviationOf({ role, shape }: TensorSpec, { hidden_size }: ModelConfig): number {
  return role === 'embedding' || role === 'head' ? 2 / Math.sqrt(hidden_size) : 1 / Math.sqrt(shape[1] ?? 1);
}
