// What each type of RoPE scaling reads of config.json, with transformers' defaults (modeling_rope_utils of 5.24).
import { UserError } from '../../util/errors.ts';
import type { Fields } from './config-fields.ts';
import { type RopeScaling, type RopeType, ropeTypes, type YarnScaling } from './rope-scaling.ts';

interface RopeContext {
  readonly max_position_embeddings: number;
  /** `original_max_position_embeddings` at the top of config.json, which wins; 0 where there is none. */
  readonly original: number;
}

const originalKey = 'original_max_position_embeddings';

/** The keys that each type has beside its name. */
export const scaledKeys: Readonly<Record<RopeType, readonly string[]>> = {
  default: [],
  linear: ['factor'],
  dynamic: ['factor'],
  yarn: [
    ...['factor', originalKey, 'attention_factor', 'beta_fast', 'beta_slow'],
    ...['mscale', 'mscale_all_dim', 'truncate'],
  ],
  llama3: ['factor', 'low_freq_factor', 'high_freq_factor', originalKey],
};

/** The scaling that `settings` (rope_parameters or rope_scaling) name; null for none. A UserError for a type that is not computed. */
export function readScaling(settings: Fields, context: RopeContext): RopeScaling | null {
  const rope_type = readType(settings);
  if (rope_type === 'default') return null;
  if (rope_type === 'linear' || rope_type === 'dynamic') return { rope_type, factor: settings.positive('factor') };
  return rope_type === 'yarn' ? readYarn(settings, context) : readLlama3(settings, context);
}

function readType(settings: Fields): RopeType {
  const key = settings.has('rope_type') ? 'rope_type' : 'type';
  if (!settings.has(key)) return 'default';
  if (settings.text(key) === 'longrope') throw longrope(settings.source, key);
  return settings.oneOf(key, ropeTypes) as RopeType;
}

function longrope(source: string, key: string): UserError {
  return new UserError(
    `${source}: '${key}' is 'longrope', which lamina does not compute: its angles depend on how long the whole text becomes, so that a cache of keys would be of another model; read are ${named(ropeTypes)}`,
  );
}

function named(types: readonly string[]): string {
  return types.map((type) => `'${type}'`).join(', ');
}

function readLlama3(settings: Fields, context: RopeContext): RopeScaling {
  const low = settings.positive('low_freq_factor');
  const high = settings.positive('high_freq_factor');
  if (high <= low) {
    throw new UserError(
      `${settings.source}: 'high_freq_factor' must be greater than 'low_freq_factor' (${low}), got ${high}`,
    );
  }
  return {
    rope_type: 'llama3',
    factor: settings.positive('factor'),
    low_freq_factor: low,
    high_freq_factor: high,
    original_max_position_embeddings: readOriginal(settings, context),
  };
}

function readYarn(settings: Fields, context: RopeContext): YarnScaling {
  const original_max_position_embeddings = readOriginal(settings, context);
  const factor = settings.positive('factor', context.max_position_embeddings / original_max_position_embeddings);
  return {
    rope_type: 'yarn',
    factor,
    original_max_position_embeddings,
    attention_factor: readAttentionFactor(settings, factor),
    beta_fast: settings.positive('beta_fast', 32),
    beta_slow: settings.positive('beta_slow', 1),
    truncate: settings.boolean('truncate', true),
  };
}

/** 0.1 ln(factor) + 1 where nothing is said, the paper's equation 22. */
function readAttentionFactor(settings: Fields, factor: number): number {
  if (settings.has('attention_factor')) return settings.positive('attention_factor');
  const scaleOf = (mscale: number) => (factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1);
  if (!isSaid(settings, 'mscale') || !isSaid(settings, 'mscale_all_dim')) return scaleOf(1);
  return scaleOf(settings.positive('mscale')) / scaleOf(settings.positive('mscale_all_dim'));
}

/** transformers takes 0 for nothing. */
function isSaid(settings: Fields, key: string): boolean {
  return settings.has(key) && settings.raw(key) !== 0;
}

function readOriginal(settings: Fields, { max_position_embeddings, original }: RopeContext): number {
  if (original > 0) return original;
  return settings.integer(originalKey, 1, 2 ** 31, max_position_embeddings);
}
