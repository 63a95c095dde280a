// The work of share-basis: a group's second moments, then its bases and coefficients.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { ContextOf, WorkOf } from '../../contract/define.ts';
import { type MatrixRole, writesHidden } from '../../model/architecture/roles.ts';
import { matrixShapeOf, tensorName } from '../../model/architecture/tensors.ts';
import { type RecoveryTensor, writeRecoveryTensors } from '../../model/checkpoint/recovery-file.ts';
import type { Model } from '../../model/forward/model.ts';
import { momentName, type SecondMoments, secondMoments } from '../../model/measure/second-moments.ts';
import { parameterName, recoveryShapes } from '../../model/sharing/recovery-shapes.ts';
import type { Replacement } from '../../model/sharing/replacement.ts';
import { sharedBasis } from '../../model/sharing/shared-basis.ts';
import { consecutive } from '../../model/sharing/sharing.ts';
import { transposed } from '../../util/transposed.ts';
import { calibrationWindows } from '../common/calibration-windows.ts';
import { openModel } from '../common/model-input.ts';
import { recoveryFacts } from '../common/recovery-facts.ts';
import { basisReplacements, type shareBasis } from './declare.ts';

type Context = ContextOf<typeof shareBasis>;
type Unit = WorkOf<typeof shareBasis>;

export async function shareBases(context: Context): Promise<void> {
  const { model, tokenizer, close } = await openModel(context);
  try {
    const { windows } = await calibrationWindows(context, tokenizer, model.config.vocab_size, {
      need: "stage 'share-basis' needs input 'data', by whose activations errors are weighed",
    });
    for (const unit of context.units) await shareGroup(context, unit, model, windows);
  } finally {
    close();
  }
}

async function shareGroup(context: Context, unit: Unit, model: Model, windows: readonly Int32Array[]): Promise<void> {
  const { first, group, batch_size } = unit.params;
  const replacements = basisReplacements(unit.params, model.config, first);
  const layers = consecutive(first, first + group - 1);
  const moments = await secondMoments(model, windows, layers, batch_size, (done, total) => {
    context.signal.throwIfAborted();
    context.progress({ done, total, of: 'window', unit: unit.name });
  });
  const found = new Map<string, Float32Array>();
  const bases = new Map<string, Replacement[]>();
  for (const each of replacements) {
    const key = `${each.reference} ${each.roles?.[0]}`;
    bases.set(key, [...(bases.get(key) ?? []), each]);
  }
  for (const [done, members] of [...bases.values()].entries()) {
    context.signal.throwIfAborted();
    for (const [name, values] of await factorsOf(model, members, moments)) found.set(name, values);
    context.progress({ done: done + 1, total: bases.size, of: 'basis', unit: unit.name });
    await nextTurn(); // lets a message of the runner in
  }
  const tensors = [...recoveryShapes(model.config, replacements)].map(([name, shape]): RecoveryTensor => {
    return { name, shape, read: async () => found.get(name) as Float32Array };
  });
  await writeRecoveryTensors(unit.outputs.recovery, replacements, tensors);
  await unit.done(recoveryFacts(model.config, replacements));
}

/** The factors of the layers that have one basis, by the names of their recovery parameters. */
async function factorsOf(
  { config, weights }: Model,
  members: readonly Replacement[],
  moments: SecondMoments,
): Promise<Map<string, Float32Array>> {
  const [{ roles, rank }] = members as [Replacement];
  const role = roles?.[0] as MatrixRole;
  const matrices: Float32Array[] = [];
  for (const { target } of members) {
    matrices.push((await weights.get(tensorName(config, target, role)).data()) as Float32Array);
  }
  const all = members.map(({ target }) => moments.get(momentName(target, role)) as Float64Array);
  const sum = all.reduce((total, each) => total.map((value, i) => value + (each[i] as number)));
  const { basis, coefficients } = sharedBasis(matrices, sum, rank);
  const [output] = matrixShapeOf(config, (members[0] as Replacement).target, role);
  const factors = new Map<string, Float32Array>();
  for (const [i, replacement] of members.entries()) {
    const own = coefficients[i] as Float32Array; // [k, out]
    const name = (parameter: string) => parameterName(replacement, role, parameter);
    // by size: Theta is [in, out] of a matrix that reads the stream, [out, in] of one that writes it
    if (writesHidden(role)) factors.set(name('A'), transposed(own, output)).set(name('B'), transposed(basis, rank));
    else factors.set(name('A'), basis).set(name('B'), own);
  }
  return factors;
}
