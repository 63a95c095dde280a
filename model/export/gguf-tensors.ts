// A model's tensors as GGUF has them: their names, and the order of their rows.
import type { ModelConfig } from '../architecture/model-config.ts';
import { architectureOf } from '../architecture/registry.ts';
import { type BiasRole, isBiasRole, type Role } from '../architecture/roles.ts';
import type { TensorSpec } from '../architecture/tensors.ts';

/** The parts of the names, by role; a bias has its matrix's. */
const parts: Readonly<Record<Exclude<Role, BiasRole>, string>> = {
  ...{ embedding: 'token_embd', final_norm: 'output_norm', head: 'output' },
  ...{ attention_norm: 'attn_norm', q: 'attn_q', k: 'attn_k', v: 'attn_v', o: 'attn_output' },
  ...{ q_norm: 'attn_q_norm', k_norm: 'attn_k_norm' },
  ...{ mlp_norm: 'ffn_norm', gate: 'ffn_gate', up: 'ffn_up', down: 'ffn_down' },
};

/** The name of a tensor in GGUF. */
export function ggufName({ role, layer }: TensorSpec): string {
  const part = parts[role.replace(/_bias$/, '') as keyof typeof parts];
  const name = `${part}.${isBiasRole(role) ? 'bias' : 'weight'}`;
  return layer === null ? name : `blk.${layer - 1}.${name}`;
}

const turnedRoles: readonly Role[] = ['q', 'k', 'q_bias', 'k_bias'];

/**
 * Rows of q and k from Hugging Face's order, in which RoPE turns dimension i with i + hd/2, to the one of architectures in which llama.cpp
 * turns neighbours: [heads, 2, hd/2, D] -> [heads, hd/2, 2, D]. Other tensors as they are.
 */
export function interleaved<T extends Values>(spec: TensorSpec, values: T, config: ModelConfig): T {
  const half = config.head_dim / 2;
  return moved(spec, values, config, (within) => (within % 2) * half + Math.floor(within / 2));
}

/** The way back: [heads, hd/2, 2, D] -> [heads, 2, hd/2, D]. */
export function halved<T extends Values>(spec: TensorSpec, values: T, config: ModelConfig): T {
  const half = config.head_dim / 2;
  return moved(spec, values, config, (within) => 2 * (within % half) + Math.floor(within / half));
}

/** Numbers, or their bytes. */
type Values = Float32Array | Uint8Array;

/** Row `within` of each head is taken from row `from(within)` of it. */
function moved<T extends Values>(
  { role, shape }: TensorSpec,
  values: T,
  config: ModelConfig,
  from: (within: number) => number,
): T {
  if (!architectureOf(config).gguf.interleaved || !turnedRoles.includes(role)) return values;
  const { head_dim } = config;
  const rows = shape[0] ?? 0;
  const width = values.length / rows;
  const turned = values.slice() as T;
  for (let row = 0; row < rows; row++) {
    const source = row - (row % head_dim) + from(row % head_dim);
    turned.set(values.subarray(source * width, (source + 1) * width), row * width);
  }
  return turned;
}
