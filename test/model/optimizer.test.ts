// Adam and the learning-rate schedules against PyTorch and transformers.
import { describe, expect, it } from 'vitest';
import { adamDefaults, createAdam } from '../../model/train/optimizer.ts';
import { learningRate, type Schedule } from '../../model/train/schedule.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, type Packed, unpack } from './fixtures.ts';

interface AdamCase {
  weight_decay: number;
  clip_norm: number;
  start: Packed[];
  gradients: Packed[][];
  learning_rates: number[];
  end: Packed[];
}

const tensorOf = (packed: Packed) => tf.tensor(unpack(packed), packed.shape, 'float32');

describe.each(['cpu', 'onnx'] as const)('Adam on backend %s', (backend) => {
  it.each(fixture<{ cases: AdamCase[] }>('adam.json').cases)(
    "ten steps with weight decay $weight_decay and clip norm $clip_norm are PyTorch's AdamW",
    async ({ weight_decay, clip_norm, start, gradients, learning_rates, end }) => {
      await useBackend({ backend });
      const variables = new Map(start.map((packed, i) => [`p${i}`, tf.variable(tensorOf(packed))]));
      const adam = createAdam(variables, { ...adamDefaults, weight_decay, clip_norm });
      gradients.forEach((step, k) => {
        const named = new Map(step.map((packed, i) => [`p${i}`, tensorOf(packed)]));
        adam.apply(named, learning_rates[k] as number, k + 1);
        tf.dispose([...named.values()]);
      });
      for (const [i, packed] of end.entries()) {
        expectClose(await (variables.get(`p${i}`) as tf.Variable).data(), unpack(packed), 1e-6, `parameter ${i}`);
      }
      adam.dispose();
      tf.dispose([...variables.values()]);
    },
  );
});

describe.each(['cpu', 'onnx'] as const)('variables on backend %s', (backend) => {
  it('whose gradient is one and the same are all updated', async () => {
    await useBackend({ backend });
    const start = [0.5, -1, 2];
    const variables = new Map(['a', 'b', 'c'].map((name) => [name, tf.variable(tf.tensor1d(start))]));
    const adam = createAdam(variables, adamDefaults);
    const weights = tf.tensor1d([1, 2, 3]);
    const { grads } = tf.variableGrads(() => {
      const sum = tf.addN([...variables.values()]);
      return tf.sum<tf.Scalar>(tf.mul(sum, tf.mul(sum, weights)));
    });
    const gradients = new Map([...variables].map(([name, variable]) => [name, grads[variable.name] as tf.Tensor]));
    adam.apply(gradients, 0.1, 1);
    const after = await Promise.all([...variables.values()].map((variable) => variable.data()));
    expectClose(after[0] as Float32Array, Float32Array.from([0.4, -0.9, 1.9]), 1e-6, 'a');
    expect(after).toEqual([after[0], after[0], after[0]]);
    adam.dispose();
    tf.dispose([...variables.values(), ...gradients.values(), weights]);
  });
});

interface ScheduleCase {
  schedule: Schedule;
  steps: number;
  warmup_ratio: number;
  lr: number;
  rates: number[];
}

describe('learning rates', () => {
  it.each(fixture<{ cases: ScheduleCase[] }>('schedules.json').cases)(
    "$schedule is transformers' $schedule with warm-up",
    (c) => {
      for (const [step, rate] of c.rates.entries()) expect(learningRate(c, step, c.steps)).toBeCloseTo(rate, 12);
    },
  );

  it('an unknown schedule is refused by name', () => {
    const settings = { schedule: 'step' as Schedule, lr: 1, warmup_ratio: 0 };
    expect(() => learningRate(settings, 0, 10)).toThrow(
      "schedule 'step' is unknown, expected one of constant, linear, cosine",
    );
  });
});
