// Rotary position embedding in the Hugging Face convention, with the scalings that transformers 5.24 has (modeling_rope_utils).
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from '../architecture/model-config.ts';
import type { Llama3Scaling, RopeScaling, YarnScaling } from '../architecture/rope-scaling.ts';

/** What of a config RoPE follows from. */
type RopeConfig = Pick<ModelConfig, 'head_dim' | 'rope_theta' | 'rope_scaling'>;

/** The angles of a model: what a position is multiplied with, and by what cosines and sines are. */
export interface Rope {
  /** Inverse frequencies [hd/2]. */
  readonly frequencies: Float64Array;
  readonly scale: number;
}

/** Inverse frequencies theta^(-2i/hd), scaled where the config says so. */
export function ropeOf(config: RopeConfig): Rope {
  const { head_dim, rope_theta, rope_scaling } = config;
  const plain = Float64Array.from({ length: head_dim / 2 }, (_, i) => rope_theta ** ((-2 * i) / head_dim));
  return {
    frequencies: rope_scaling === null ? plain : scaled(plain, rope_scaling, config),
    scale: rope_scaling?.rope_type === 'yarn' ? rope_scaling.attention_factor : 1,
  };
}

/** By what the scaling divides each frequency [hd/2], as float32; null where there is no scaling. */
export function ropeFactors(config: RopeConfig): Float32Array | null {
  if (config.rope_scaling === null) return null;
  const plain = ropeOf({ ...config, rope_scaling: null }).frequencies;
  return Float32Array.from(ropeOf(config).frequencies, (frequency, i) => (plain[i] as number) / frequency);
}

/** cos and sin of angles, row-major, a row of hd/2 frequencies for each position. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** cos and sin [T, hd/2] of the angles of the positions 0 to T - 1; a UserError for a T that the config's scaling has no angles for. */
export function ropeTables(config: ModelConfig, tokens: number): RopeTables {
  refuseBeyond(config, tokens);
  return ropeAt(
    ropeOf(config),
    Array.from({ length: tokens }, (_, t) => t),
  );
}

/** cos and sin [N, hd/2] of the angles of any `positions` [N] (from 0). */
export function ropeAt({ frequencies, scale }: Rope, positions: ArrayLike<number>): RopeTables {
  const half = frequencies.length;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let n = 0; n < positions.length; n++) {
    for (let i = 0; i < half; i++) {
      // transformers multiplies positions and frequencies in float32: at long positions that rounding shows
      const angle = Math.fround((positions[n] as number) * Math.fround(frequencies[i] as number));
      cos[n * half + i] = scale * Math.cos(angle);
      sin[n * half + i] = scale * Math.sin(angle);
    }
  }
  return { cos, sin };
}

/** Such a text has other angles at each length: its first tokens would change with those that follow. */
function refuseBeyond({ rope_scaling, max_position_embeddings: context }: ModelConfig, tokens: number): void {
  if (rope_scaling?.rope_type !== 'dynamic' || tokens <= context) return;
  throw new UserError(
    `texts of at most ${context} tokens, the model's context, can be read with its 'dynamic' RoPE, got ${tokens} (with padding): lower 'max_length'`,
  );
}

function scaled(plain: Float64Array, scaling: RopeScaling, config: RopeConfig): Float64Array {
  switch (scaling.rope_type) {
    case 'linear':
      return plain.map((frequency) => frequency / scaling.factor);
    case 'dynamic':
      return plain; // within the context nothing is scaled
    case 'yarn':
      return yarn(plain, scaling, config);
    case 'llama3':
      return plain.map((frequency) => scaleFrequency(frequency, scaling));
  }
}

/** Fast dimensions are kept, slow ones divided by `factor`, those between blended (arXiv 2309.00071, section 3.2). */
function yarn(plain: Float64Array, scaling: YarnScaling, { head_dim, rope_theta }: RopeConfig): Float64Array {
  const { factor, beta_fast, beta_slow, truncate, original_max_position_embeddings: original } = scaling;
  const dimensionOf = (turns: number) =>
    (head_dim * Math.log(original / (turns * 2 * Math.PI))) / (2 * Math.log(rope_theta));
  const round = (value: number, to: (value: number) => number) => (truncate ? to(value) : value);
  const low = Math.max(round(dimensionOf(beta_fast), Math.floor), 0);
  const high = Math.min(round(dimensionOf(beta_slow), Math.ceil), head_dim - 1);
  const width = high === low ? 0.001 : high - low;
  return plain.map((frequency, i) => {
    const slow = Math.min(1, Math.max(0, (i - low) / width));
    return (frequency / factor) * slow + frequency * (1 - slow);
  });
}

/** Long wavelengths are stretched by `factor`, short ones kept, those between blended (Llama 3.1; litgpt's build_rope_cache). */
function scaleFrequency(frequency: number, scaling: Llama3Scaling): number {
  const { factor, low_freq_factor: low, high_freq_factor: high, original_max_position_embeddings: original } = scaling;
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength < original / high) return frequency;
  if (wavelength > original / low) return frequency / factor;
  const blend = (original / wavelength - low) / (high - low);
  return ((1 - blend) * frequency) / factor + blend * frequency;
}
