// What an export takes: all weights in another form.
import type { Cost, CostQuery } from '../../../contract/stage.ts';
import { mlpParameters, modelParameters, shapeOfFacts } from '../../../model/sizes/costs.ts';
import { copying, float, streaming } from '../../costs/copying.ts';

/** Bytes of a number of 4 bits with a float32 scale for each group. */
export function fourBits({ group_size }: { group_size: number }): number {
  return 1 / 2 + float / group_size;
}

/** What a form does with layers that share: `isOnce` stores each MLP once, `isFolded` works A B into whole matrices. */
export interface Sharing {
  isOnce: boolean;
  isFolded: boolean;
}

/** The cost of writing every weight with `bytes` bytes. */
export function exportCost({ inputs }: CostQuery, bytes: number, { isOnce, isFolded }: Sharing): Cost | undefined {
  const shape = shapeOfFacts(inputs.model?.facts);
  if (shape === undefined) return undefined;
  const { targets, recovery_parameters } = inputs.recovery?.facts ?? {};
  const factors = Number(recovery_parameters ?? 0);
  const { hidden_size: d, intermediate_size: f } = shape;
  const dropped = isOnce ? Number(targets ?? 0) * mlpParameters(shape) : 0;
  const folds = isFolded && factors > 0;
  return {
    ...copying(inputs.model?.size_bytes, (modelParameters(shape) - dropped) * bytes + (folds ? 0 : factors * float)),
    flops: folds ? (2 * d * f * factors) / (d + f) : 0, // of A B: 2 d f r for r (d + f) parameters
    memory_bytes: streaming + (folds ? 4 * float * d * f + factors * float : 0),
  };
}

/** The cost of copying a checkpoint's own codes, recovery parameters beside; undefined where its size is not known yet. */
export function copiedCost({ inputs }: CostQuery): Cost | undefined {
  const size_bytes = inputs.model?.size_bytes;
  if (shapeOfFacts(inputs.model?.facts) === undefined || size_bytes === undefined) return undefined;
  return copying(size_bytes, size_bytes + Number(inputs.recovery?.facts.recovery_parameters ?? 0) * float);
}
