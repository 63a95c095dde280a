// Which layers of a Qwen slide: those from `max_window_layers` on, or those that `layer_types` names.
import type { Fields } from './config-fields.ts';
import { type ModelConfig, windowOf } from './model-config.ts';
import { readWindows, writeWindows } from './sliding-window.ts';

/** What transformers takes where config.json is silent. */
const usual = { window: 4096, full_layers: 28 };
const mostLayers = 2 ** 24;

/** The windows of a Qwen's `layers` layers. */
export function readUpperWindows(fields: Fields, layers: number): Pick<ModelConfig, 'sliding_window' | 'layer_types'> {
  const full = fields.integer('max_window_layers', 0, mostLayers, usual.full_layers);
  return readWindows(fields, layers, { otherwise: usual.window, slides: (layer) => layer > full });
}

/** The same as it is written: `layer_types` for newer programs, and for older ones the layers before the first that slides. */
export function writeUpperWindows(config: ModelConfig): Readonly<Record<string, unknown>> {
  const layers = Array.from({ length: config.num_hidden_layers }, (_, i) => i + 1);
  const first = layers.findIndex((layer) => windowOf(config, layer) !== null);
  return { ...writeWindows(config), max_window_layers: first === -1 ? layers.length : first };
}
