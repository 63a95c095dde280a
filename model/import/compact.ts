// The compact folder read back: a checkpoint in which shared MLPs are stored once, and the recovery that belongs on it.
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { dtypeBytes, tensorBytes } from '../../formats/tensors/dtype.ts';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import type { TensorReader } from '../../formats/tensors/tensor-reader.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { readText } from '../../formats/text/text.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { shown } from '../../util/shown.ts';
import { checkTensors } from '../architecture/check-tensors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { isProjection, type MatrixRole } from '../architecture/roles.ts';
import { tensorName, tensorShapes } from '../architecture/tensors.ts';
import type { Values } from '../architecture/weights.ts';
import { type StoredTensor, writeStored } from '../checkpoint/checkpoint.ts';
import { type RecoveryTensor, replacementsFrom, writeRecoveryTensors } from '../checkpoint/recovery-file.ts';
import { compactFormat, compactMap, compactVersionOf, compactWeights } from '../export/compact.ts';
import type { OnProgress } from '../export/huggingface.ts';
import { type ParallelLayers, parallelFrom } from '../sharing/parallel-layers.ts';
import { parameterName, recoveryShapes } from '../sharing/recovery-shapes.ts';
import { dropsOwn, type Replacement, rolesOf } from '../sharing/replacement.ts';
import { checkRouting, type Routing, routerShapes, routingFrom } from '../sharing/routing.ts';
import { silentBiases } from '../sharing/sources.ts';
import { readModelFolder } from './model-folder.ts';
import type { FolderSummary } from './summary.ts';

const largestMap = 2 ** 24;
/** Of one skipped matrix, which is made and not read. */
const largestZeros = 2 ** 31;

/** What sharp.json says. */
interface CompactMap {
  readonly replacements: readonly Replacement[];
  readonly parallel?: ParallelLayers | undefined;
  readonly routing?: Routing | undefined;
  /** By `parameterName`. */
  readonly alphas: ReadonlyMap<string, number>;
}

/** True when `folder` holds a compact export. */
export async function isCompactFolder(folder: string): Promise<boolean> {
  return (await stat(join(folder, compactMap)).catch(() => undefined))?.isFile() ?? false;
}

/** Reads sharp.json of `folder` for a model of `config`; anything wrong with it is a UserError. */
async function readCompactMap(folder: string, config: ModelConfig): Promise<CompactMap> {
  const path = join(folder, compactMap);
  const json = parseStrictJson(await readText(path, 'map', largestMap), `'${path}'`, 6);
  const { format, version, weights, layers_count_from, ...said } = isObject(json) ? json : {};
  const { replacements: listed } = said;
  const expected = {
    format: compactFormat,
    version: compactVersionOf(said),
    weights: compactWeights,
    layers_count_from: 1,
  };
  for (const [key, found] of Object.entries({ format, version, weights, layers_count_from })) {
    const wanted = expected[key as keyof typeof expected];
    if (found === wanted) continue;
    throw new UserError(`'${path}': '${key}' must be ${JSON.stringify(wanted)}, got ${shown(found)}`);
  }
  const replacements = replacementsFrom(listed, config, `'${path}'`);
  const alphas = new Map<string, number>();
  const parameters = recoveryShapes(config, replacements);
  for (const [i, replacement] of replacements.entries()) {
    const { alpha } = (listed as Record<string, unknown>[])[i] as Record<string, unknown>;
    const scaled = rolesOf(replacement).filter((role) => parameters.has(parameterName(replacement, role, 'alpha')));
    for (const role of scaled) addAlpha(alphas, alpha, replacement, role, path);
  }
  return { replacements, alphas, ...besideOf(said, config, replacements, path) };
}

/** What the map says beside its replacements. */
function besideOf(
  said: { readonly parallel?: unknown; readonly routing?: unknown },
  config: ModelConfig,
  replacements: readonly Replacement[],
  path: string,
): Pick<CompactMap, 'parallel' | 'routing'> {
  const { num_hidden_layers: layers } = config;
  const parallel = said.parallel === undefined ? undefined : parallelFrom(said.parallel, layers, `'${path}'`);
  const routing = said.routing === undefined ? undefined : routingFrom(said.routing, layers, `'${path}'`);
  if (routing !== undefined) checkRouting(config, routing, { replacements, parallel }, `'${path}'`);
  return { parallel, routing };
}

/** Copies the compact `folder` into a checkpoint (with Direct Sharing, each stored tensor once) and its recovery. */
export async function importCompact(
  folder: string,
  paths: { readonly model: string; readonly recovery: string },
  onProgress?: OnProgress,
  onWarning: (message: string) => void = () => {},
  summary?: FolderSummary,
): Promise<{ config: ModelConfig; replacements: readonly Replacement[] }> {
  const { config, tokenizer, adapter, warnings } = summary ?? (await readModelFolder(folder));
  if (adapter !== undefined) {
    throw new UserError(
      `compact folder '${folder}' has an adapter beside it, which lamina attaches to whole models only`,
    );
  }
  for (const message of warnings) onWarning(message);
  const map = await readCompactMap(folder, config);
  const reader = await openSafetensors(join(folder, compactWeights));
  try {
    const parameters = parameterTensors(reader, config, map, folder);
    const routers = routerTensors(reader, config, map, folder);
    const tensors = modelTensors(reader, config, map, new Set([...parameters, ...routers].map(({ name }) => name)));
    checkTensors(config, tensors, folder);
    await writeStored(paths.model, config, tensors, tokenizer, onProgress);
    const routing = map.routing && { ...map.routing, routers: await valuesOf(routers) };
    await writeRecoveryTensors(paths.recovery, map.replacements, parameters, 32, { parallel: map.parallel, routing });
  } finally {
    await reader.close();
  }
  return { config, replacements: map.replacements };
}

function addAlpha(
  alphas: Map<string, number>,
  alpha: unknown,
  replacement: Replacement,
  role: MatrixRole,
  path: string,
): void {
  const value = isObject(alpha) ? alpha[role] : undefined;
  if (typeof value !== 'number' || !Number.isFinite(Math.fround(value))) {
    throw new UserError(
      `'${path}': 'alpha' of layer ${replacement.target} must hold a number for '${role}', got ${shown(value)}`,
    );
  }
  alphas.set(parameterName(replacement, role, 'alpha'), value);
}

/** Recovery parameters by name and shape, checked to be there before any is read. */
function parameterTensors(
  reader: TensorReader,
  config: ModelConfig,
  { replacements, alphas }: CompactMap,
  folder: string,
): RecoveryTensor[] {
  return [...recoveryShapes(config, replacements)].map(([name, shape]) => {
    const alpha = alphas.get(name);
    if (alpha !== undefined) return { name, shape, read: async () => Float32Array.of(alpha) };
    return float32Tensor(reader, name, shape, folder);
  });
}

/** The routers, checked likewise. */
function routerTensors(
  reader: TensorReader,
  config: ModelConfig,
  { routing }: CompactMap,
  folder: string,
): RecoveryTensor[] {
  const shapes = routing === undefined ? [] : [...routerShapes(config, routing)];
  return shapes.map(([name, shape]) => float32Tensor(reader, name, shape, folder));
}

function float32Tensor(reader: TensorReader, name: string, shape: readonly number[], folder: string): RecoveryTensor {
  const found = reader.tensors.get(name);
  if (found?.dtype === 'F32' && found.shape.join() === shape.join()) {
    return { name, shape, read: () => reader.readFloat32(name) };
  }
  const got = found ? `${found.dtype} of [${found.shape.join(', ')}]` : 'nothing';
  throw new UserError(`model folder '${folder}': tensor '${name}': expected F32 of [${shape.join(', ')}], got ${got}`);
}

async function valuesOf(tensors: readonly RecoveryTensor[]): Promise<Map<string, Values>> {
  const values = new Map<string, Values>();
  for (const { name, shape, read } of tensors) values.set(name, { shape: [...shape], values: await read() });
  return values;
}

/** The model's tensors: as stored, the reference's for a shared MLP, zeros for what is skipped. */
function modelTensors(
  reader: TensorReader,
  config: ModelConfig,
  { replacements }: CompactMap,
  parameters: ReadonlySet<string>,
): Map<string, StoredTensor> {
  const tensors = new Map<string, StoredTensor>();
  const stored = (name: string) => {
    const entry = reader.tensors.get(name);
    return entry && { dtype: entry.dtype, shape: entry.shape, bytes: () => reader.readBytes(name) };
  };
  for (const name of reader.tensors.keys()) {
    if (!parameters.has(name)) tensors.set(name, stored(name) as StoredTensor);
  }
  const shapes = tensorShapes(config);
  for (const replacement of replacements.filter(dropsOwn)) {
    const { target, reference } = replacement;
    for (const role of rolesOf(replacement)) {
      const name = tensorName(config, target, role);
      if (tensors.has(name) && reader.tensors.has(name)) {
        throw new UserError(
          `'${compactWeights}' has tensor '${name}', but '${compactMap}' says that layer ${target} has no ${isProjection(role) ? 'MLP' : 'attention'} of its own`,
        );
      }
      const tensor =
        reference === null ? zeros(shapes.get(name) as number[]) : stored(tensorName(config, reference, role));
      if (tensor !== undefined) tensors.set(name, tensor);
    }
    for (const name of silentBiases(config, replacement)) tensors.set(name, zeros(shapes.get(name) as number[]));
  }
  return tensors;
}

function zeros(shape: readonly number[]): StoredTensor {
  const size = tensorBytes('BF16', shape) ?? Number.POSITIVE_INFINITY;
  if (size > largestZeros) {
    throw new UserError(
      `what is skipped must have matrices of at most ${largestZeros / dtypeBytes('BF16')} numbers, got [${shape.join(', ')}]`,
    );
  }
  return { dtype: 'BF16', shape, bytes: async () => new Uint8Array(size) };
}
