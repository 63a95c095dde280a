// Which channels stay when MLPs are made narrower (LLM-Pruner's code, pruner/algorithms/metapruner.py).
import { UserError } from '../../util/errors.ts';

/** How many channels go, and whether layers compete. */
export interface ChoiceSettings {
  /** Share of the channels that is removed. */
  readonly ratio: number;
  /** Compare the scores of all layers with each other; layers then end at different widths. */
  readonly global: boolean;
}

/** The channels (from 0, ascending) that each layer keeps, by its channels' scores; the least important go. */
export function channelsToKeep(
  scores: ReadonlyMap<number, Float64Array>,
  { ratio, global }: ChoiceSettings,
): Map<number, Int32Array> {
  return global ? keepGlobally(scores, ratio) : keepByLayer(scores, ratio);
}

/** Of F channels, F - int(F (1 - ratio)) go in each layer; of equal scores the channel that comes first goes. */
function keepByLayer(scores: ReadonlyMap<number, Float64Array>, ratio: number): Map<number, Int32Array> {
  return new Map(
    [...scores].map(([layer, values]) => {
      const kept = Math.trunc(values.length * (1 - ratio));
      if (kept === 0) {
        throw new UserError(
          `ratio ${ratio} leaves none of the ${values.length} channels of layer ${layer}, expected a ratio of at most ${1 - 1 / values.length}`,
        );
      }
      const ascending = Array.from(values.keys()).sort((a, b) => difference(values, a, b) || a - b);
      return [layer, Int32Array.from(ascending.slice(values.length - kept)).sort()] as const;
    }),
  );
}

/**
 * Everything up to the n-th smallest score of all layers goes, equal scores included; a layer that would lose every channel
 * is left whole, as in the code.
 */
function keepGlobally(scores: ReadonlyMap<number, Float64Array>, ratio: number): Map<number, Int32Array> {
  const all = Float64Array.from([...scores.values()].flatMap((values) => Array.from(values))).sort();
  const count = all.length - Math.trunc(all.length * (1 - ratio));
  const threshold = count === 0 ? Number.NEGATIVE_INFINITY : (all[count - 1] as number);
  return new Map(
    [...scores].map(([layer, values]) => {
      const channels = Int32Array.from(values.keys());
      const kept = channels.filter((channel) => (values[channel] as number) > threshold);
      return [layer, kept.length === 0 ? channels : kept] as const;
    }),
  );
}

function difference(values: Float64Array, a: number, b: number): number {
  return (values[a] as number) - (values[b] as number);
}
