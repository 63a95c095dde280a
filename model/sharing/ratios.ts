// How much a recovery keeps (methods A.4, paper section 3.1 and equation 1); planning may read this.

import type { ModelConfig } from '../architecture/model-config.ts';
import { projections } from '../architecture/roles.ts';
import { mlpParameters, parameterCounts, tensorShapes } from '../architecture/tensors.ts';
import { matrixParameters } from './candidates/forms.ts';
import { droppedMatrices, dropsMlp, type Replacement, replacementWidth } from './replacement.ts';

const float32Bytes = 4;

/** What is kept of a model: replacements, and the narrower MLPs that it may have got. */
export interface Kept {
  readonly replacements: readonly Replacement[];
  /** The model as it is now; the original when its MLPs were not narrowed. */
  readonly config: ModelConfig;
}

/** Parameters of the MLPs that are stored: all but those that another layer's stands in for and those that are pruned. */
export function storedMlpParameters({ replacements, config }: Kept): number {
  const dropped = replacements.filter(dropsMlp).reduce((sum, { target }) => sum + mlpParameters(config, target), 0);
  return parameterCounts(config).mlp - dropped;
}

/** Recovery parameters, the scalars alpha included. */
export function recoveryParameters({ replacements, config }: Kept): number {
  return replacements.reduce((sum, replacement) => {
    const { candidate, rank } = replacement;
    const width = replacementWidth(config, replacement);
    return sum + projections.length * matrixParameters(candidate, config.hidden_size, width, rank);
  }, 0);
}

/** Stored ratio tau: parameters of the stored MLPs / of the original's. With MLPs of one width it is (N - X) / N. */
export function storedRatio(original: ModelConfig, kept: Kept): number {
  return storedMlpParameters(kept) / parameterCounts(original).mlp;
}

/** Compression ratio s: stored MLP parameters and recovery parameters / original MLP parameters (equation 1). */
export function compressionRatio(original: ModelConfig, kept: Kept): number {
  return (storedMlpParameters(kept) + recoveryParameters(kept)) / parameterCounts(original).mlp;
}

/** Parameters of the whole model, each stored one counted once, recovery parameters included. */
export function storedParameters(kept: Kept): number {
  const { total, mlp } = parameterCounts(kept.config);
  return total - mlp + storedMlpParameters(kept) + recoveryParameters(kept);
}

/** Bytes of the whole model, each stored tensor counted once; `bytesOf` is what one number of a tensor takes. */
export function storedBytes({ replacements, config }: Kept, bytesOf: (tensor: string) => number): number {
  const dropped = droppedMatrices(config, replacements);
  let bytes = float32Bytes * recoveryParameters({ replacements, config });
  for (const [name, shape] of tensorShapes(config)) {
    if (!dropped.has(name)) bytes += shape.reduce((a, b) => a * b, 1) * bytesOf(name);
  }
  return bytes;
}
