// How RoPE's angles are scaled, by type, with what each type needs; names as in config.json.

/** One type of scaling. */
export type RopeScaling = LinearScaling | DynamicScaling | YarnScaling | Llama3Scaling;

/** The types that are computed; `default` is none. */
export const ropeTypes = ['default', 'linear', 'dynamic', 'yarn', 'llama3'] as const;
export type RopeType = (typeof ropeTypes)[number];

/** All frequencies divided by `factor`. */
export interface LinearScaling {
  readonly rope_type: 'linear';
  readonly factor: number;
}

/** NTK scaling of texts longer than the context: shorter ones stay as they are. */
export interface DynamicScaling {
  readonly rope_type: 'dynamic';
  readonly factor: number;
}

/** YaRN (arXiv 2309.00071). */
export interface YarnScaling {
  readonly rope_type: 'yarn';
  readonly factor: number;
  readonly original_max_position_embeddings: number;
  /** Multiplies cosines and sines, so that its square multiplies the scores. */
  readonly attention_factor: number;
  readonly beta_fast: number;
  readonly beta_slow: number;
  /** Whether the bounds of the ramp are whole dimensions. */
  readonly truncate: boolean;
}

/** RoPE scaling of Llama 3.1 and later. */
export interface Llama3Scaling {
  readonly rope_type: 'llama3';
  readonly factor: number;
  readonly low_freq_factor: number;
  readonly high_freq_factor: number;
  readonly original_max_position_embeddings: number;
}
