// Experts that no row chose are not computed with: numbers that would spoil every sum do not reach it.
import { beforeAll, describe, expect, it } from 'vitest';
import { useBackend } from '../../tensor/backend/backend.ts';
import { chosenExperts, type ExpertMatrices, throughExperts } from '../../tensor/experts.ts';
import { tf } from '../../tensor/tf.ts';

const [width, channels, experts] = [4, 3, 4];

/** Experts whose `spoilt` ones are not numbers. */
function matrices(spoilt: readonly number[]): ExpertMatrices[] {
  return Array.from({ length: experts }, (_, e) => {
    const value = spoilt.includes(e) ? Number.NaN : 0.1 * (e + 1);
    return {
      gate: tf.fill([channels, width], value),
      up: tf.fill([channels, width], value),
      down: tf.fill([width, channels], value),
    };
  });
}

/** Rows of ones through the experts that the scores choose: one number of each row, for its columns are equal. */
function through(scores: number[][], active: number, spoilt: readonly number[]): number[] {
  return tf.tidy(() => {
    const x = tf.ones([scores.length, width]);
    const y = throughExperts(x, chosenExperts(tf.tensor2d(scores), active), matrices(spoilt));
    const values = y.arraySync();
    for (const row of values) expect(new Set(row.map(String)).size).toBe(1);
    return values.map(([value]) => value as number);
  });
}

/** By hand: gate = up = 4 v, so each of 3 channels has silu(4 v) 4 v, and down sums v times these. */
function alone(e: number): number {
  const gate = 4 * 0.1 * (e + 1);
  return (3 * 0.1 * (e + 1) * (gate * gate)) / (1 + Math.exp(-gate));
}

describe('experts on processors', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  it('are multiplied with the rows alone that chose them', () => {
    const scores = [
      [4, 3, 2, 1],
      [3, 4, 1, 2],
      [9, 8, 0, 0],
    ];
    for (const value of through(scores, 2, [2, 3])) expect(value).toBeCloseTo(alone(0) + alone(1), 5);
    const [first, second] = through(scores, 1, [0]) as [number, number];
    expect(first).toBeNaN();
    expect(second).toBeCloseTo(alone(1), 5);
  });

  it('take a single row, as a decoding step has it, and rows that all choose one', () => {
    expect(through([[0, 0, 5, 1]], 2, [0, 1])[0]).toBeCloseTo(alone(2) + alone(3), 5);
    const all = through(
      Array.from({ length: 40 }, () => [0, 7, 0, 0]),
      1,
      [0, 2, 3],
    );
    for (const value of all) expect(value).toBeCloseTo(alone(1), 5);
  });

  it('of equal scores the first are chosen', () => {
    expect(tf.tidy(() => chosenExperts(tf.zeros([1, 4]), 2).arraySync())).toEqual([[1, 1, 0, 0]]);
  });
});
