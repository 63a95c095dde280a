// A GGUF file for llama.cpp: every layer with an MLP of its own, because its tensors cannot share bytes (methods E.5).

import { writing } from '../../formats/files/writing.ts';
import { encodeFloats } from '../../formats/tensors/dtype.ts';
import { createGguf, type GgufEntry, type GgufTensor } from '../../formats/tensors/gguf.ts';
import { encodeGguf, type GgufType, ggufBytes, isBlocked } from '../../formats/tensors/gguf-blocks.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { type BiasRole, isBiasRole, type Role } from '../architecture/roles.ts';
import { tensorShapes, tensorSpecs } from '../architecture/tensors.ts';
import { checkFinite } from '../codec/plain.ts';
import { ropeFactors } from '../forward/rope.ts';
import { ggufTokenizer } from './gguf-tokenizer.ts';
import type { OnProgress } from './huggingface.ts';
import { type ExportSizes, exportSizes } from './sizes.ts';
import type { ExportSource } from './source.ts';

/** What a GGUF export did. */
export interface GgufExport extends ExportSizes {
  /** Tensors (lamina's names) whose rows are no whole number of blocks, stored as F16. */
  readonly unblocked: readonly string[];
  /** False when llama.cpp has no pre-tokenizer of the model's pattern. */
  readonly exact_tokenizer: boolean;
  /** What the file cannot say of the tokenizer, in sentences. */
  readonly warnings: readonly string[];
}

/** ggml's number of each file type. */
const fileTypes: Record<GgufType, number> = { F32: 0, F16: 1, Q4_0: 2, Q8_0: 7, BF16: 32 };
const factorsName = 'rope_freqs.weight';

/** Writes the model to `path`: matrices in `type`, norms as F32. `name` is the model's name for people. */
export async function writeGguf(
  source: ExportSource,
  path: string,
  { type, name, onProgress = () => {} }: { type: GgufType; name: string; onProgress?: OnProgress },
): Promise<GgufExport> {
  const { config } = source;
  const tokenizer = ggufTokenizer(source.tokenizer, config);
  const names = ggufNames(config);
  const shapes = tensorShapes(config);
  const tensors = [...shapes].map(([from, shape]) => {
    return { from, name: names.get(from) as string, shape, type: typeOf(type, shape) };
  });
  const factors = ropeFactors(config);
  const extra: GgufTensor[] = factors ? [{ name: factorsName, type: 'F32', shape: [factors.length] }] : [];
  const metadata = [...modelEntries(config, { type, name }), ...tokenizer.entries];
  await writing(await createGguf(path, metadata, [...extra, ...tensors]), async (writer) => {
    if (factors) await writer.write(factorsName, encodeGguf('F32', factors));
    for (const [i, tensor] of tensors.entries()) {
      const values = interleaved(tensor.name, await source.read(tensor.from), config);
      await writer.write(tensor.name, bytesOf(tensor, values));
      onProgress(i + 1, tensors.length);
    }
  });
  const unblocked = tensors.filter((tensor) => tensor.shape.length > 1 && tensor.type !== type);
  return {
    ...exportSizes(source, (shape) => ggufBytes(typeOf(type, shape), shape) as number),
    unblocked: unblocked.map(({ from }) => from),
    exact_tokenizer: tokenizer.exact,
    warnings: tokenizer.warnings,
  };
}

/** The values of a tensor as they are written; `from` names it in what is refused. */
function bytesOf({ from, type }: { from: string; type: GgufType }, values: Float32Array): Uint8Array {
  if (type === 'F16') return encodeFloats(from, type, values);
  if (isBlocked(type)) checkFinite(from, values);
  return encodeGguf(type, values);
}

/** Norms stay exact; a row that is no whole number of blocks of 32 takes F16, as llama.cpp's own quantiser does. */
function typeOf(type: GgufType, shape: readonly number[]): GgufType {
  if (shape.length === 1) return 'F32';
  return ggufBytes(type, shape) === undefined ? 'F16' : type;
}

function modelEntries(config: ModelConfig, { type, name }: { type: GgufType; name: string }): GgufEntry[] {
  return [
    ['general.architecture', 'string', 'llama'],
    ['general.name', 'string', name],
    ['general.file_type', 'uint32', fileTypes[type]],
    ['general.quantization_version', 'uint32', 2],
    ['llama.vocab_size', 'uint32', config.vocab_size],
    ['llama.context_length', 'uint32', config.max_position_embeddings],
    ['llama.embedding_length', 'uint32', config.hidden_size],
    ['llama.block_count', 'uint32', config.num_hidden_layers],
    ['llama.feed_forward_length', 'uint32', config.intermediate_size],
    ['llama.rope.dimension_count', 'uint32', config.head_dim],
    ['llama.rope.freq_base', 'float32', config.rope_theta],
    ['llama.attention.head_count', 'uint32', config.num_attention_heads],
    ['llama.attention.head_count_kv', 'uint32', config.num_key_value_heads],
    ['llama.attention.key_length', 'uint32', config.head_dim],
    ['llama.attention.value_length', 'uint32', config.head_dim],
    ['llama.attention.layer_norm_rms_epsilon', 'float32', config.rms_norm_eps],
  ];
}

/** Names of a model's tensors in GGUF, by ours. */
function ggufNames(config: ModelConfig): Map<string, string> {
  return new Map(tensorSpecs(config).map(({ name, role, layer }) => [name, ggufName(role, layer)]));
}

function ggufName(role: Role, layer: number | null): string {
  const end = isBiasRole(role) ? 'bias' : 'weight';
  const part = parts[role.replace(/_bias$/, '') as keyof typeof parts];
  return layer === null ? `${part}.${end}` : `blk.${layer - 1}.${part}.${end}`;
}

/** The parts of those names, by role; a bias has its matrix's. */
const parts: Readonly<Record<Exclude<Role, BiasRole>, string>> = {
  ...{ embedding: 'token_embd', final_norm: 'output_norm', head: 'output' },
  ...{ attention_norm: 'attn_norm', q: 'attn_q', k: 'attn_k', v: 'attn_v', o: 'attn_output' },
  ...{ q_norm: 'attn_q_norm', k_norm: 'attn_k_norm' },
  ...{ mlp_norm: 'ffn_norm', gate: 'ffn_gate', up: 'ffn_up', down: 'ffn_down' },
};

/**
 * Rows of q and k from Hugging Face's order, in which RoPE turns dimension i with i + hd/2, to ggml's, in which it turns
 * neighbours: [heads, 2, hd/2, D] -> [heads, hd/2, 2, D]. Other tensors as they are.
 */
function interleaved(name: string, values: Float32Array, { head_dim, hidden_size }: ModelConfig): Float32Array {
  if (!/\.attn_[qk]\.weight$/.test(name)) return values;
  const turned = new Float32Array(values.length);
  const half = head_dim / 2;
  for (let row = 0; row * hidden_size < values.length; row++) {
    const within = row % head_dim;
    const from = row - within + (within % 2) * half + Math.floor(within / 2);
    turned.set(values.subarray(from * hidden_size, (from + 1) * hidden_size), row * hidden_size);
  }
  return turned;
}
