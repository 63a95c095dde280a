// What the engine benchmark computes: tasks, sizes, and the model's shape.
import { parseConfig } from '../model/architecture/config.ts';
import type { ModelConfig } from '../model/architecture/model-config.ts';

/** What a side can be told to do: three tasks of lamina, and two that show what the machine can do. */
export const tasks = ['forward', 'slw', 'sft', 'gemm', 'copy'] as const;
export type Task = (typeof tasks)[number];

/** Logits of every token. */
export const forwardBatch = { batch: 8, tokens: 128 } as const;
/** Rows of activations in one step of SLW, the default of the stage. */
export const slwTokens = 1024;
/** The order in which SLW sees its rows, as the stage has it; a benchmark ends before the epochs do. */
export const slwOrder = { epochs: 1e6, batch_tokens: slwTokens, seed: 1 } as const;
/** Sequences that fill their bucket, every token but the first trained. */
export const sftBatch = { batch: 8, tokens: 64 } as const;
/** 400 / 4096 of the tiny model's width. */
export const rank = 9;
export const sharingType = 'T_next';
export const learningRate = 1e-3;
/** Batches that a task goes round in. */
export const batchCount = 8;
/** Rows and columns of the square matrices of `gemm`. */
export const gemmSize = 1024;
/** Bytes that one step of `copy` reads, and writes again. */
export const copyBytes = 2 ** 27;

/** What one step of a task is counted as: tokens, floating-point operations, bytes. */
export const perStep: Readonly<Record<Task, number>> = {
  forward: forwardBatch.batch * forwardBatch.tokens,
  slw: slwTokens,
  sft: sftBatch.batch * sftBatch.tokens,
  gemm: 2 * gemmSize ** 3,
  copy: 2 * copyBytes,
};

/** The shape of models/tiny, for where that folder is missing. */
export function tinyConfig(): ModelConfig {
  const json = {
    model_type: 'llama',
    hidden_size: 96,
    intermediate_size: 256,
    num_hidden_layers: 12,
    num_attention_heads: 3,
    vocab_size: 1024,
    max_position_embeddings: 256,
    rms_norm_eps: 1e-5,
    tie_word_embeddings: false,
  };
  return parseConfig(json, 'the shape of the tiny model');
}
