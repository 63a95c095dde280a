// How much a recovery keeps (methods A.4, paper section 3.1 and equation 1); planning may read this.
import type { ModelConfig } from '../architecture/model-config.ts';
import { parameterCounts, tensorShapes } from '../architecture/tensors.ts';
import { countParameters } from './recovery-shapes.ts';
import type { Replacement } from './replacement.ts';
import { type Routing, routerParameters } from './routing.ts';
import { ownTensors, tensorSources } from './sources.ts';

const float32Bytes = 4;

/** What is kept of a model: replacements, and the narrower MLPs that it may have got. */
export interface Kept {
  readonly replacements: readonly Replacement[];
  /** The model as it is now; the original when its MLPs were not narrowed. */
  readonly config: ModelConfig;
  /** MLPs that are cut into experts, whose routers are stored beside. */
  readonly routing?: Routing | undefined;
}

/** Parameters of the MLPs that are stored: all but those that another layer's stands in for and those that are pruned. */
export function storedMlpParameters({ replacements, config }: Kept): number {
  const shapes = tensorShapes(config);
  const own = ownTensors(tensorSources(config, replacements)).filter((name) => name.includes('.mlp.'));
  return own.reduce((sum, name) => sum + elements(shapes.get(name)), 0);
}

/** Recovery parameters, the scalars alpha and routers included. */
export function recoveryParameters({ replacements, config, routing }: Kept): number {
  return countParameters(config, replacements) + routerParameters(config, routing);
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
  const shapes = tensorShapes(kept.config);
  const own = ownTensors(tensorSources(kept.config, kept.replacements));
  return own.reduce((sum, name) => sum + elements(shapes.get(name)), 0) + recoveryParameters(kept);
}

/** Bytes of the whole model, each stored tensor counted once; `bytesOf` is what one number of a tensor takes. */
export function storedBytes({ replacements, config, routing }: Kept, bytesOf: (tensor: string) => number): number {
  const shapes = tensorShapes(config);
  const own = ownTensors(tensorSources(config, replacements));
  const weights = own.reduce((bytes, name) => bytes + elements(shapes.get(name)) * bytesOf(name), 0);
  return weights + float32Bytes * recoveryParameters({ replacements, config, routing });
}

function elements(shape: readonly number[] = []): number {
  return shape.reduce((a, b) => a * b, 1);
}
