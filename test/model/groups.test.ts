// Parameters that a group of layers has in common: one tensor, trained by all targets of a reference (candidate g0_tied).
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readRecovery, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { replacedMlp } from '../../model/forward/mlp.ts';
import { recoveryParameters } from '../../model/sharing/ratios.ts';
import { createRecovery, disposeRecovery, joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import { checkReplacements, type RunReplacement } from '../../model/sharing/replacement.ts';
import { recoveryWarnings } from '../../stages/common/rank-warnings.ts';
import { slw } from '../../stages/slw/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, scratch } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const config = tinyConfig(); // 4 layers, D 8, F 12
const settings = { init: 'default', seed: 5 } as const;
const of = (target: number, rank = 3): RunReplacement => ({ reference: 1, target, candidate: 'g0_tied', rank });
const pair = [of(2), of(3)];

/** Every number random, as after training. */
function trained(recovery: Recovery, seed = ''): Recovery {
  for (const [name, variable] of recovery.parameters) {
    tf.tidy(() => variable.assign(tf.tensor(normals(variable.size, `${name}${seed}`), variable.shape)));
  }
  return recovery;
}

describe('a warning on what recovery parameters store', () => {
  // three targets of one reference, D 16, F 24: 3,456 numbers are saved, of which g0 stores 3,249 again at rank 9, g0_tied 2,241
  it.each([
    ['g0', ['recovery parameters of rank 9 at a width of 16 store hardly less than sharing saves: s is 0.97']],
    ['g0_tied', []],
  ])('counts what is in common once: %s', (candidate, expected) => {
    const sharing = { type: 'T_next', map: '2:3,4,5', candidate, rank: 9, match_rank: false };
    expect(recoveryWarnings(sharing, { layers: 6, hidden_size: 16, intermediate_size: 24 })).toEqual(expected);
  });
});

describe('what a group of layers has in common', () => {
  beforeAll(() => useBackend({ backend: 'cpu' }));

  it('is one tensor under the reference, the rest is each target’s own', () => {
    const { parameters } = createRecovery(config, pair, settings);
    expect([...parameters.keys()].filter((name) => name.includes('mlp.gate') || name.includes('mlp.down'))).toEqual([
      'layers.2.mlp.gate.alpha',
      'groups.1.mlp.gate.A',
      'layers.2.mlp.gate.B',
      'layers.2.mlp.down.alpha',
      'layers.2.mlp.down.A',
      'groups.1.mlp.down.B',
      'layers.3.mlp.gate.alpha',
      'layers.3.mlp.gate.B',
      'layers.3.mlp.down.alpha',
      'layers.3.mlp.down.A',
    ]);
    // of each matrix: alphas, the common factor, and the other one twice
    const gateOrUp = 2 + 3 * 8 + 2 * 3 * 12;
    const down = 2 + 3 * 12 + 2 * 3 * 8;
    expect(recoveryParameters({ config, replacements: pair })).toBe(2 * gateOrUp + down);
  });

  it('gets the gradients of all its targets together', async () => {
    const weights = tinyWeights(config);
    const tied = trained(createRecovery(config, pair, settings));
    const x = tf.tensor2d(normals(6 * 8, 'x'), [6, 8]);
    const loss = (each: RunReplacement, parameters: Recovery['parameters']) =>
      tf.sum(tf.square(replacedMlp(weights, each, x, parameters))) as tf.Scalar;
    const common = tied.parameters.get('groups.1.mlp.gate.A') as tf.Variable;
    const gradient = (layers: readonly RunReplacement[]) => {
      const total = () => tf.tidy(() => tf.addN(layers.map((each) => loss(each, tied.parameters))) as tf.Scalar);
      return tf.variableGrads(total, [common]).grads[common.name] as tf.Tensor;
    };
    const both = await gradient(pair).data();
    expectClose(both, await tf.add(gradient([of(2)]), gradient([of(3)])).data(), 1e-5);
    // the same as two of g0 with equal factors, whose gradients are added
    const plain = pair.map((each) => ({ ...each, candidate: 'g0' }));
    const copied = createRecovery(config, plain, settings);
    for (const [name, variable] of copied.parameters) {
      const shared = tied.parameters.get(name) ?? tied.parameters.get(name.replace(/layers\.\d/, 'groups.1'));
      variable.assign(shared as tf.Tensor);
    }
    const apart = plain.map((each) => {
      const own = copied.parameters.get(`layers.${each.target}.mlp.gate.A`) as tf.Variable;
      return tf.variableGrads(() => loss(each, copied.parameters), [own]).grads[own.name] as tf.Tensor;
    });
    expectClose(both, await tf.addN(apart).data(), 1e-5);
  });

  it('starts the same in parts that are made one by one, which then go together', async () => {
    const parts = pair.map((each) => createRecovery(config, [each], settings));
    const joined = joinRecoveries(config, parts, 'here');
    const whole = createRecovery(config, pair, settings);
    expect([...joined.parameters.keys()].sort()).toEqual([...whole.parameters.keys()].sort());
    for (const [name, variable] of whole.parameters) {
      expect(await joined.parameters.get(name)?.data(), name).toEqual(await variable.data());
    }
  });

  it('is refused where parts were trained apart, or have two ranks', () => {
    const parts = pair.map((each, i) => trained(createRecovery(config, [each], settings), String(i)));
    expect(() => joinRecoveries(config, parts, 'here')).toThrow(
      "here: parameter 'groups.1.mlp.gate.A', which a group of layers has in common, is there with different values, expected parts that were not trained apart",
    );
    expect(() => checkReplacements(config, [of(2, 3), of(3, 4)], 'here')).toThrow(
      "here: layers 2 and 3 have parameters of candidate 'g0_tied' in common, expected one rank, got 3 and 4",
    );
    expect(() => slw.check?.({ candidate: 'g0_tied' } as never, new Set())).toThrow(
      "candidate 'g0_tied' has parameters that several targets have in common, which slw cannot fit one pair at a time",
    );
  });

  it('comes back from a file once', async () => {
    const path = join(await scratch(), 'recovery.arrow');
    const recovery = trained(createRecovery(config, pair, settings));
    await writeRecovery(path, recovery);
    const read = await readRecovery([path], config);
    expect([...read.parameters.keys()]).toEqual([...recovery.parameters.keys()]);
    expect(await read.parameters.get('groups.1.mlp.down.B')?.data()).toEqual(
      await recovery.parameters.get('groups.1.mlp.down.B')?.data(),
    );
    disposeRecovery(read);
    disposeRecovery(recovery);
  });
});
