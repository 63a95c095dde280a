// A LoRA adapter attached to a model as it is loaded: each matrix becomes W + scale B A, each module that was saved whole itself.
import { isMissing } from '../../formats/files/file.ts';
import { fromFloat32, toFloat32 } from '../../formats/tensors/dtype.ts';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import type { TensorReader } from '../../formats/tensors/tensor-reader.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { readText } from '../../formats/text/text.ts';
import { UserError } from '../../util/errors.ts';
import { embeddingName, headName } from '../architecture/tensors.ts';
import type { StoredTensor } from '../checkpoint/checkpoint.ts';
import { type AdapterConfig, type AdapterFiles, endsWith, parseAdapterConfig } from './adapter-config.ts';

const largestConfig = 2 ** 22;
const prefix = 'base_model.model.';

/** Tensors with an adapter on them; they are read when they are asked for, so `close` comes after that. */
export interface Adapted {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Tensors that are other than the base's. */
  readonly changed: readonly string[];
  /** What its maker called the base. */
  readonly base: string | undefined;
  close(): Promise<void>;
}

/** What of a file is for one module. */
interface Parts {
  A?: string;
  B?: string;
  whole?: string;
}

/** Attaches the adapter in `files` to `tensors`; a UserError names what of it does not fit. `tied`: the head is the embedding. */
export async function attachAdapter(
  files: AdapterFiles,
  tensors: ReadonlyMap<string, StoredTensor>,
  { tied }: { readonly tied: boolean },
): Promise<Adapted> {
  const text = await readText(files.config, 'adapter configuration', largestConfig);
  const config = parseAdapterConfig(parseStrictJson(text, files.config, 16), files.config);
  const reader = await openWeights(files.weights);
  try {
    const adapted = new Map(tensors);
    const changed: string[] = [];
    for (const [module, parts] of partsOf(reader, config, files.weights)) {
      const name = `${module}.weight`;
      const base = tensors.get(name);
      if (tied && (name === headName || name === embeddingName)) {
        throw new UserError(
          `adapter '${files.weights}' changes '${name}', but the model's embedding and output head are one: merge it with PEFT (merge_and_unload) and load the result`,
        );
      }
      if (base === undefined)
        throw new UserError(`adapter '${files.weights}': the model has no '${name}' for its tensors`);
      adapted.set(name, partTensor(reader, config, { module, name, parts, base }, files.weights));
      changed.push(name);
    }
    if (changed.length === 0) throw new UserError(`adapter '${files.weights}': expected tensors of LoRA, got none`);
    return { tensors: adapted, changed, base: config.base, close: () => reader.close() };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function openWeights(path: string): Promise<TensorReader> {
  try {
    return await openSafetensors(path);
  } catch (error) {
    if (!isMissing(error)) throw error;
    throw new UserError(
      `adapter weights '${path}' do not exist: an 'adapter_model.bin' is a pickled file, which is a program and is not run; save the adapter anew with PEFT, which writes safetensors`,
    );
  }
}

/** The tensors of the file by module, in its order; a UserError for what is no part of plain LoRA. */
function partsOf(reader: TensorReader, config: AdapterConfig, path: string): Map<string, Parts> {
  const modules = new Map<string, Parts>();
  for (const name of reader.tensors.keys()) {
    const [, module, part] = /^base_model\.model\.(.+?)(?:\.(lora_A|lora_B))?\.weight$/.exec(name) ?? [];
    const isWhole = part === undefined && config.saved.some((saved) => endsWith(module ?? '', saved));
    if (module === undefined || !(isWhole || (part !== undefined && config.isTarget(module)))) {
      throw new UserError(
        `adapter '${path}': tensor '${name}' is no part of plain LoRA on the modules that its configuration names ('${prefix}MODULE.lora_A.weight')`,
      );
    }
    const parts = modules.get(module) ?? {};
    parts[part === undefined ? 'whole' : part === 'lora_A' ? 'A' : 'B'] = name;
    modules.set(module, parts);
  }
  return modules;
}

interface Place {
  readonly module: string;
  readonly name: string;
  readonly parts: Parts;
  readonly base: StoredTensor;
}

function partTensor(reader: TensorReader, config: AdapterConfig, place: Place, path: string): StoredTensor {
  const { module, name, parts, base } = place;
  const { A, B, whole } = parts;
  if (whole !== undefined) {
    const entry = entryOf(reader, whole, base.shape, path);
    return { dtype: entry.dtype, shape: entry.shape, bytes: () => reader.readBytes(whole) };
  }
  const [rows = 0, columns = 0] = base.shape;
  if (A === undefined || B === undefined || base.shape.length !== 2) {
    throw new UserError(`adapter '${path}': expected lora_A and lora_B for the matrix '${name}', got one of them`);
  }
  const rank = config.rankOf(module);
  entryOf(reader, A, [rank, columns], path);
  entryOf(reader, B, [rows, rank], path);
  const scale = config.scaleOf(module);
  // float32, whatever the base is stored in: rounding the sum would be another model than base and adapter
  const bytes = async () => {
    const weight = toFloat32(name, base.dtype, await base.bytes());
    return fromFloat32('F32', merged(weight, await reader.readFloat32(A), await reader.readFloat32(B), rank, scale));
  };
  return { dtype: 'F32', shape: base.shape, bytes };
}

function entryOf(reader: TensorReader, name: string, shape: readonly number[], path: string) {
  const entry = reader.tensors.get(name);
  if (entry !== undefined && entry.shape.join() === shape.join()) return entry;
  throw new UserError(
    `adapter '${path}': tensor '${name}': expected [${shape.join(', ')}], got [${entry?.shape.join(', ') ?? ''}]`,
  );
}

/** W + scale B A for W [n, m], A [r, m], B [n, r], all row-major; products are summed in float64. */
function merged(weight: Float32Array, A: Float32Array, B: Float32Array, rank: number, scale: number): Float32Array {
  const columns = A.length / rank;
  const sums = new Float64Array(columns);
  const whole = Float32Array.from(weight);
  for (let row = 0; row * columns < weight.length; row++) {
    sums.fill(0);
    for (let k = 0; k < rank; k++) {
      const factor = B[row * rank + k] as number;
      for (let column = 0; column < columns; column++) {
        sums[column] = (sums[column] as number) + factor * (A[k * columns + column] as number);
      }
    }
    for (let column = 0, at = row * columns; column < columns; column++, at++) {
      whole[at] = (weight[at] as number) + scale * (sums[column] as number);
    }
  }
  return whole;
}
