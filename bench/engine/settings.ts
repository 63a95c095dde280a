// What the engine benchmark is run with on every model, on both sides.

export const sharingType = 'T_next';
export const seed = 1;
/** Of SLW and SFT. */
export const learningRate = 1e-3;
/** Of a step that trains all weights. */
export const trainingRate = 1e-4;
/** Batches that a task goes round in. */
export const batchCount = 4;
/** Rows and columns of the square matrices of `gemm`. */
export const gemmSize = 1024;
/** Bytes that one step of `copy` reads, and writes again. */
export const copyBytes = 2 ** 27;

/** What of SFT does not depend on the model. */
export const sftParams = {
  fraction: 1,
  epochs: 1,
  lr: learningRate,
  schedule: 'linear',
  warmup_ratio: 0.05,
  weight_decay: 0,
  clip_norm: 0,
  save_every: 50,
  gradient_checkpointing: false,
} as const;
