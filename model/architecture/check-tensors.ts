// Whether a set of tensors is what a config calls for.
import type { Dtype } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import type { ModelConfig } from './model-config.ts';
import { tensorShapes } from './tensors.ts';

/** Throws a UserError, naming all that is wrong, unless `tensors` are float tensors of the config's names and shapes. */
export function checkTensors(
  config: ModelConfig,
  tensors: ReadonlyMap<string, { readonly dtype: Dtype; readonly shape: readonly number[] }>,
  source: string,
): void {
  const expected = tensorShapes(config);
  const faults = [...tensors.keys()]
    .filter((name) => !expected.has(name))
    .map((name) => `tensor '${name}' is not part of the model`);
  for (const [name, shape] of expected) {
    const tensor = tensors.get(name);
    if (!tensor) faults.push(`tensor '${name}' is missing, expected ${showShape(shape)}`);
    else if (showShape(tensor.shape) !== showShape(shape)) {
      faults.push(`tensor '${name}': expected ${showShape(shape)}, got ${showShape(tensor.shape)}`);
    } else if (!['F32', 'F16', 'BF16', 'F64'].includes(tensor.dtype)) {
      faults.push(`tensor '${name}': expected F32, F16 or BF16, got ${tensor.dtype}`);
    }
  }
  if (faults.length === 0) return;
  const more = faults.length > 8 ? `\n  and ${faults.length - 8} more` : '';
  throw new UserError(`'${source}' does not match its config:\n  ${faults.slice(0, 8).join('\n  ')}${more}`);
}

function showShape(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}
