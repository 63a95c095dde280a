// Batches: padding, scored rows, seeded order, and few shapes.
import { describe, expect, it } from 'vitest';
import {
  batchSource,
  bucketLength,
  type Example,
  makeBatch,
  paddingFor,
  planEpoch,
} from '../../model/forward/batches.ts';

const example = (ids: number[], masked = 0): Example => ({
  ids: Int32Array.from(ids),
  labels: Int32Array.from(ids, (id, t) => (t < masked ? -100 : id)),
});
const lengths = Array.from({ length: 70 }, (_, i) => 5 + ((i * 37) % 90));
const examples = lengths.map((length, i) =>
  example(
    Array.from({ length }, () => i),
    length - 3,
  ),
);
const plan = { batch_size: 4, max_length: 128, seed: 1 };

describe('a batch', () => {
  it('scores the row before each trained token and nothing else', () => {
    const batch = makeBatch([example([1, 2, 3, 4], 2), example([5, 6], 1)], 2, 128);
    expect(batch.extent).toEqual({ batch: 2, tokens: 32 });
    expect([...batch.ids.subarray(0, 4)]).toEqual([1, 2, 3, 4]);
    expect(batch.count).toBe(3);
    expect(batch.rows?.length).toBe(16);
    expect([...(batch.rows ?? [])].slice(0, 3)).toEqual([1, 2, 32]);
    expect([...batch.labels].slice(0, 3)).toEqual([3, 4, 6]);
    expect(batch.weights.reduce((a, b) => a + b)).toBe(3);
  });

  it('without masking takes all rows and gathers none', () => {
    const batch = makeBatch([example([...Array(32).keys()])], 1, 32);
    expect(batch.rows).toBeNull();
    expect([batch.labels[0], batch.labels[30], batch.weights[30], batch.weights[31]]).toEqual([1, 31, 1, 0]);
  });

  it('lengths fall into few buckets', () => {
    const buckets = new Set(Array.from({ length: 2048 }, (_, i) => bucketLength(i + 1, 2048)));
    expect([...buckets]).toEqual([32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048]);
    expect(bucketLength(90, 92)).toBe(92);
  });

  it('of a wide model is padded little: by less than an eighth of its length, or 16 tokens', () => {
    const padding = paddingFor({ hidden_size: 576 });
    const added = (length: number) => bucketLength(length, 4096, padding) - length;
    for (let length = 1; length <= 2048; length++) expect(added(length)).toBeLessThan(Math.max(16, length / 8));
    const batch = makeBatch([example([...Array(40).keys()], 35), example([5, 6], 1)], 2, 128, padding);
    expect(batch.extent).toEqual({ batch: 2, tokens: 48 });
    expect([batch.count, batch.rows?.length]).toEqual([6, 12]);
    expect(paddingFor({ hidden_size: 96 })).toEqual({ parts: 4, least: 32, row_parts: 4 });
  });
});

describe('the order of an epoch', () => {
  it('has every example once, in an order that the seed and the epoch decide', () => {
    const order = planEpoch(examples, plan, 0);
    expect(order.flat().toSorted((a, b) => a - b)).toEqual([...examples.keys()]);
    expect(planEpoch(examples, plan, 0)).toEqual(order);
    expect(planEpoch(examples, plan, 1)).not.toEqual(order);
    expect(planEpoch(examples, { ...plan, seed: 2 }, 0)).not.toEqual(order);
  });

  it('puts like lengths together unless told not to', () => {
    const padded = (batches: number[][]) =>
      batches.reduce((sum, batch) => sum + batch.length * Math.max(...batch.map((i) => lengths[i] as number)), 0);
    expect(padded(planEpoch(examples, plan, 0))).toBeLessThan(
      0.8 * padded(planEpoch(examples, { ...plan, bucketing: false }, 0)),
    );
  });

  it('can be entered at any step', () => {
    const [walking, jumping] = [batchSource(examples, plan), batchSource(examples, plan)];
    const walked = Array.from({ length: 40 }, (_, i) => walking(i));
    expect(jumping(39)).toEqual(walked[39]);
    expect(jumping(3)).toEqual(walked[3]);
  });
});
