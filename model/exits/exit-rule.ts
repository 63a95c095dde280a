// When a model may stop early: after which layers, by which confidence, from which value on (LITE, arXiv 2310.18581; CALM, arXiv 2207.07061). Light: planning reads this.
//
// D hidden.
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { shown } from '../../util/shown.ts';
import type { ParallelLayers } from '../sharing/parallel-layers.ts';
import { checkExits } from './exit-layers.ts';

/**
 * What says that a token needs no more layers. max_probability: the largest softmax of the logits after the exit (LITE); gap: the largest
 * minus the second (CALM); state: cosine between the states after this exit and the one before, 0 at the first; classifier: a linear one on the state.
 */
export const confidences = ['max_probability', 'gap', 'state', 'classifier'] as const;
export type Confidence = (typeof confidences)[number];

/** How the threshold falls in the course of a text: not at all, as the paper has it, as its code does. */
export const decays = ['none', 'paper', 'released'] as const;
export type Decay = (typeof decays)[number];

/** Whose state the skipped layers make keys and values of: that of the exit (the paper), or that of the first exit (the release, whatever the exit). */
export const propagations = ['exit', 'first_exit'] as const;
export type Propagation = (typeof propagations)[number];

/** When a token stops. Names as in specs. */
export interface ExitRule {
  /** Layers (from 1), ascending; none: never. */
  readonly exits: readonly number[];
  /** The lowest layer after which it may stop. */
  readonly min_exit: number;
  readonly confidence: Confidence;
  /** lambda: it stops where the confidence is at least this. */
  readonly threshold: number;
  readonly decay: Decay;
  /** How fast the threshold falls. */
  readonly tau: number;
  readonly propagate: Propagation;
}

/** A linear classifier of an exit: sigmoid(weight [D] h + bias) is the confidence. */
export interface ExitClassifier {
  readonly weight: Float32Array;
  readonly bias: number;
}

/** A rule, with the classifiers that it asks by their layer. */
export interface EarlyExit {
  readonly rule: ExitRule;
  readonly classifiers: ReadonlyMap<number, ExitClassifier>;
}

/** True for confidences that are made of the logits after an exit, which takes the head. */
export function readsLogits(confidence: Confidence): boolean {
  return confidence === 'max_probability' || confidence === 'gap';
}

/** The exits after which a token may stop. */
export function usedExits({ exits, min_exit }: Pick<ExitRule, 'exits' | 'min_exit'>): number[] {
  return exits.filter((layer) => layer >= min_exit);
}

/**
 * lambda_t of the token number `t` (from 0) of a text of at most `most`. paper: clip(0.9 lambda + 0.1 exp(-tau t / T), 0, 1), CALM's equation
 * 5; released: 0.9 lambda + 0.1 lambda exp(-tau t / T), as t5x computes it.
 */
export function thresholdAt({ threshold, decay, tau }: ExitRule, t: number, most: number): number {
  if (decay === 'none') return threshold;
  const falling = Math.exp((-tau * t) / most) / 10;
  const value = 0.9 * threshold + (decay === 'paper' ? falling : threshold * falling);
  return Math.min(1, Math.max(0, value));
}

/** Throws a UserError, which begins with `source`, unless a model of `depth` layers can have the rule. */
export function checkExitRule(
  { exits, min_exit }: Pick<ExitRule, 'exits' | 'min_exit'>,
  depth: number,
  source: string,
  parallel?: ParallelLayers | undefined,
): void {
  checkExits(exits, depth, source, parallel);
  const last = exits.at(-1);
  if (last === undefined || min_exit <= last) return;
  throw new UserError(`${source}: no exit is at or above 'min_exit' ${min_exit}: the last one is ${last}`);
}

/** The rule in parsed JSON of a file, checked but for the model's depth. */
export function exitRuleFrom(json: unknown, source: string): ExitRule {
  const given = isObject(json) ? json : {};
  const { exits, min_exit, confidence, threshold, decay, tau, propagate } = given;
  const known = {
    confidence: confidences.find((each) => each === confidence),
    decay: decays.find((each) => each === decay),
    propagate: propagations.find((each) => each === propagate),
  };
  const layers = Array.isArray(exits) && exits.every((layer, i) => isLayer(layer) && (i === 0 || layer > exits[i - 1]));
  const numbers = isLayer(min_exit) && isShare(threshold) && typeof tau === 'number' && tau >= 0;
  if (!layers || !numbers || Object.values(known).includes(undefined)) {
    throw new UserError(
      `${source}: expected a rule with 'exits' (layers, ascending), 'min_exit', 'confidence', 'threshold' from 0 to 1, 'decay', 'tau' and 'propagate', got ${shown(json)}`,
    );
  }
  return {
    exits: exits as number[],
    min_exit,
    threshold,
    tau,
    ...(known as Pick<ExitRule, 'confidence' | 'decay' | 'propagate'>),
  };
}

function isLayer(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1;
}

function isShare(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}
