// Recoveries in checkpoint files: SLW writes one per pair, other stages one with all replacements.
import { writing } from '../../formats/files/writing.ts';
import { type CheckpointReader, createCheckpoint, openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { encodeFloats } from '../../formats/tensors/dtype.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import type { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type MatrixRole, matrixRoles } from '../architecture/roles.ts';
import { type Values, variablesOf } from '../architecture/weights.ts';
import { quantizePlain } from '../codec/plain.ts';
import { quantizationJson, quantizationKey } from '../codec/quantization.ts';
import { type IntegerCodec, storedBytes } from '../codec/quantize-codec.ts';
import { methodNames } from '../methods/registry.ts';
import { type ParallelLayers, parallelFrom } from '../sharing/parallel-layers.ts';
import { disposeRecovery, joinRecoveries, type Recovery } from '../sharing/recovery.ts';
import { recoveryShapes } from '../sharing/recovery-shapes.ts';
import { checkReplacements, type Replacement } from '../sharing/replacement.ts';
import { checkRouting, type Routed, type Routing, routerShapes, routingFrom } from '../sharing/routing.ts';
import { type TensorView, viewTensors, writeParts } from './quantized-tensors.ts';

/** One scale for each row of a parameter. */
const rowCodec = { type: 'integer', symmetric: true, group_size: 0, order: 'even_low' } as const;

const kind = 'recovery';
const largestRank = 2 ** 24;

/** Bits of a recovery parameter on disk: 32 and 16 are floats, 8 and 4 integers with a scale for each row; scalars stay float32. */
export type RecoveryBits = 32 | 16 | 8 | 4;

/** Writes `recovery` to `path`; the order of the tensors follows from the replacements. Returns the bytes of the parameters. */
export function writeRecovery(
  path: string,
  { replacements, parameters, parallel, routing }: Recovery,
  bits: RecoveryBits = 32,
): Promise<number> {
  const entries = [...parameters].map(([name, variable]) => {
    return { name, shape: variable.shape, read: async () => (await variable.data()) as Float32Array };
  });
  const routers = new Map([...(routing?.routers ?? [])].map(([name, variable]) => [name, valuesOf(variable)]));
  return writeRecoveryTensors(path, replacements, entries, bits, {
    parallel,
    routing: routing && { ...routing, routers },
  });
}

/** What a recovery says beside its replacements; routers are float32 whatever the parameters are. */
export interface BesideReplacements {
  readonly parallel?: ParallelLayers | undefined;
  readonly routing?: Routed<Values> | undefined;
}

function valuesOf(variable: tf.Variable): Values {
  return { shape: variable.shape, values: variable.dataSync() as Float32Array };
}

/** One recovery parameter on its way to a file. */
export interface RecoveryTensor {
  readonly name: string;
  readonly shape: readonly number[];
  read(): Promise<Float32Array>;
}

/** The same from anywhere, without a tensor library; the tensors in the order of `recoveryShapes`. */
export async function writeRecoveryTensors(
  path: string,
  replacements: readonly Replacement[],
  tensors: readonly RecoveryTensor[],
  bits: RecoveryBits = 32,
  { parallel, routing }: BesideReplacements = {},
): Promise<number> {
  const listed = replacements.map(({ target, reference, candidate, rank, roles }) => {
    return { target, reference, candidate, rank, ...(roles && { roles }) };
  });
  const codecs = new Map<string, IntegerCodec>();
  for (const { name, shape } of tensors) {
    if (shape.length === 2 && (bits === 8 || bits === 4)) codecs.set(name, { ...rowCodec, bits });
  }
  const said = { scheme: `int${bits}`, activations: null, codecs, absent: new Set<string>() };
  const quantized = codecs.size > 0 && { [quantizationKey]: quantizationJson(said) };
  const beside = {
    ...(parallel && { parallel: JSON.stringify(parallel) }),
    ...(routing && { routing: routingJson(routing) }),
  };
  const metadata = { kind, replacements: JSON.stringify(listed), ...beside, ...quantized };
  return writing(await createCheckpoint(path, metadata), async (writer) => {
    let bytes = 0;
    for (const { name, shape, read } of tensors) {
      const values = await read();
      const codec = codecs.get(name);
      const dtype = bits === 16 && shape.length === 2 ? 'F16' : 'F32';
      bytes += codec ? storedBytes(codec, shape) : values.length * (dtype === 'F16' ? 2 : 4);
      if (codec) await writeParts(writer, name, codec, shape, quantizePlain(name, codec, shape, values));
      else await writer.write(name, dtype, shape, encodeFloats(name, dtype, values));
    }
    for (const [name, { shape, values }] of routing?.routers ?? []) {
      await writer.write(name, 'F32', shape, encodeFloats(name, 'F32', values));
      bytes += values.length * 4;
    }
    return bytes;
  });
}

/**
 * Reads the recoveries in `paths` as one; the caller frees it. A UserError when the files do not belong to a model of
 * `config` or do not go together.
 */
export async function readRecovery(paths: readonly string[], config: ModelConfig): Promise<Recovery> {
  if (paths.length === 0) throw new UserError('a recovery needs at least one file, got none');
  const parts: Recovery[] = [];
  try {
    for (const path of paths) {
      parts.push(await readPart(path, config));
      joinRecoveries(config, parts, `recovery '${path}'`); // here, so that the message names the file
    }
    return joinRecoveries(config, parts, 'the recovery');
  } catch (error) {
    parts.forEach(disposeRecovery);
    throw error;
  }
}

/** What the recovery in `path` replaces, without its parameters. */
export async function readReplacements(path: string, config: ModelConfig): Promise<readonly Replacement[]> {
  const reader = await openCheckpoint(path);
  try {
    return parseReplacements(reader, path, config);
  } finally {
    await reader.close();
  }
}

/** Which MLPs the recovery in `path` cuts into experts, without the routers. */
export async function readRouting(path: string, config: ModelConfig): Promise<Routing | undefined> {
  const reader = await openCheckpoint(path);
  try {
    return parseRouting(reader, path, config);
  } finally {
    await reader.close();
  }
}

async function readPart(path: string, config: ModelConfig): Promise<Recovery> {
  const reader = await openCheckpoint(path);
  try {
    const replacements = parseReplacements(reader, path, config);
    const shapes = recoveryShapes(config, replacements);
    const view = viewTensors(reader, path);
    checkShapes(view, shapes, path);
    const entries = new Map<string, Values>();
    for (const [name, shape] of shapes) entries.set(name, { shape, values: await view.readFloat32(name, shape) });
    const parallel = parseParallelLayers(reader, path, config);
    const routing = await readRouted(reader, path, config);
    if (routing !== undefined) checkRouting(config, routing, { replacements, parallel }, `recovery '${path}'`);
    return {
      replacements,
      parameters: variablesOf(entries),
      ...(parallel && { parallel }),
      ...(routing && { routing: { ...routing, routers: variablesOf(routing.routers) } }),
    };
  } finally {
    await reader.close();
  }
}

/** All tensors before any is read: nothing is allocated for a file that does not fit. */
function checkShapes(view: TensorView, shapes: ReadonlyMap<string, number[]>, path: string): void {
  for (const [name, shape] of shapes) {
    const found = view.entry(name, shape);
    if (found && found.shape.join() === shape.join()) continue;
    const got = found ? `[${found.shape.join(', ')}]` : 'nothing';
    throw new UserError(
      `recovery '${path}': tensor '${name}': expected [${shape.join(', ')}] for this model, got ${got}`,
    );
  }
}

function parseReplacements({ metadata }: CheckpointReader, path: string, config: ModelConfig): Replacement[] {
  if (metadata.kind !== kind) {
    throw new UserError(
      `checkpoint '${path}' must hold a recovery (kind '${kind}'), got kind '${metadata.kind ?? 'none'}'`,
    );
  }
  const listed = parseStrictJson(metadata.replacements ?? 'null', `replacements of recovery '${path}'`, 4);
  return replacementsFrom(listed, config, `recovery '${path}'`);
}

function parseParallelLayers(
  { metadata }: CheckpointReader,
  path: string,
  { num_hidden_layers: layers }: ModelConfig,
): ParallelLayers | undefined {
  if (metadata.parallel === undefined) return undefined;
  const json = parseStrictJson(metadata.parallel, `parallel layers of recovery '${path}'`, 2);
  return parallelFrom(json, layers, `recovery '${path}'`);
}

async function readRouted(
  reader: CheckpointReader,
  path: string,
  config: ModelConfig,
): Promise<Routed<Values> | undefined> {
  const routing = parseRouting(reader, path, config);
  if (routing === undefined) return undefined;
  const shapes = routerShapes(config, routing);
  const view = viewTensors(reader, path);
  checkShapes(view, shapes, path);
  const routers = new Map<string, Values>();
  for (const [name, shape] of shapes) routers.set(name, { shape, values: await view.readFloat32(name, shape) });
  return { ...routing, routers };
}

function parseRouting(
  { metadata }: CheckpointReader,
  path: string,
  { num_hidden_layers: layers }: ModelConfig,
): Routing | undefined {
  if (metadata.routing === undefined) return undefined;
  const json = parseStrictJson(metadata.routing, `routing of recovery '${path}'`, 3);
  return routingFrom(json, layers, `recovery '${path}'`);
}

function routingJson({ layers, experts, active }: Routing): string {
  return JSON.stringify({ layers, experts, active });
}

/** Replacements from parsed JSON, checked to go together in a model of `config`; `source` begins the messages. */
export function replacementsFrom(listed: unknown, config: ModelConfig, source: string): Replacement[] {
  if (!Array.isArray(listed)) throw new UserError(`${source}: 'replacements' must be a list`);
  const replacements = listed.map((entry, i) => parseReplacement(entry, config, `${source}: replacement ${i + 1}`));
  checkReplacements(config, replacements, source);
  return replacements;
}

function parseReplacement(entry: unknown, { num_hidden_layers: layers }: ModelConfig, source: string): Replacement {
  const { target, reference, candidate, rank, roles } = isObject(entry) ? entry : {};
  if (!isWhole(target, 1, layers)) throw new UserError(`${source}: 'target' must be a layer from 1 to ${layers}`);
  if (reference !== null && !isWhole(reference, 1, layers)) {
    throw new UserError(`${source}: 'reference' must be a layer from 1 to ${layers} or null`);
  }
  if (typeof candidate !== 'string' || !methodNames.includes(candidate)) {
    throw new UserError(`${source}: 'candidate' must be ${methodNames.join(' or ')}`);
  }
  if (!isWhole(rank, 0, reference === null ? 0 : largestRank)) {
    throw new UserError(`${source}: 'rank' must be a whole number of at least 0, and 0 where the MLP is pruned`);
  }
  return { target, reference, candidate, rank, ...(roles !== undefined && { roles: parseRoles(roles, source) }) };
}

/** The matrices that a replacement stands at, each once, in the order in which a layer uses them. */
function parseRoles(roles: unknown, source: string): MatrixRole[] {
  const known = matrixRoles.filter((role) => Array.isArray(roles) && roles.includes(role));
  if (Array.isArray(roles) && roles.length > 0 && known.join() === roles.join()) return known;
  throw new UserError(`${source}: 'roles' must be some of ${matrixRoles.join(', ')}, in this order`);
}

function isWhole(value: unknown, minimum: number, maximum: number): value is number {
  return Number.isInteger(value) && (value as number) >= minimum && (value as number) <= maximum;
}
