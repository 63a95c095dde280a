// The map that a stage's `type` or `map` means for a model.
import { type ReplacementMap, replacementMap } from '../model/sharing.ts';
import { parseMap } from '../model/sharing-parse.ts';

/** The explicit map where there is one, else the replacement type, for a model of `layers` layers. */
export function replacementOf({ type, map }: { type: string; map?: string }, layers: number): ReplacementMap {
  return map === undefined ? replacementMap(type, layers) : parseMap(map, layers);
}
