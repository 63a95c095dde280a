// A model in one checkpoint file: config as metadata, tensors in their stored type, the tokenizer's files as bytes.
import { createHash } from 'node:crypto';
import { writing } from '../../formats/files/writing.ts';
import {
  type CheckpointReader,
  type CheckpointWriter,
  createCheckpoint,
  openCheckpoint,
} from '../../formats/tensors/checkpoint.ts';
import { type Dtype, fromFloat32 } from '../../formats/tensors/dtype.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { checkTensors } from '../architecture/check-tensors.ts';
import { configJson, parseConfig } from '../architecture/config.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { tensorShapes } from '../architecture/tensors.ts';
import { createWeights, type Weights } from '../architecture/weights.ts';
import type { Quantization } from '../codec/quantization.ts';
import type { Parts } from '../codec/quantize-codec.ts';
import { roundingOf } from '../forward/linear.ts';
import { type Companions, isCompanion } from './companions.ts';
import { type RowReader, viewTensors } from './quantized-tensors.ts';

/** The tokenizer's files as texts, and the other small files of the model's folder, which travel with the weights. */
export interface TokenizerFiles {
  readonly tokenizer_json: string | null;
  readonly tokenizer_config_json: string | null;
  /** None where a model was made here. */
  readonly companions?: Companions;
}

/** One tensor to be written; its bytes are asked for when its turn comes. */
export interface StoredTensor {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  bytes(): Promise<Uint8Array>;
}

/** An open checkpoint: what it is, and its tensors on demand. */
export interface ModelCheckpoint {
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerFiles;
  /** Every tensor of the config, checked to be there in its shape. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readFloat32(name: string): Promise<Float32Array>;
  /** Some rows of matrix `name` at a time; a quantised matrix is decoded whole and held. */
  openRows(name: string): Promise<RowReader>;
  /** What of it is quantised; the tensors above are float32 all the same. */
  readonly quantization: Quantization | undefined;
  /** The stored arrays of a quantised tensor, by part (`codes`, `scales`, ...); none for others. */
  readParts(name: string): Promise<Parts>;
  /** The tensor that is stored in the place of `name`: itself, or one that equals it. */
  storedAs(name: string): string;
  close(): Promise<void>;
}

const kind = 'llama';
const fileEntries = { tokenizer_json: 'tokenizer.json', tokenizer_config_json: 'tokenizer_config.json' } as const;
/** JSON, written last: tensor name -> name of the equal tensor that is stored in its place. */
const aliasesEntry = 'aliases.json';
const largestText = 2 ** 28;

/** What a model file begins with. */
interface ModelFile {
  readonly config: ModelConfig;
  readonly tokenizer: TokenizerFiles;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Writes `tensors` (exactly those of the config) to `path`; equal tensors are stored once. */
export async function writeStored(
  path: string,
  config: ModelConfig,
  tensors: ReadonlyMap<string, StoredTensor>,
  tokenizer: TokenizerFiles,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<void> {
  checkTensors(config, tensors, path);
  await writeModelFile(path, { config, tokenizer }, (writer) => writeTensors(writer, config, tensors, onProgress));
}

/** Writes the model file `path`: config, `metadata` and tokenizer, then what `write` puts in; it returns the aliases. */
export async function writeModelFile(
  path: string,
  { config, tokenizer, metadata = {} }: ModelFile,
  write: (writer: CheckpointWriter) => Promise<Readonly<Record<string, string>>>,
): Promise<void> {
  const described = { kind, config: JSON.stringify(configJson(config)), ...metadata };
  await writing(await createCheckpoint(path, described), async (writer) => {
    await writeTexts(writer, tokenizer);
    const aliases = await write(writer);
    if (Object.keys(aliases).length > 0) await writeText(writer, aliasesEntry, JSON.stringify(aliases));
  });
}

/** Writes the model's float32 tensors to `path`, rounded to `dtype`. */
export async function writeModel(
  path: string,
  config: ModelConfig,
  weights: { get(name: string): tf.Tensor | undefined },
  tokenizer: TokenizerFiles,
  dtype: 'F32' | 'F16' | 'BF16',
): Promise<void> {
  const tensors = new Map<string, StoredTensor>();
  for (const name of tensorShapes(config).keys()) {
    const tensor = weights.get(name);
    if (!tensor) throw new Error(`the weights have no tensor '${name}'`);
    const bytes = async () => fromFloat32(dtype, (await tensor.data()) as Float32Array);
    tensors.set(name, { dtype, shape: tensor.shape, bytes });
  }
  await writeStored(path, config, tensors, tokenizer);
}

/** Opens the checkpoint `path`; a UserError when it is another kind of file or lacks something. */
export async function openStored(path: string): Promise<ModelCheckpoint> {
  const reader = await openCheckpoint(path);
  try {
    return await modelCheckpoint(reader, path);
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** Reads the checkpoint `path` whole, as float32 tensors. The caller disposes the weights. */
export async function loadModel(
  path: string,
): Promise<{ config: ModelConfig; weights: Weights; tokenizer: TokenizerFiles }> {
  const checkpoint = await openStored(path);
  try {
    const { config, tokenizer } = checkpoint;
    return { config, weights: await loadWeights(checkpoint, checkpoint.tensors.keys()), tokenizer };
  } finally {
    await checkpoint.close();
  }
}

/** Makes a tensor of what is stored. */
export type ReadTensor = (checkpoint: ModelCheckpoint, name: string) => Promise<tf.Tensor>;

/** The tensors `names` of an open checkpoint; layers that share a matrix share its tensor. The caller disposes the weights. */
export async function loadWeights(
  checkpoint: ModelCheckpoint,
  names: Iterable<string>,
  read: ReadTensor = readWide,
): Promise<Weights> {
  const tensors = new Map<string, tf.Tensor>();
  const loaded = new Map<string, tf.Tensor>();
  for (const name of names) {
    // not within a layer, whose matrices have gradients of their own
    const place = `${checkpoint.storedAs(name)} ${checkpoint.tensors.get(name)?.shape} ${name.replace(/\d+/, '')}`;
    const tensor = loaded.get(place) ?? (await read(checkpoint, name));
    loaded.set(place, tensor);
    tensors.set(name, tensor);
  }
  return createWeights(checkpoint.config, tensors, roundingOf(checkpoint.quantization));
}

/** As float32. */
export const readWide: ReadTensor = async (checkpoint, name) => {
  const shape = checkpoint.tensors.get(name)?.shape ?? [];
  return tf.tensor(await checkpoint.readFloat32(name), [...shape], 'float32');
};

async function writeTexts(writer: CheckpointWriter, tokenizer: TokenizerFiles): Promise<void> {
  for (const [key, name] of Object.entries(fileEntries)) {
    const text = tokenizer[key as keyof typeof fileEntries];
    if (text !== null) await writeText(writer, name, text);
  }
  const companions = Object.entries(tokenizer.companions ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [path, text] of companions) await writeText(writer, path, text);
}

async function writeText(writer: CheckpointWriter, name: string, text: string): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await writer.write(name, 'U8', [bytes.byteLength], bytes);
}

/** In the config's order, so that the file does not depend on where the tensors came from. */
async function writeTensors(
  writer: CheckpointWriter,
  config: ModelConfig,
  tensors: ReadonlyMap<string, StoredTensor>,
  onProgress: (done: number, total: number) => void,
): Promise<Record<string, string>> {
  const stored = new Map<string, string>();
  const aliases: Record<string, string> = {};
  let done = 0;
  for (const name of tensorShapes(config).keys()) {
    const { dtype, shape, bytes } = tensors.get(name) as StoredTensor;
    const content = await bytes();
    const digest = `${dtype} ${shape} ${createHash('sha256').update(content).digest('hex')}`;
    const same = stored.get(digest);
    if (same === undefined) await writer.write(name, dtype, shape, content);
    else aliases[name] = same;
    stored.set(digest, same ?? name);
    onProgress(++done, tensors.size);
  }
  return aliases;
}

async function modelCheckpoint(reader: CheckpointReader, path: string): Promise<ModelCheckpoint> {
  const { metadata } = reader;
  if (metadata.kind !== kind || metadata.config === undefined) {
    throw new UserError(
      `checkpoint '${path}' must hold a model (kind '${kind}'), got kind '${metadata.kind ?? 'none'}'`,
    );
  }
  const config = parseConfig(parseStrictJson(metadata.config, `config of '${path}'`, 16), `config of '${path}'`);
  const aliases = parseAliases(await readText(reader, aliasesEntry, path), path);
  const view = viewTensors(reader, path);
  const storedAs = (name: string) => aliases.get(name) ?? name;
  const shapes = tensorShapes(config);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, shape] of shapes) {
    const entry = view.entry(storedAs(name), shape);
    if (entry) tensors.set(name, { ...entry, bytes: () => view.readBytes(storedAs(name), shape) });
  }
  checkTensors(config, tensors, path);
  return {
    config,
    tokenizer: {
      tokenizer_json: await readText(reader, fileEntries.tokenizer_json, path),
      tokenizer_config_json: await readText(reader, fileEntries.tokenizer_config_json, path),
      ...(await readCompanionEntries(reader, path)),
    },
    tensors,
    readFloat32: (name) => view.readFloat32(storedAs(name), shapes.get(name) ?? []),
    openRows: (name) => view.openRows(storedAs(name), shapes.get(name) ?? []),
    quantization: view.quantization,
    readParts: (name) => view.readParts(storedAs(name)),
    storedAs,
    close: () => reader.close(),
  };
}

async function readCompanionEntries(
  reader: CheckpointReader,
  path: string,
): Promise<Pick<TokenizerFiles, 'companions'>> {
  const companions: Record<string, string> = {};
  for (const name of reader.tensors.keys()) {
    if (isCompanion(name)) companions[name] = (await readText(reader, name, path)) ?? '';
  }
  return Object.keys(companions).length > 0 ? { companions } : {};
}

async function readText(reader: CheckpointReader, name: string, path: string): Promise<string | null> {
  const entry = reader.tensors.get(name);
  if (!entry) return null;
  if (entry.byteLength > largestText) {
    throw new UserError(
      `checkpoint '${path}': '${name}' must be at most ${largestText} bytes, got ${entry.byteLength}`,
    );
  }
  return new TextDecoder().decode(await reader.readBytes(name));
}

function parseAliases(text: string | null, path: string): Map<string, string> {
  const json = parseStrictJson(text ?? '{}', `'${aliasesEntry}' of '${path}'`, 2);
  const entries = Object.entries(isObject(json) ? json : {});
  return new Map(entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'));
}
