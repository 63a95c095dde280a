// How much each task of the engine benchmark computes, so that a shape takes minutes.

/** Texts of one length, side by side; the second half of each is the answer, which is scored. */
export interface Extent {
  batch: number;
  tokens: number;
}

/** The sizes of all tasks at one model. */
export interface Sizes {
  forward: Extent;
  /** Of a step of sft, and of a step that trains all weights. */
  step: Extent;
  prompt: Extent;
  /** `rows` activations in batches, five epochs. */
  slw: { rows: number; batch_tokens: number; epochs: number };
  /** Steps of `batch_size` records, `micro_batch` at a time. */
  sft: { steps: number; batch_size: number; micro_batch: number };
  evaluation: { records: number };
  /** Tokens of a record at most; longer ones are not chosen. */
  max_length: number;
  /** Tokens of a text that is continued, before and at the end. */
  decode: { from: number; to: number };
}

const epochs = 5;
const decode = { from: 32, to: 256 };

/** D below 256: a step costs milliseconds. */
const small: Sizes = {
  forward: { batch: 8, tokens: 128 },
  step: { batch: 8, tokens: 64 },
  prompt: { batch: 8, tokens: 128 },
  slw: { rows: 8192, batch_tokens: 1024, epochs },
  sft: { steps: 20, batch_size: 16, micro_batch: 8 },
  evaluation: { records: 64 },
  max_length: 256,
  decode,
};

const real: Sizes = {
  forward: { batch: 4, tokens: 128 },
  step: { batch: 4, tokens: 64 },
  prompt: { batch: 4, tokens: 128 },
  slw: { rows: 8192, batch_tokens: 1024, epochs },
  sft: { steps: 20, batch_size: 4, micro_batch: 2 },
  evaluation: { records: 48 },
  max_length: 384,
  decode,
};

/** D of 1,024 and more. */
const wide: Sizes = {
  ...real,
  forward: { batch: 2, tokens: 128 },
  step: { batch: 2, tokens: 64 },
  prompt: { batch: 2, tokens: 128 },
  slw: { rows: 2048, batch_tokens: 1024, epochs },
  sft: { steps: 20, batch_size: 4, micro_batch: 2 },
  evaluation: { records: 16 },
};

/** What `--quick` makes smaller; an evaluation keeps a whole batch of the stage's default, a step of SFT two micro batches. */
function quickened(sizes: Sizes): Sizes {
  return {
    ...sizes,
    forward: { ...sizes.forward, batch: sizes.forward.batch / 2 },
    step: { ...sizes.step, batch: sizes.step.batch / 2 },
    prompt: { ...sizes.prompt, batch: sizes.prompt.batch / 2 },
    slw: { ...sizes.slw, rows: Math.min(2048, sizes.slw.rows) },
    sft: {
      ...sizes.sft,
      steps: 4,
      batch_size: sizes.sft.batch_size / 2,
      micro_batch: Math.max(1, sizes.sft.micro_batch / 2),
    },
    evaluation: { records: 16 },
    max_length: Math.min(256, sizes.max_length),
  };
}

/** The sizes for a model of this width. */
export function sizesFor(hidden_size: number, quick: boolean): Sizes {
  const sizes = hidden_size < 256 ? small : hidden_size < 1024 ? real : wide;
  return quick ? quickened(sizes) : sizes;
}
