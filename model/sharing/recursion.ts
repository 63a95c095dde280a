// Recursive transformers: a few blocks, run again and again in the places of many layers. Light: planning reads this.
//
// Relaxed recursive transformers (arXiv 2410.20672), section 3; the release whose arithmetic this follows:
// anxi710/mixture_of_recursions at 9ae22b7, model/sharing_strategy/llama.py.
import { UserError } from '../../util/errors.ts';
import { createRandom, shuffle } from '../../util/random.ts';
import { type LayerMix, meanTerms } from './layer-mix.ts';

/** In which order blocks are run: 1..K again and again, each R times in a row, or so between a first and a last layer of their own. */
export const recursionModes = ['cycle', 'sequence', 'middle_cycle', 'middle_sequence'] as const;
/** What a block starts as: one of the layers, chosen so; or the mean of those in whose places it is run. */
export const recursionInits = ['stepwise', 'average', 'lower', 'upper', 'random'] as const;

export interface RecursionSettings {
  readonly mode: (typeof recursionModes)[number];
  readonly recursions: number;
  readonly init: (typeof recursionInits)[number];
}

/** What each layer of the new model is; layers count from 1. */
export interface Recursion {
  /** The layer of the original in whose place it stands; some are left out where the recursions do not divide the layers. */
  readonly origins: readonly number[];
  /** The first layer that runs the same block. */
  readonly sources: readonly number[];
  /** The layers of the original of which its block is the mean, one of them where a layer was chosen. */
  readonly blocks: readonly (readonly number[])[];
}

/** The recursion of a model of `layers` layers; a UserError for one that is too shallow. `seed` draws the layers of `random`. */
export function recursion({ mode, recursions, init }: RecursionSettings, layers: number, seed: number): Recursion {
  const kept = mode.startsWith('middle') ? 1 : 0;
  const stored = Math.floor((layers - 2 * kept) / recursions);
  if (stored < 1) {
    const ends = kept === 0 ? '' : ' between the first and the last';
    throw new UserError(
      `recursions: ${recursions} are more than a model of ${layers} layers has${ends}, expected at most ${Math.max(0, layers - 2 * kept)}`,
    );
  }
  const looped = stored * recursions;
  const blockOf = mode.endsWith('cycle')
    ? (place: number) => place % stored
    : (place: number) => Math.floor(place / recursions);
  const inside = roundedSteps(kept, layers - 1 - kept, looped).map((layer) => layer + 1);
  const starts = startsOf(init, { stored, looped, kept, blockOf, seed });
  const places = inside.map((_, place) => blockOf(place));
  const first = (block: number) => kept + 1 + places.indexOf(block);
  const blocks = places.map((block) => (starts[block] as number[]).map((place) => inside[place] as number));
  if (kept === 0) return { origins: inside, sources: places.map(first), blocks };
  return {
    origins: [1, ...inside, layers],
    sources: [1, ...places.map(first), looped + 2],
    blocks: [[1], ...blocks, [layers]],
  };
}

/** The layers of the recursive model; with `own` norms each keeps those, and the biases, of the layer in whose place it stands. */
export function recursiveLayers({ origins, blocks }: Recursion, norms: 'shared' | 'own'): LayerMix[] {
  return blocks.map((layers, i) => {
    const terms = meanTerms(layers);
    return { base: origins[i] as number, terms, ...(norms === 'shared' && { vectors: terms }) };
  });
}

interface Places {
  /** Blocks. */
  readonly stored: number;
  /** Places that they fill together. */
  readonly looped: number;
  readonly kept: number;
  readonly seed: number;
  blockOf(place: number): number;
}

/** For each block, the places (from 0) whose layers it starts as. */
function startsOf(init: RecursionSettings['init'], { stored, looped, kept, blockOf, seed }: Places): number[][] {
  const all = [...Array(looped).keys()];
  switch (init) {
    case 'average':
      return all.slice(0, stored).map((block) => all.filter((place) => blockOf(place) === block));
    case 'lower':
      return all.slice(0, stored).map((place) => [place]);
    case 'upper':
      return all.slice(-stored).map((place) => [place]);
    case 'random':
      return shuffle(all, createRandom('recursion', seed))
        .slice(0, stored)
        .sort((a, b) => a - b)
        .map((place) => [place]);
    case 'stepwise':
      // counted from the model's first layer, not from the first place: a half is rounded to the even one
      return roundedSteps(kept, kept + looped - 1, stored).map((layer) => [layer - kept]);
  }
}

/** `count` whole numbers from `first` to `last` at equal steps, as numpy's linspace gives and Python's round rounds them, halves to even. */
function roundedSteps(first: number, last: number, count: number): number[] {
  const step = count === 1 ? 0 : (last - first) / (count - 1);
  return Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? last : roundHalfEven(i * step + first)));
}

function roundHalfEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest < 0.5 ? below : below + 1;
}
