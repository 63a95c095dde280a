// What a task cannot do without: the operations of its matrix products, and the bytes that they read and write.
//
// N rows, T tokens of a text, D hidden, F MLP width, H heads, K key/value heads, hd head size, V vocabulary, r rank.
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import type { EngineInputs } from './inputs.ts';
import type { Texts } from './records.ts';
import type { Extent } from './sizes.ts';
import type { Task } from './tasks.ts';

/** Floating-point operations, and bytes of operands and results in float32, each counted once per product. */
export interface Work {
  flops: number;
  bytes: number;
}

type Inputs = Pick<EngineInputs, 'config' | 'sizes' | 'pairs' | 'rank' | 'evaluated' | 'trained'>;

const float = 4;
const none: Work = { flops: 0, bytes: 0 };

/** The work of one step of `task`; nothing for what is asked of the machine. */
export function workOf(task: Task, inputs: Inputs): Work {
  const { config, sizes, evaluated, trained } = inputs;
  switch (task) {
    case 'forward':
      return forwardWork(config, textsIn(sizes.forward));
    case 'perplexity-eval':
      return forwardWork(config, evaluated);
    case 'slw':
      return slwUnitWork(inputs);
    case 'sft-step':
      return sftWork(inputs, textsIn(sizes.step));
    case 'sft':
      return sftWork(inputs, trained);
    case 'train-step':
      return times(3, forwardWork(config, textsIn(sizes.step))); // each product has two gradients
    case 'prompt':
      return forwardWork(config, { ...textsIn(sizes.prompt), scored: sizes.prompt.batch });
    case 'decode-1':
    case 'decode-8':
      return decodeWork(config, task === 'decode-1' ? 1 : 8);
    default:
      return none;
  }
}

function textsIn({ batch, tokens }: Extent): Texts {
  return { lengths: Array.from({ length: batch }, () => tokens), scored: (batch * tokens) / 2 };
}

function rowsOf({ lengths }: Texts): number {
  return lengths.reduce((a, b) => a + b, 0);
}

function forwardWork(config: ModelConfig, texts: Texts): Work {
  const layer = sum(attentionWork(config, texts, 2), mlpWork(config, rowsOf(texts)));
  return sum(times(config.num_hidden_layers, layer), headWork(config, texts.scored));
}

/** One new token of each text; attention to what is kept is left out. */
function decodeWork(config: ModelConfig, texts: number): Work {
  return forwardWork(config, { lengths: Array.from({ length: texts }, () => 1), scored: texts });
}

/** What frozen matrices make of the rows once: the outputs to imitate, and the reference's gate and up. Then every step. */
function slwUnitWork({ config, sizes: { slw }, rank }: Inputs): Work {
  const { hidden_size: d, intermediate_size: f } = config;
  const steps = slw.epochs * Math.floor(slw.rows / slw.batch_tokens);
  const once = sum(mlpWork(config, slw.rows), times(2, product(slw.rows, d, f)));
  return sum(once, times(steps, slwWork(config, rank, slw.batch_tokens)));
}

/**
 * Down and recovery forward; backward no gradient of the input and none of the weights: through down to its input, and the recovery
 * parameters' own.
 */
function slwWork(config: ModelConfig, rank: number, n: number): Work {
  const { hidden_size: d, intermediate_size: f } = config;
  const through = sum(times(2, product(n, d, f)), recoveryInputGradient(config, rank, n));
  const recovery = sum(recoveryWork(config, rank, n), recoveryGradient(config, rank, n));
  return sum(times(3, recovery), through);
}

/** Forward with recovery on the targets; backward no weights' gradients, and nothing below the first target. */
function sftWork({ config, pairs, rank }: Inputs, texts: Texts): Work {
  const n = rowsOf(texts);
  const above = config.num_hidden_layers - (pairs[0]?.target ?? 0);
  const recovery = sum(
    recoveryWork(config, rank, n),
    recoveryGradient(config, rank, n),
    recoveryInputGradient(config, rank, n),
  );
  return sum(
    forwardWork(config, texts),
    times(3 * pairs.length, recovery),
    headWork(config, texts.scored),
    times(above, sum(attentionWork(config, texts, 4), mlpWork(config, n))),
    product(n, config.hidden_size, config.intermediate_size),
  );
}

/** gate, up and down; their input gradients cost the same. */
function mlpWork({ hidden_size: d, intermediate_size: f }: ModelConfig, n: number): Work {
  return times(3, product(n, d, f));
}

/** x A B for one projection. */
function recoveryWork({ hidden_size: d, intermediate_size: f }: ModelConfig, rank: number, n: number): Work {
  return sum(product(n, d, rank), product(n, rank, f));
}

/** dA, dB and the gradient between them. */
function recoveryGradient({ hidden_size: d, intermediate_size: f }: ModelConfig, rank: number, n: number): Work {
  return sum(product(d, n, rank), product(rank, n, f), product(n, f, rank));
}

function recoveryInputGradient({ hidden_size: d }: ModelConfig, rank: number, n: number): Work {
  return product(n, rank, d);
}

/** The head's product; its input gradient costs the same. */
function headWork({ hidden_size: d, vocab_size: v }: ModelConfig, n: number): Work {
  return product(n, d, v);
}

/** Queries, keys, values and outputs, and `squares` products of T x T a head: 2 forward, 4 for their gradients. */
function attentionWork(config: ModelConfig, texts: Texts, squares: number): Work {
  const { hidden_size: d, num_attention_heads: heads, num_key_value_heads: groups, head_dim } = config;
  const n = rowsOf(texts);
  const projections = sum(times(2, product(n, d, heads * head_dim)), times(2, product(n, d, groups * head_dim)));
  // half of each: a causal query sees half of the keys
  const each = texts.lengths.map((tokens) => times((squares * heads) / 2, product(tokens, head_dim, tokens)));
  return sum(projections, ...each);
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
