// What SLW computes of a row by frozen matrices alone, whatever the recovery parameters are: the same in every epoch.
import { swiglu } from '../../tensor/ops.ts';
import type { tf } from '../../tensor/tf.ts';
import type { MatrixRole } from '../architecture/roles.ts';
import { tensorName } from '../architecture/tensors.ts';
import { linear } from '../forward/linear.ts';
import { type MatrixWeights, storedProduct } from '../forward/project.ts';
import type { RunReplacement } from '../sharing/replacement.ts';
import type { FrozenName } from './slw-columns.ts';

/** The frozen values of some rows by name, made when they are asked for. */
export type FrozenValues = (name: FrozenName) => tf.Tensor2D;

/** The frozen values of the rows `x` [N, D]; those in `given` are not computed. */
export function frozenValues(
  weights: MatrixWeights,
  { reference, target }: RunReplacement,
  x: tf.Tensor2D,
  given: ReadonlyMap<FrozenName, tf.Tensor2D> = new Map(),
): FrozenValues {
  const known = new Map(given);
  const original = (role: MatrixRole, x: tf.Tensor2D) => linear(weights, tensorName(weights.config, target, role), x);
  const shared = (role: MatrixRole, x: tf.Tensor2D) => {
    const product = storedProduct(weights, reference, role);
    return product.times(product.input(x)) as tf.Tensor2D;
  };
  const hidden = () => swiglu(value('gate'), value('up'));
  const make: Record<FrozenName, () => tf.Tensor2D> = {
    gate: () => original('gate', x),
    up: () => original('up', x),
    output: () => original('down', hidden()),
    shared_gate: () => shared('gate', x),
    shared_up: () => shared('up', x),
    shared_down: () => shared('down', hidden()),
  };
  const value = (name: FrozenName): tf.Tensor2D => {
    const found = known.get(name) ?? make[name]();
    known.set(name, found);
    return found;
  };
  return value;
}
