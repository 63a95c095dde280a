// Rotary position embedding in the Hugging Face convention, with the frequency scaling of Llama 3.

import type { ModelConfig } from '../architecture/config.ts';
import type { Llama3Scaling } from '../architecture/config-rope.ts';

/** Inverse frequencies [hd/2] of RoPE: theta^(-2i/hd), scaled for Llama 3 where the config says so. */
export function inverseFrequencies(config: ModelConfig): Float64Array {
  const { head_dim, rope_theta, rope_scaling } = config;
  const frequencies = Float64Array.from({ length: head_dim / 2 }, (_, i) => rope_theta ** ((-2 * i) / head_dim));
  return rope_scaling ? frequencies.map((frequency) => scaleFrequency(frequency, rope_scaling)) : frequencies;
}

/** By what the scaling divides each frequency [hd/2], as float32; null where there is no scaling. */
export function ropeFactors(config: ModelConfig): Float32Array | null {
  if (config.rope_scaling === null) return null;
  const plain = inverseFrequencies({ ...config, rope_scaling: null });
  return Float32Array.from(inverseFrequencies(config), (frequency, i) => (plain[i] as number) / frequency);
}

/** cos and sin of angles, row-major, a row of hd/2 frequencies for each position. */
export interface RopeTables {
  readonly cos: Float32Array;
  readonly sin: Float32Array;
}

/** cos and sin [T, hd/2] of the angles of the positions 0 to T - 1. */
export function ropeTables(config: ModelConfig, tokens: number): RopeTables {
  return ropeAt(
    inverseFrequencies(config),
    Array.from({ length: tokens }, (_, t) => t),
  );
}

/** cos and sin [N, hd/2] of the angles of any `positions` [N] (from 0). */
export function ropeAt(frequencies: Float64Array, positions: ArrayLike<number>): RopeTables {
  const half = frequencies.length;
  const cos = new Float32Array(positions.length * half);
  const sin = new Float32Array(positions.length * half);
  for (let n = 0; n < positions.length; n++) {
    for (let i = 0; i < half; i++) {
      // transformers multiplies positions and frequencies in float32: at long positions that rounding shows
      const angle = Math.fround((positions[n] as number) * Math.fround(frequencies[i] as number));
      cos[n * half + i] = Math.cos(angle);
      sin[n * half + i] = Math.sin(angle);
    }
  }
  return { cos, sin };
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
