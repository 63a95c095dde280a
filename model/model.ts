// A Llama ready to run: its weights, how its MLPs are shared, and the constants of its forward pass.
import type { LlamaConfig } from './config.ts';
import { createFrame, type Frame } from './frame.ts';
import type { Recovery } from './recovery.ts';
import { pairs, type ReplacementMap } from './sharing.ts';
import type { Weights } from './weights.ts';

/** Which layer's MLP a layer uses, and what is added to it. */
export interface Sharing {
  /** target layer -> reference layer, both from 1. */
  readonly references: ReadonlyMap<number, number>;
  /** Recovery parameters; none for Direct Sharing. */
  readonly recovery?: Recovery | undefined;
}

/** A Llama that can run forward; made by `createModel`. */
export interface Model {
  readonly config: LlamaConfig;
  readonly weights: Weights;
  readonly sharing?: Sharing | undefined;
  /** The constants for sequences of `tokens` tokens, made once. */
  frame(tokens: number): Frame;
  /** Frees the frames; weights and recovery parameters belong to whoever made them. */
  disposeFrames(): void;
}

/** Joins weights and a sharing into a model. */
export function createModel(weights: Weights, sharing?: Sharing): Model {
  const frames = new Map<number, Frame>();
  return {
    config: weights.config,
    weights,
    sharing,
    frame(tokens) {
      const frame = frames.get(tokens) ?? createFrame(weights.config, tokens);
      frames.set(tokens, frame);
      return frame;
    },
    disposeFrames() {
      for (const frame of frames.values()) frame.dispose();
      frames.clear();
    },
  };
}

/** The sharing of a replacement map: every target uses its reference's MLP, with `recovery` where there is some. */
export function sharingOf(map: ReplacementMap, recovery?: Recovery): Sharing {
  return { references: new Map(pairs(map).map(({ reference, target }) => [target, reference])), recovery };
}
