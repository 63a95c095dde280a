// The tensors of a model from outside under the names that lamina knows, and whether the output head is the embedding.
import { createHash } from 'node:crypto';
import type { TensorReader } from '../../formats/tensors/tensor-reader.ts';
import { UserError } from '../../util/errors.ts';
import { checkTensors } from '../architecture/check-tensors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { embeddingName, headName } from '../architecture/tensors.ts';
import type { StoredTensor } from '../checkpoint/checkpoint.ts';
import { attachAdapter } from './adapter.ts';
import type { AdapterFiles } from './adapter-config.ts';
import { quantizedLayout } from './foreign-weights.ts';
import type { FolderSummary } from './summary.ts';

/** A model's tensors, checked to be those of its config; they are read when asked for. */
export interface FolderTensors {
  /** With `tie_word_embeddings` as the weights have it. */
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** What is seen and not honoured, in sentences without paths. */
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

type Tensor = StoredTensor & { readonly values: () => Promise<Float32Array> };

/** Opens the weights of a model that `summary` describes, with its adapter or `adapter` attached; throws UserError. */
export async function openFolderTensors(
  summary: Pick<FolderSummary, 'folder' | 'config' | 'dtype' | 'adapter' | 'openWeights'>,
  adapter: AdapterFiles | undefined = summary.adapter,
): Promise<FolderTensors> {
  const { folder, dtype } = summary;
  const warnings: string[] = [];
  const warn = (message: string) => void warnings.push(message);
  const reader = await summary.openWeights(warn);
  const opened = [() => reader.close()];
  const close = async () => {
    for (const each of opened) await each();
  };
  try {
    const named = namedTensors(reader);
    const { config, tensors } = await settleHead(summary.config, named, warn);
    const layout = quantizedLayout(tensors);
    if (layout !== undefined)
      throw new UserError(`model folder '${folder}': ${layout}, and lamina reads F32, F16 and BF16`);
    checkTensors(config, tensors, folder);
    warnOfType(tensors, dtype, warn);
    if (adapter === undefined) return { config, tensors, warnings, close };
    const adapted = await attachAdapter(adapter, tensors, { tied: config.tie_word_embeddings });
    opened.push(adapted.close);
    warn(adapterText(adapted.base, adapted.changed.length));
    return { config, tensors: adapted.tensors, warnings, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function adapterText(base: string | undefined, count: number): string {
  const name = base === undefined ? '' : `, which was trained on '${base.slice(0, 100)}',`;
  return `the adapter${name} is attached: ${count} tensors are those of the base with it`;
}

/** Old exports carry the RoPE frequencies as a buffer; a model that was saved without its head has names without `model.`. */
function namedTensors(reader: TensorReader): Map<string, Tensor> {
  const names = [...reader.tensors.keys()].filter((name) => !/(^|\.)rotary_emb\.inv_freq$/.test(name));
  const isBare = !names.some((name) => name.startsWith('model.')) && names.some((name) => name.startsWith('layers.'));
  return new Map(
    names.map((name) => {
      const { dtype, shape } = reader.tensors.get(name) as { dtype: Tensor['dtype']; shape: number[] };
      const tensor = { dtype, shape, bytes: () => reader.readBytes(name), values: () => reader.readFloat32(name) };
      return [isBare && name !== headName ? `model.${name}` : name, tensor];
    }),
  );
}

/**
 * As transformers ties: a head that equals the embedding is not stored twice, one of the two alone is both, and where both are there and
 * differ, both stay, whatever config.json says.
 */
async function settleHead(
  config: ModelConfig,
  tensors: Map<string, Tensor>,
  warn: (message: string) => void,
): Promise<{ config: ModelConfig; tensors: Map<string, Tensor> }> {
  const [embedding, head] = [tensors.get(embeddingName), tensors.get(headName)];
  if (!config.tie_word_embeddings || head === undefined) return { config, tensors };
  if (embedding !== undefined && !(await isEqual(embedding, head))) {
    warn(
      "config.json says 'tie_word_embeddings', but 'lm_head.weight' is other than the embedding: both are taken, as in transformers",
    );
    return { config: { ...config, tie_word_embeddings: false }, tensors };
  }
  tensors.delete(headName);
  if (embedding === undefined) tensors.set(embeddingName, head);
  return { config, tensors };
}

/** One after the other, so that a large vocabulary is held once. */
async function isEqual(a: Tensor, b: Tensor): Promise<boolean> {
  if (a.shape.join() !== b.shape.join()) return false;
  const digest = async (tensor: Tensor) => {
    const bytes = a.dtype === b.dtype ? await tensor.bytes() : new Uint8Array((await tensor.values()).buffer);
    return createHash('sha256').update(bytes).digest('hex');
  };
  return (await digest(a)) === (await digest(b));
}

const typeNames: Readonly<Record<string, string>> = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
  F64: 'float64',
};

/** transformers rounds weights to the type of config.json as it loads them; lamina computes with what is stored. */
function warnOfType(
  tensors: ReadonlyMap<string, Tensor>,
  dtype: string | undefined,
  warn: (message: string) => void,
): void {
  const stored = [...new Set([...tensors.values()].map((tensor) => typeNames[tensor.dtype] ?? tensor.dtype))];
  if (dtype === undefined || stored.includes(dtype)) return;
  warn(
    `config.json has the 'dtype' '${dtype}', but the weights are stored as ${stored.sort().join(' and ')}: they are taken as stored`,
  );
}
