// Which whole blocks stand in for which others, and what a model so arranged is like. Light: planning reads this.
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import { consecutive, type ReplacementMap, replacementMap } from './sharing.ts';
import { parseMap } from './sharing-parse.ts';

/** MobileLLM's immediate block-wise sharing: every stored block runs twice in a row, (1:2), (3:4), ... */
export const immediate = 'immediate';

/** The explicit `map` where there is one (any layer may stand in for any other), else `immediate` or a replacement type. */
export function blockMap({ type, map }: { type: string; map?: string }, layers: number): ReplacementMap {
  if (map !== undefined) return parseMap(map, layers, true);
  return type === immediate ? immediateMap(layers) : replacementMap(type, layers);
}

/** For each layer of the model, the layer whose block it runs: its own or its reference's. */
export function sharedSources(map: ReplacementMap, layers: number): number[] {
  const sources = consecutive(1, layers);
  for (const { reference, targets } of map) for (const target of targets) sources[target - 1] = reference;
  return sources;
}

/** The layers that are left without the targets of the map. */
export function keptSources(map: ReplacementMap, layers: number): number[] {
  const targets = new Set(map.flatMap((group) => group.targets));
  return consecutive(1, layers).filter((layer) => !targets.has(layer));
}

/** The config of the model whose layers are `sources` (from 1) of a model of `config`: what is said of each layer goes with it. */
export function arrangedConfig(config: ModelConfig, sources: readonly number[]): ModelConfig {
  const { intermediate_sizes, layer_types, no_rope_layers, ...rest } = config;
  const moved = <T>(of: readonly T[]) => sources.map((layer) => of[layer - 1] as T);
  return {
    ...rest,
    ...(intermediate_sizes && { intermediate_sizes: moved(intermediate_sizes) }),
    ...(layer_types && { layer_types: moved(layer_types) }),
    ...(no_rope_layers && { no_rope_layers: moved(no_rope_layers) }),
    num_hidden_layers: sources.length,
  };
}

/** The name of tensor `name` in the layer that its own is a copy of; names count layers from 0. */
export function inSourceLayer(name: string, sources: readonly number[]): string {
  return name.replace(
    /^(model\.layers\.)(\d+)/,
    (_, start, layer) => `${start}${(sources[Number(layer)] as number) - 1}`,
  );
}

function immediateMap(layers: number): ReplacementMap {
  if (layers < 2) throw new UserError(`immediate sharing needs two layers, got a model of ${layers}`);
  return consecutive(1, Math.floor(layers / 2)).map((pair) => ({ reference: 2 * pair - 1, targets: [2 * pair] }));
}
