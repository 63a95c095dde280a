// A model ready to run: its weights, what stands in for some of its MLPs, and the constants of its forward pass.

import type { ExpertMatrices } from '../../tensor/experts.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { Weights } from '../architecture/weights.ts';
import type { Recovery } from '../sharing/recovery.ts';
import { createFrame, type Frame } from './frame.ts';

/** A model that can run forward; made by `createModel`. */
export interface Model {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** What stands in for MLPs; none is the original model. */
  readonly recovery?: Recovery | undefined;
  /** Of a training: what a layer computes on the way is not kept for its gradient but computed again. */
  readonly recomputes?: boolean | undefined;
  /** Of a model that is run and not trained: of an MLP that is cut into experts, those alone are computed that are chosen, where that can be. */
  readonly routes?: boolean | undefined;
  /** The experts of layers (from 1) whose matrices are cut out once (`keepExperts`); those of other layers are in each pass. */
  readonly experts: Map<number, readonly ExpertMatrices[]>;
  /** The constants for sequences of `tokens` tokens, made once. */
  frame(tokens: number): Frame;
  /** Frees the frames and what was cut out of experts; weights and recovery parameters belong to whoever made them. */
  disposeFrames(): void;
}

/** Joins weights and a recovery into a model. */
export function createModel(weights: Weights, recovery?: Recovery): Model {
  const frames = new Map<number, Frame>();
  const experts: Model['experts'] = new Map();
  return {
    config: weights.config,
    weights,
    recovery,
    experts,
    frame(tokens) {
      const frame = frames.get(tokens) ?? createFrame(weights.config, tokens);
      frames.set(tokens, frame);
      return frame;
    },
    disposeFrames() {
      for (const frame of frames.values()) frame.dispose();
      frames.clear();
      for (const { gate, up, down } of [...experts.values()].flat())
        for (const part of [gate, up, down]) part.dispose();
      experts.clear();
    },
  };
}
