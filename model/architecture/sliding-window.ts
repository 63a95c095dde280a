// Which layers slide: what config.json says in `use_sliding_window`, `sliding_window`, `max_window_layers` and `layer_types`.
import { UserError } from '../../util/errors.ts';
import type { Fields } from './config-fields.ts';
import { type LayerType, layerTypes, type ModelConfig, windowOf } from './model-config.ts';

type Windows = Pick<ModelConfig, 'sliding_window' | 'layer_types'>;

const largestWindow = 2 ** 31;

/** `sliding_window` as it stands there: null says that there is none, and a missing one is `otherwise`. */
export function readWindow(fields: Fields, otherwise: number | null): number | null {
  if (!fields.keys.includes('sliding_window')) return otherwise;
  return fields.has('sliding_window') ? fields.integer('sliding_window', 1, largestWindow) : null;
}

/** The windows of `layers` layers where `use_sliding_window` says that there are some, of the size that is said or `otherwise`. */
export function readWindows(
  fields: Fields,
  layers: number,
  { otherwise, slides }: { otherwise: number | null; slides: (layer: number) => boolean },
): Windows {
  const window = fields.boolean('use_sliding_window', false) ? readWindow(fields, otherwise) : null;
  return windowsOfLayers(fields, layers, window, slides);
}

/** `window` for the layers that `layer_types` names, or, where it is missing, for those of which `slides` is true. */
export function windowsOfLayers(
  fields: Fields,
  layers: number,
  window: number | null,
  slides: (layer: number) => boolean,
): Windows {
  const types = fields.has('layer_types') ? readTypes(fields, layers) : undefined;
  if (window === null) {
    if (types?.includes('sliding_attention')) throw contradiction(fields);
    return {};
  }
  const found = types ?? typesOf(layers, slides);
  return windowsOf(window, found);
}

/** Only what says something: nothing where no layer slides, the window alone where all do. */
function windowsOf(sliding_window: number, layer_types: readonly LayerType[]): Windows {
  if (!layer_types.includes('sliding_attention')) return {};
  return layer_types.includes('full_attention') ? { sliding_window, layer_types } : { sliding_window };
}

/** The keys as Qwen2, Qwen3 and SmolLM3 write them. */
export function writeWindows(config: ModelConfig): Readonly<Record<string, unknown>> {
  const types = typesOf(config.num_hidden_layers, (layer) => windowOf(config, layer) !== null);
  const slides = types.includes('sliding_attention');
  return {
    use_sliding_window: slides,
    sliding_window: slides ? config.sliding_window : null,
    layer_types: types,
  };
}

function typesOf(layers: number, slides: (layer: number) => boolean): LayerType[] {
  return Array.from({ length: layers }, (_, i) => (slides(i + 1) ? 'sliding_attention' : 'full_attention'));
}

function readTypes(fields: Fields, layers: number): LayerType[] {
  const found = fields.raw('layer_types');
  const good = Array.isArray(found) && found.length === layers && found.every((type) => layerTypes.includes(type));
  if (good) return found;
  throw new UserError(
    `${fields.source}: 'layer_types' must be a list of ${layers} of ${layerTypes.map((type) => `'${type}'`).join(' and ')}`,
  );
}

function contradiction({ source }: Fields): UserError {
  return new UserError(
    `${source}: 'layer_types' has layers of 'sliding_attention', but 'use_sliding_window' and 'sliding_window' give them no window: set both, or take 'full_attention'`,
  );
}
