// What an export is made of: a checkpoint, and the recovery that stands in for some of its MLPs, tensor by tensor.
import { tf } from '../../tensor/tf.ts';
import { type ModelConfig, mlpWidth } from '../architecture/model-config.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorShapes } from '../architecture/tensors.ts';
import { type ModelCheckpoint, openStored, type TokenizerFiles } from '../checkpoint/checkpoint.ts';
import { readRecovery } from '../checkpoint/recovery-file.ts';
import { openRecoveryParts, type RecoveryParts } from '../checkpoint/recovery-parts.ts';
import { disposeRecovery, type Recovery } from '../sharing/recovery.ts';
import { parameterName } from '../sharing/recovery-shapes.ts';
import type { Replacement } from '../sharing/replacement.ts';
import { type TensorSource, tensorSources } from '../sharing/sources.ts';
import { expandMatrix } from '../sharing/tensor-matrix.ts';

/** A model on its way out. */
export interface ExportSource {
  /** With one MLP width for all layers, that of the widest: what other programs know. */
  readonly config: ModelConfig;
  /** As it is stored, with a width for each layer where they differ. */
  readonly stored: ModelConfig;
  readonly tokenizer: TokenizerFiles;
  readonly recovery: Recovery;
  /** Layers (from 1) whose MLP is narrower than `config` says: zeros stand in for the removed channels, which changes no output. */
  readonly padded: readonly number[];
  /** The tensor `name` of `config` as float32: a replaced MLP as the whole matrices that it works with, a pruned one as zeros. */
  read(name: string): Promise<Float32Array>;
  /** The same without A B: alpha Theta, what an adapter goes on top of. g0 only. */
  readBase(name: string): Promise<Float32Array>;
  /** The tensor `name` of `stored` as the checkpoint has it. */
  readStored(name: string): Promise<Float32Array>;
  /** The checkpoint as it lies there: what is quantised, and the stored arrays. */
  readonly checkpoint: Pick<ModelCheckpoint, 'quantization' | 'readParts' | 'tensors' | 'storedAs'>;
  /** The recovery's files as they lie there. */
  readonly recoveryParts: RecoveryParts;
  /** A recovery parameter as float32. */
  parameter(replacement: Replacement, role: MatrixRole, name: string): Promise<Float32Array>;
  close(): Promise<void>;
}

/** Opens the checkpoint `modelPath` with the recoveries in `recoveryPaths` on top; the tensor backend must be ready for these. */
export async function openExportSource(
  modelPath: string,
  recoveryPaths: readonly string[] = [],
): Promise<ExportSource> {
  const checkpoint = await openStored(modelPath);
  try {
    const { config: stored } = checkpoint;
    const recovery =
      recoveryPaths.length === 0
        ? { replacements: [], parameters: new Map() }
        : await readRecovery(recoveryPaths, stored);
    return exportSource(checkpoint, recovery, await openRecoveryParts(recoveryPaths));
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** True where `replacement` has recovery parameters. */
export function isAdapted(replacement: Replacement): boolean {
  return replacement.rank > 0;
}

function exportSource(checkpoint: ModelCheckpoint, recovery: Recovery, recoveryParts: RecoveryParts): ExportSource {
  const { config: stored, tokenizer } = checkpoint;
  const config = fullWidth(stored);
  const shapes = tensorShapes(config);
  const storedShapes = tensorShapes(stored);
  const sources = tensorSources(stored, recovery.replacements);
  const parameter: ExportSource['parameter'] = async (replacement, role, name) =>
    (await parameterOf(recovery, replacement, role, name).data()) as Float32Array;
  const replaced = async (name: string, isBase: boolean) => {
    const source = sources.get(name) as TensorSource;
    const shape = storedShapes.get(name) as number[];
    const zeros = () => new Float32Array(shape.reduce((a, b) => a * b, 1));
    if (source.kind === 'zeros') return zeros();
    if (source.kind === 'factored') {
      return expanded(recovery, source.replacement, source.role, { weight: zeros(), shape });
    }
    const weight = await checkpoint.readFloat32(source.of);
    if (source.kind === 'stored') return weight;
    const { replacement, role } = source;
    if (!isBase) return expanded(recovery, replacement, role, { weight, shape });
    if (!recovery.parameters.has(parameterName(replacement, role, 'alpha'))) return weight;
    const [alpha = 1] = await parameter(replacement, role, 'alpha');
    return alpha === 1 ? weight : weight.map((value) => value * alpha);
  };
  const full = async (name: string, isBase: boolean) =>
    padded(await replaced(name, isBase), storedShapes.get(name) as number[], shapes.get(name) as number[]);
  return {
    config,
    stored,
    tokenizer,
    checkpoint,
    recovery,
    recoveryParts,
    padded: narrowLayers(stored, config.intermediate_size),
    read: (name) => full(name, false),
    readBase: (name) => full(name, true),
    readStored: (name) => checkpoint.readFloat32(name),
    parameter,
    async close() {
      disposeRecovery(recovery);
      await recoveryParts.close();
      await checkpoint.close();
    },
  };
}

async function expanded(
  recovery: Recovery,
  replacement: Replacement,
  role: MatrixRole,
  { weight, shape }: { weight: Float32Array; shape: number[] },
): Promise<Float32Array> {
  const reference = tf.tensor2d(weight, shape as [number, number]);
  const whole = expandMatrix(replacement.candidate, role, reference, (name) =>
    parameterOf(recovery, replacement, role, name),
  );
  const values = (await whole.data()) as Float32Array;
  tf.dispose([reference, whole]);
  return values;
}

function parameterOf({ parameters }: Recovery, replacement: Replacement, role: MatrixRole, name: string): tf.Tensor {
  const full = parameterName(replacement, role, name);
  const tensor = parameters.get(full);
  if (tensor === undefined) throw new Error(`the recovery has no tensor '${full}'`);
  return tensor;
}

/** The config with one width for every layer, that of the widest MLP. */
function fullWidth({ intermediate_sizes, ...config }: ModelConfig): ModelConfig {
  return intermediate_sizes ? { ...config, intermediate_size: Math.max(...intermediate_sizes) } : config;
}

function narrowLayers(config: ModelConfig, width: number): number[] {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => i + 1);
  return layers.filter((layer) => mlpWidth(config, layer) < width);
}

/** A matrix with zeros to the right and below, up to `to`; as it is when it has that shape. */
export function padded(values: Float32Array, from: readonly number[], to: readonly number[]): Float32Array {
  if (from.join() === to.join()) return values;
  const [height = 0, width = 0] = from;
  const [rows = 0, columns = 0] = to;
  const wide = new Float32Array(rows * columns);
  for (let row = 0; row < height; row++) wide.set(values.subarray(row * width, (row + 1) * width), row * columns);
  return wide;
}
