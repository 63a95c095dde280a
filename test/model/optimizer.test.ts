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
