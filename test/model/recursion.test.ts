// Recursive transformers against numpy and PyTorch: which layers run which blocks, and what relaxation brings back.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MatrixRole, writesHidden } from '../../model/architecture/roles.ts';
import { loadModel } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { forward } from '../../model/forward/forward.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel } from '../../model/forward/model.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { recoveryName } from '../../model/sharing/recovery-shapes.ts';
import { type RecursionSettings, recursion } from '../../model/sharing/recursion.ts';
import { recursive } from '../../stages/recursive/declare.ts';
import { relax } from '../../stages/relax/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { runStage, type StageOutcome, temporaryFolder } from '../stages/harness.ts';
import { expectClose, fixture, fixtures, type Packed, unpack } from './fixtures.ts';

interface Plan extends RecursionSettings {
  layers: number;
  origins: number[];
  sources: number[];
  blocks: number[][];
}

interface Case extends Omit<RecursionSettings, 'recursions'> {
  rank: number;
  norms: 'shared' | 'own';
  ids: number[][];
  logits: Packed;
  loss: number;
  matrices: { layer: number; role: MatrixRole; product: Packed; input_side?: Packed; output_side?: Packed }[];
}

const { plans, cases } = fixture<{ plans: Plan[]; cases: Case[] }>('recursion.json');
let deep = '';

const fileOf = (outcome: StageOutcome, output: string, unit = '') => outcome.files[unit]?.[output] as string;
const inputOf = (outcome: StageOutcome, output: string) => ({
  files: Object.fromEntries(Object.entries(outcome.files).map(([unit, files]) => [unit, files[output] as string])),
  facts: outcome.facts[''] ?? {},
});

/** What is before relaxation, and after it. */
async function relaxed(params: object, rank: number) {
  const made = await runStage(recursive, { params: { ...params }, inputs: { model: deep } });
  const original = { files: { '': deep }, facts: { layers: 4 } };
  const inputs = { model: inputOf(made, 'model'), original };
  const terms = await runStage(relax, { params: { rank }, inputs });
  const { weights, config } = await loadModel(fileOf(made, 'model'));
  const recovery = await readRecovery(Object.values(inputOf(terms, 'recovery').files), config);
  const model = createModel(weights, recovery);
  const close = () => {
    model.disposeFrames();
    weights.dispose();
    disposeRecovery(recovery);
  };
  return { made, model, recovery, close };
}

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  deep = join(temporaryFolder(), 'deep.arrow');
  await importHuggingFace(join(fixtures, 'deep'), deep);
});

describe('a recursion', () => {
  it.each(plans)(
    '$mode, $init, $recursions times in $layers layers',
    ({ layers, origins, sources, blocks, ...plan }) => {
      expect(recursion(plan, layers, 0)).toEqual({ origins, sources, blocks });
    },
  );

  it('draws its layers by the seed, ascending and each once', () => {
    const drawn = (seed: number) => recursion({ mode: 'middle_cycle', recursions: 3, init: 'random' }, 14, seed).blocks;
    expect(drawn(1)).toEqual(drawn(1));
    expect(new Set([1, 2, 3, 4, 5].map((seed) => String(drawn(seed)))).size).toBeGreaterThan(1);
    const inner = drawn(1).slice(1, 5).flat();
    expect(inner).toEqual([...new Set(inner)].sort((a, b) => a - b));
    expect(inner.every((layer) => layer > 1 && layer < 14)).toBe(true);
  });

  it('needs as many layers as it has recursions', () => {
    const made = (mode: RecursionSettings['mode']) => recursion({ mode, recursions: 5, init: 'lower' }, 4, 0);
    expect(() => made('cycle')).toThrow('recursions: 5 are more than a model of 4 layers has, expected at most 4');
    expect(() => made('middle_cycle')).toThrow(
      'recursions: 5 are more than a model of 4 layers has between the first and the last, expected at most 2',
    );
  });
});

describe('relaxation', () => {
  it.each(cases)(
    '$mode, $init, rank $rank, $norms norms: factors, logits, loss and gradients of PyTorch',
    async (one) => {
      const { mode, init, norms, rank } = one;
      const { model, recovery, close } = await relaxed({ mode, init, norms }, rank);
      const logits = forward(model, tf.tensor2d(one.ids, undefined, 'int32'));
      expectClose(await logits.data(), unpack(one.logits), 1e-4, 'logits');
      const examples = one.ids.map((ids) => ({ ids: Int32Array.from(ids), labels: Int32Array.from(ids) }));
      const plain = makeBatch(examples, 2, 64);
      const batch = scaleWeights(plain, 1 / plain.count);
      const { value, grads } = tf.variableGrads(
        () => languageModelLoss(model, batch),
        [...recovery.parameters.values()],
      );
      expect((await value.data())[0]).toBeCloseTo(one.loss, 4);
      for (const { layer, role, ...expected } of one.matrices) {
        const of = (name: string) => recovery.parameters.get(recoveryName(layer, role, name)) as tf.Variable;
        const [A, B] = [of('A') as unknown as tf.Tensor2D, of('B') as unknown as tf.Tensor2D];
        const [dA, dB] = [grads[of('A').name] as tf.Tensor2D, grads[of('B').name] as tf.Tensor2D];
        const product = tf.matMul<tf.Tensor2D>(A, B);
        const stored = writesHidden(role) ? product : tf.transpose(product); // [out, in]
        expectClose(await stored.data(), unpack(expected.product), 1e-5, `A B of ${role} in layer ${layer}`);
        if (expected.input_side === undefined || expected.output_side === undefined) continue;
        const ofA = tf.matMul<tf.Tensor2D>(A, dA, false, true);
        const ofB = tf.matMul<tf.Tensor2D>(B, dB, true, false);
        const [input, output] = writesHidden(role) ? [ofB, ofA] : [ofA, ofB];
        expectClose(await input.data(), unpack(expected.input_side), 1e-4, `input side of ${role} in layer ${layer}`);
        expectClose(
          await output.data(),
          unpack(expected.output_side),
          1e-4,
          `output side of ${role} in layer ${layer}`,
        );
      }
      close();
    },
  );

  it('of full rank is the original matrix again', async () => {
    const { model, recovery, close } = await relaxed({ mode: 'sequence', init: 'average' }, 4);
    const { weights } = await loadModel(deep);
    for (const role of ['k', 'v'] as const) {
      for (const layer of [1, 2, 3, 4]) {
        const [A, B] = ['A', 'B'].map((name) => recovery.parameters.get(recoveryName(layer, role, name)));
        const name = `model.layers.${layer - 1}.self_attn.${role}_proj.weight`;
        const term = tf.matMul(A as unknown as tf.Tensor2D, B as unknown as tf.Tensor2D);
        const back = tf.add(model.weights.get(name), tf.transpose(term));
        expectClose(await back.data(), await weights.get(name).data(), 1e-5, name);
      }
    }
    weights.dispose();
    close();
  });

  it('starts with a gradient where nothing is to be brought back', async () => {
    const { model, recovery, close } = await relaxed({ init: 'lower' }, 2);
    const [A, B] = ['A', 'B'].map((name) => recovery.parameters.get(recoveryName(1, 'gate', name)) as tf.Variable);
    expect((await (A as tf.Variable).data()).every((value) => value !== 0)).toBe(true);
    expect((await (B as tf.Variable).data()).every((value) => value === 0)).toBe(true);
    expect(model.config.num_hidden_layers).toBe(4);
    close();
  });
});
