// Low-rank terms at any matrix of a layer: against PEFT, through files, beside what is shared, and refused where they cannot stand.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MatrixRole, matrixRoles, writesHidden } from '../../model/architecture/roles.ts';
import { readRecovery, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { forward } from '../../model/forward/forward.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel } from '../../model/forward/model.ts';
import { recoveryParameters } from '../../model/sharing/ratios.ts';
import { createRecovery, disposeRecovery, joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import { recoveryName } from '../../model/sharing/recovery-shapes.ts';
import {
  checkReplacements,
  formatReplacements,
  ownReplacements,
  type Replacement,
} from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, scratch, unpack } from './fixtures.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

interface PeftCase {
  rank: number;
  ids: number[][];
  logits: Packed;
  loss: number;
  parameters: { layer: number; role: MatrixRole; factor: 'lora_A' | 'lora_B'; values: Packed; gradient: Packed }[];
}

const expected = fixture<PeftCase>('lora.json');
const all = { candidate: 'lora', roles: matrixRoles } as const;

/** PEFT's lora_A [r, in] and lora_B [out, r] as our A [d, r] and B [r, f]: transposed, but for matrices that are applied transposed. */
function ours({ role, factor, values: { shape } }: PeftCase['parameters'][number], packed: Packed) {
  const name = (factor === 'lora_A') === writesHidden(role) ? 'B' : 'A';
  const matrix = tf.tensor2d(unpack(packed), shape as [number, number]);
  return { name, tensor: writesHidden(role) ? matrix : tf.transpose(matrix) };
}

function ofPeft(): Recovery {
  const parameters = new Map(
    expected.parameters.map((each) => {
      const { name, tensor } = ours(each, each.values);
      return [recoveryName(each.layer, each.role, name), tf.variable(tensor)] as const;
    }),
  );
  return { replacements: ownReplacements([1, 2], expected.rank, all), parameters };
}

describe.each(['cpu', 'onnx'] as const)('low-rank terms at all seven matrices, on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it('give the logits, the loss and the gradients of PEFT', async () => {
    const { weights } = await loadFixture('gqa');
    const recovery = ofPeft();
    const model = createModel(weights, recovery);
    const logits = forward(model, tf.tensor2d(expected.ids, undefined, 'int32'));
    expectClose(await logits.data(), unpack(expected.logits), 1e-4, 'logits');
    const examples = expected.ids.map((ids) => ({ ids: Int32Array.from(ids), labels: Int32Array.from(ids) }));
    const plain = makeBatch(examples, 2, 64);
    const batch = scaleWeights(plain, 1 / plain.count);
    const variables = [...recovery.parameters.values()];
    const { value, grads } = tf.variableGrads(() => languageModelLoss(model, batch), variables);
    expect((await value.data())[0]).toBeCloseTo(expected.loss, 4);
    for (const each of expected.parameters) {
      const { name, tensor } = ours(each, each.gradient);
      const variable = recovery.parameters.get(recoveryName(each.layer, each.role, name)) as tf.Variable;
      const found = grads[variable.name] as tf.Tensor;
      expect(found.shape).toEqual(tensor.shape);
      expectClose(await found.data(), await tensor.data(), 1e-4, `gradient of ${each.role} ${name}`);
    }
    expect(expected.parameters).toHaveLength(28);
    model.disposeFrames();
  });

  it('start at the model as it is, to the bit, also beside a shared MLP', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const logits = (recovery?: Recovery) =>
      forward(createModel(weights, recovery), tf.tensor2d([[1, 2, 3, 4]], undefined, 'int32')).data();
    const settings = { init: 'default', seed: 5 } as const;
    const shared = { replacements: [{ target: 3, reference: 2, candidate: 'g0', rank: 0 }], parameters: new Map() };
    const attention = createRecovery(
      config,
      ownReplacements([1, 2, 3, 4], 2, { candidate: 'lora', roles: ['q', 'k', 'v', 'o'] }),
      settings,
    );
    expect(await logits(attention)).toEqual(await logits());
    expect(await logits(joinRecoveries(config, [shared, attention], 'here'))).toEqual(await logits(shared));
  });
});

describe('a recovery with matrices of attention', () => {
  beforeAll(() => useBackend({ backend: 'cpu' }));
  const config = tinyConfig();

  it('comes back from its file as it was', async () => {
    const { config: own } = await loadFixture('gqa');
    const path = join(await scratch(), 'recovery.arrow');
    const recovery = ofPeft();
    await writeRecovery(path, recovery);
    const read = await readRecovery([path], own);
    expect(read.replacements).toEqual(recovery.replacements);
    for (const [name, variable] of recovery.parameters) {
      expect(await read.parameters.get(name)?.data(), name).toEqual(await variable.data());
    }
    disposeRecovery(read);
    disposeRecovery(recovery);
  });

  it('counts the parameters of each matrix by its own sizes', () => {
    // d 8: q 8 and o 8, k 4 and v 4, gate, up and down 12; rank 2
    const of = (roles: readonly MatrixRole[]) =>
      recoveryParameters({ replacements: ownReplacements([1], 2, { candidate: 'lora', roles }), config });
    expect(of(['q'])).toBe(2 * (8 + 8));
    expect(of(['k', 'v'])).toBe(2 * 2 * (8 + 4));
    expect(of(matrixRoles)).toBe(2 * (2 * 16 + 2 * 12 + 3 * 20));
  });

  it('is told with its matrices', () => {
    const replacements = [
      { target: 3, reference: 2, candidate: 'g0', rank: 2 },
      ...ownReplacements([1, 3], 2, { candidate: 'lora', roles: ['q', 'v'] }),
    ];
    expect(formatReplacements(replacements)).toBe('2:3; own q+v:1,3');
  });

  it.each<[string, Replacement[], string]>([
    [
      'a candidate of the paper at attention',
      ownReplacements([2], 2, { roles: ['gate', 'q'] as MatrixRole[] }),
      "here: candidate 'g0' may stand at gate, up, down, got 'q' at layer 2; 'lora' may stand at every matrix",
    ],
    [
      'two at one matrix',
      [...ownReplacements([2], 2, all), ...ownReplacements([2], 2)],
      'here: target layer 2 is replaced already',
    ],
    [
      'a part of the attention that is skipped',
      [{ target: 2, reference: null, candidate: 'g0', rank: 0, roles: ['q', 'k'] }],
      "here: layer 2 can skip its whole MLP (no 'roles') or its whole attention (q, k, v, o), got q, k",
    ],
  ])('refuses %s', (_, replacements, message) => {
    expect(() => checkReplacements(config, replacements, 'here')).toThrow(message);
  });
});
