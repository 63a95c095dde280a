// The work of weight-difference: read the matrices two by two, and write the ratios.
import { writeFile } from 'node:fs/promises';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf } from '../../contract/define.ts';
import { mlpWidth } from '../../model/architecture/model-config.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { weightDifferences } from '../../model/measure/weight-difference.ts';
import { UserError } from '../../util/errors.ts';
import { onlyFile } from '../common/model-input.ts';
import type { weightDifference } from './declare.ts';

type Context = ContextOf<typeof weightDifference>;

export async function measureDifference({ inputs, units, signal, progress }: Context): Promise<void> {
  const [unit] = units;
  const checkpoint = await openStored(onlyFile(inputs.model));
  try {
    const { config } = checkpoint;
    const layers = config.num_hidden_layers;
    if (layers < 2)
      throw new UserError(`stage 'weight-difference' expects a model of at least 2 layers, got ${layers}`);
    refuseOtherWidths(Array.from({ length: layers }, (_, i) => mlpWidth(config, i + 1)));
    const read = async (name: string) => {
      await nextTurn(); // lets a message of the runner in
      signal.throwIfAborted();
      return checkpoint.readFloat32(name);
    };
    const metrics = await weightDifferences(checkpoint.config, read, (done, total) =>
      progress({ done, total, of: 'matrix' }),
    );
    refuseNoNumber(metrics);
    await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
    await unit.done({ layers });
  } finally {
    await checkpoint.close();
  }
}

function refuseOtherWidths(widths: readonly number[]): void {
  const odd = widths.findIndex((width) => width !== widths[0]);
  if (odd < 0) return;
  throw new UserError(
    `stage 'weight-difference' expects MLPs of one width, got ${widths[0]} in layer 1 and ${widths[odd]} in layer ${odd + 1}: give it the model from before 'prune-channels'`,
  );
}

/** JSON has no infinity: a matrix of zeros, or one that holds NaN, is named instead. */
function refuseNoNumber(metrics: Awaited<ReturnType<typeof weightDifferences>>): void {
  for (const [matrix, { by_layer }] of Object.entries(metrics)) {
    for (const [layer, value] of Object.entries(by_layer)) {
      if (Number.isFinite(value)) continue;
      throw new UserError(
        `the relative difference of '${matrix}' between layers ${layer} and ${Number(layer) + 1} is ${value}, expected a finite number: look for NaN or a matrix of zeros there`,
      );
    }
  }
}
