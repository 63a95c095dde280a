// The work of relax: one layer's differences, and the low-rank terms that are nearest to them.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf, WorkOf } from '../../contract/define.ts';
import type { MatrixRole } from '../../model/architecture/roles.ts';
import { matrixShapeOf, tensorName } from '../../model/architecture/tensors.ts';
import { type ModelCheckpoint, openStored } from '../../model/checkpoint/checkpoint.ts';
import { type RecoveryTensor, writeRecoveryTensors } from '../../model/checkpoint/recovery-file.ts';
import { recoveryName, recoveryShapes } from '../../model/sharing/recovery-shapes.ts';
import { nearestDelta, nearestLowRank } from '../../model/sharing/relax.ts';
import { ownReplacements } from '../../model/sharing/replacement.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom } from '../../util/random.ts';
import { onlyFile, startBackend } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { type relax, relaxedMethod } from './declare.ts';

type Context = ContextOf<typeof relax>;
type Unit = WorkOf<typeof relax>;

export async function relaxLayers(context: Context): Promise<void> {
  await startBackend(context);
  const model = await openStored(onlyFile(context.inputs.model));
  const original = await openStored(onlyFile(context.inputs.original)).catch(async (error: unknown) => {
    await model.close();
    throw error;
  });
  try {
    for (const unit of context.units) await relaxLayer(context, unit, model, original);
  } finally {
    await model.close();
    await original.close();
  }
}

async function relaxLayer(context: Context, unit: Unit, model: ModelCheckpoint, original: ModelCheckpoint) {
  const { layer, rank, matrices: roles } = unit.params;
  const { config } = model;
  const replacements = ownReplacements([layer], rank, { candidate: relaxedMethod(unit.params), roles });
  const found = new Map<string, Float32Array>();
  for (const [done, role] of roles.entries()) {
    context.signal.throwIfAborted();
    const random = createRandom('relax', context.seed, layer, role);
    const difference = await differenceOf(unit, role, model, original);
    const near = unit.params.diagonal ? nearestDelta : nearestLowRank;
    const parameters = near(difference, role, rank, random);
    difference.dispose();
    for (const [name, values] of Object.entries(parameters)) found.set(recoveryName(layer, role, name), values);
    context.progress({ done: done + 1, total: roles.length, of: 'matrix', unit: unit.name });
    await nextTurn(); // the backend blocks: lets a message of the runner in
  }
  const tensors = [...recoveryShapes(config, replacements)].map(([name, shape]): RecoveryTensor => {
    return { name, shape, read: async () => found.get(name) as Float32Array };
  });
  await writeRecoveryTensors(unit.outputs.recovery, replacements, tensors);
  await unit.done(recoveryFacts(config, replacements));
}

/** What the layer lacks of matrix `role`: the original's minus its own, [out, in]. */
async function differenceOf(
  { params: { layer, origin } }: Unit,
  role: MatrixRole,
  model: ModelCheckpoint,
  original: ModelCheckpoint,
): Promise<tf.Tensor2D> {
  const shape = matrixShapeOf(model.config, layer, role);
  const before = matrixShapeOf(original.config, origin, role);
  if (shape.join() !== before.join()) {
    throw new UserError(
      `matrix '${role}' of layer ${layer} is ${shape.join(' x ')} and ${before.join(' x ')} in layer ${origin} of input 'original', expected the model that it was made of`,
    );
  }
  const values = await original.readFloat32(tensorName(original.config, origin, role));
  const own = await model.readFloat32(tensorName(model.config, layer, role));
  return tf.tensor2d(
    values.map((value, i) => value - (own[i] as number)),
    shape,
  );
}
