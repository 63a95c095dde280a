// How large an export's weights are: each stored tensor once, or with an MLP of its own for every layer (methods E.6).
import { tensorShapes } from '../architecture/tensors.ts';
import { recoveryParameters } from '../sharing/ratios.ts';
import { ownTensors, tensorSources } from '../sharing/sources.ts';
import type { ExportSource } from './source.ts';

const float32Bytes = 4;

/** Bytes of the weights of one export, in the types that it was written in. */
export interface ExportSizes {
  /** Each stored tensor once, and the recovery parameters as float32. */
  readonly unique_bytes: number;
  /** Every layer with an MLP of its own, recovery folded in, as programs that know no sharing hold it. */
  readonly expanded_bytes: number;
}

/** The sizes of `source` where a tensor of `shape` takes `bytesOf(shape)`. */
export function exportSizes(
  { config, stored, recovery: { replacements } }: Pick<ExportSource, 'config' | 'stored' | 'recovery'>,
  bytesOf: (shape: readonly number[]) => number,
): ExportSizes {
  const shapes = tensorShapes(stored);
  const own = ownTensors(tensorSources(stored, replacements));
  const weights = own.reduce((total, name) => total + bytesOf(shapes.get(name) as number[]), 0);
  const unique = weights + float32Bytes * recoveryParameters({ replacements, config: stored });
  const expanded = [...tensorShapes(config).values()].reduce((total, shape) => total + bytesOf(shape), 0);
  return { unique_bytes: unique, expanded_bytes: expanded };
}
