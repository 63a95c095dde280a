// What a step cannot do without: the operations of its matrix products, and the bytes that they read and write.
//
// B batch, T tokens, N = B*T rows, D hidden, F MLP width, H heads, K key/value heads, hd head size, V vocabulary, r rank.
import type { ModelConfig } from '../model/architecture/model-config.ts';
import { pairs, replacementMap } from '../model/sharing/sharing.ts';
import {
  copyBytes,
  forwardBatch,
  gemmSize,
  rank,
  sftBatch,
  sharingType,
  slwTokens,
  type Task,
} from './engine-shape.ts';

/** Floating-point operations, and bytes of operands and results in float32, each counted once per product. */
export interface Work {
  flops: number;
  bytes: number;
}

const float = 4;
const none: Work = { flops: 0, bytes: 0 };

/** The work of one step of `task`. */
export function workOf(task: Task, config: ModelConfig): Work {
  switch (task) {
    case 'forward':
      return forwardWork(config, forwardBatch);
    case 'slw':
      return slwWork(config, slwTokens);
    case 'sft':
      return sftWork(config, sftBatch);
    case 'gemm':
      return product(gemmSize, gemmSize, gemmSize);
    case 'copy':
      return { flops: 0, bytes: 2 * copyBytes };
  }
}

interface Extent {
  batch: number;
  tokens: number;
}

function forwardWork(config: ModelConfig, extent: Extent): Work {
  const n = extent.batch * extent.tokens;
  const layer = sum(attentionWork(config, extent), mlpWork(config, n));
  return sum(times(config.num_hidden_layers, layer), headWork(config, n));
}

/**
 * The MLP with recovery forward; backward no gradient of the input and none of the weights: through down to its input,
 * and the recovery parameters' own.
 */
function slwWork(config: ModelConfig, n: number): Work {
  const { hidden_size: d, intermediate_size: f } = config;
  const through = sum(product(n, d, f), recoveryInputGradient(config, n));
  return sum(mlpWork(config, n), times(3, sum(recoveryWork(config, n), recoveryGradient(config, n))), through);
}

/** Forward with recovery on the targets; backward no weights' gradients, and nothing below the first target. */
function sftWork(config: ModelConfig, extent: Extent): Work {
  const n = extent.batch * extent.tokens;
  const targets = pairs(replacementMap(sharingType, config.num_hidden_layers)).map(({ target }) => target);
  const above = config.num_hidden_layers - (targets[0] as number);
  const recovery = sum(recoveryWork(config, n), recoveryGradient(config, n), recoveryInputGradient(config, n));
  return sum(
    forwardWork(config, extent),
    times(3 * targets.length, recovery),
    headWork(config, n),
    times(above, sum(attentionGradient(config, extent), mlpWork(config, n))),
    product(n, config.hidden_size, config.intermediate_size),
  );
}

/** gate, up and down; their input gradients cost the same. */
function mlpWork({ hidden_size: d, intermediate_size: f }: ModelConfig, n: number): Work {
  return times(3, product(n, d, f));
}

/** x A B for one projection. */
function recoveryWork({ hidden_size: d, intermediate_size: f }: ModelConfig, n: number): Work {
  return sum(product(n, d, rank), product(n, rank, f));
}

/** dA, dB and the gradient between them. */
function recoveryGradient({ hidden_size: d, intermediate_size: f }: ModelConfig, n: number): Work {
  return sum(product(d, n, rank), product(rank, n, f), product(n, f, rank));
}

function recoveryInputGradient({ hidden_size: d }: ModelConfig, n: number): Work {
  return product(n, rank, d);
}

/** The head's product; its input gradient costs the same. */
function headWork({ hidden_size: d, vocab_size: v }: ModelConfig, n: number): Work {
  return product(n, d, v);
}

function projectionsWork(config: ModelConfig, n: number): Work {
  const { hidden_size: d, num_attention_heads: heads, num_key_value_heads: groups, head_dim } = config;
  return sum(times(2, product(n, d, heads * head_dim)), times(2, product(n, d, groups * head_dim)));
}

/** Half of each square product: a causal query sees half of the keys. */
function attentionProducts(config: ModelConfig, { batch, tokens }: Extent, count: number): Work {
  const each = product(tokens, config.head_dim, tokens);
  return times((count * batch * config.num_attention_heads) / 2, each);
}

function attentionWork(config: ModelConfig, extent: Extent): Work {
  return sum(projectionsWork(config, extent.batch * extent.tokens), attentionProducts(config, extent, 2));
}

function attentionGradient(config: ModelConfig, extent: Extent): Work {
  return sum(projectionsWork(config, extent.batch * extent.tokens), attentionProducts(config, extent, 4));
}

/** [m, k] times [k, n]. */
function product(m: number, k: number, n: number): Work {
  return { flops: 2 * m * k * n, bytes: float * (m * k + k * n + m * n) };
}

function sum(...parts: Work[]): Work {
  return parts.reduce((a, b) => ({ flops: a.flops + b.flops, bytes: a.bytes + b.bytes }), none);
}

function times(count: number, { flops, bytes }: Work): Work {
  return { flops: count * flops, bytes: count * bytes };
}
