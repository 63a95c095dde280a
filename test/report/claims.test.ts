import { describe, expect, test } from 'vitest';
import { evaluateClaims } from '../../report/claims.ts';
import { renderClaims } from '../../report/render-claims.ts';
import type { PlanClaim } from '../../spec/plan.ts';
import type { CellResult } from '../../spec/result.ts';
import { cell, dataAxis, methodAxis, perplexityTable, seedAxis, table2Cells } from './results.ts';

const origin = { file: 'table-2.yaml', line: 1, column: 1 };

function claim(check: PlanClaim['check'], where: PlanClaim['where'] = {}): PlanClaim {
  return { text: 'a claim', where, check, origin };
}

function evaluate(one: PlanClaim, cells: readonly CellResult[] = table2Cells, mean_over: string[] = []) {
  const plan = { axes: [methodAxis, dataAxis, seedAxis], table: { ...perplexityTable, mean_over }, claims: [one] };
  return evaluateClaims(plan, cells).map(({ holds, detail }) => ({ holds, detail }));
}

const order = (...methods: string[]): PlanClaim['check'] => ({
  kind: 'order',
  cells: methods.map((method) => ({ method })),
  strict: false,
  slack: 0,
});

describe('an order', () => {
  test('is decided once per value of the open axes, and names the first wrong pair with the paper beside it', () => {
    expect(evaluate(claim(order('original', 'sharp', 'sharp_slw')))).toEqual([
      {
        holds: true,
        detail: 'Original ≤ SHARP ≤ SHARP w/o f.t. on Arxiv-math: 1.52 ≤ 2.02 ≤ 2.51 (paper: 3.0 < 3.2 < 4.8)',
      },
      { holds: false, detail: 'SHARP ≤ SHARP w/o f.t. on DialogSum: 2.71 > 2.60 (paper: 3.8 < 5.3)' },
    ]);
  });

  test('only speaks of the cells that `where` allows', () => {
    expect(evaluate(claim(order('original', 'sharp'), { data: ['dialogsum'] })).map(({ holds }) => holds)).toEqual([
      true,
    ]);
  });

  test('of equal numbers holds unless it is strict', () => {
    const cells = [cell({ method: 'original' }, 2), cell({ method: 'sharp' }, 2)];
    expect(evaluate(claim(order('original', 'sharp')), cells)).toEqual([
      { holds: true, detail: 'Original ≤ SHARP: 2.00 ≤ 2.00' },
    ]);
    const strict = { ...order('original', 'sharp'), strict: true } as PlanClaim['check'];
    expect(evaluate(claim(strict), cells)).toEqual([{ holds: false, detail: 'Original < SHARP: 2.00 ≥ 2.00' }]);
  });

  test('may be missed by the slack', () => {
    const check = { ...order('sharp', 'sharp_slw'), slack: 0.2 } as PlanClaim['check'];
    expect(evaluate(claim(check))[1]).toEqual({
      holds: true,
      detail: 'SHARP ≤ SHARP w/o f.t. on DialogSum: 2.71 ≤ 2.60 + 0.2 (paper: 3.8 < 5.3)',
    });
  });

  test('is undecided when a cell has no value, and when its cells are left out', () => {
    const cells = [cell({ method: 'original' }, 2), cell({ method: 'sharp' }, null)];
    expect(evaluate(claim(order('original', 'sharp')), cells)).toEqual([{ holds: null, detail: 'no value for SHARP' }]);
    expect(evaluate(claim(order('original', 'sharp_slw')), cells)).toEqual([
      { holds: null, detail: 'its cells are not part of this run' },
    ]);
  });

  test('compares means over seeds, with their intervals', () => {
    const runs = (method: string, values: number[]) =>
      values.map((value, seed) => cell({ method, seed: `${seed}` }, value));
    const cells = [...runs('original', [1.9, 2, 2.1]), ...runs('sharp', [3, 3, 3])];
    expect(evaluate(claim(order('original', 'sharp')), cells, ['seed'])).toEqual([
      { holds: true, detail: 'Original ≤ SHARP: 2.00 ± 0.25 ≤ 3.00 ± 0.00' },
    ]);
  });

  test('an axis that only one side names must not hide several different numbers', () => {
    const check: PlanClaim['check'] = {
      kind: 'order',
      cells: [{ method: 'original' }, { method: 'sharp', data: 'dialogsum' }],
      strict: false,
      slack: 0,
    };
    expect(evaluate(claim(check))).toEqual([{ holds: null, detail: 'no value for Original (several cells)' }]);
  });
});

test('a ratio is held to its bounds', () => {
  const check: PlanClaim['check'] = {
    kind: 'ratio',
    of: { method: 'direct_sharing' },
    to: { method: 'sharp_slw' },
    at_least: 36,
    at_most: null,
  };
  expect(evaluate(claim(check))).toEqual([
    // 88.104 / 2.51 and 2171.3 / 4.8; 123456 / 2.6 and 801.7 / 5.3
    { holds: false, detail: 'Direct Sharing / SHARP w/o f.t. on Arxiv-math: 35.1 < 36.0 (paper: 452.4)' },
    { holds: true, detail: 'Direct Sharing / SHARP w/o f.t. on DialogSum: 47483 ≥ 36.0 (paper: 151.3)' },
  ]);
});

test('a tolerance is relative to the number it is held against', () => {
  const check: PlanClaim['check'] = { kind: 'tolerance', of: { method: 'sharp' }, to: 2, within: 0.05 };
  expect(evaluate(claim(check, { data: ['arxiv_math'] }))).toEqual([
    { holds: true, detail: 'SHARP within 5 % of 2.00 on Arxiv-math: 2.02 against 2.00, off by 1.00 % (paper: 3.2)' },
  ]);
});

test('the verdicts are counted, and each claim is told with its cases', () => {
  const claims = [true, true, false, null].map((holds, i) => ({ claim: i < 3 ? 'c' : 'e', holds, detail: `d${i}` }));
  expect(renderClaims(claims)).toBe(`\
claims  2 hold · 1 does not · 1 undecided
  c
    ✓ d0
    ✓ d1
    ✗ d2
  ? e: d3
`);
  expect(renderClaims([])).toBe('');
});

test('in a long list only what does not hold is told', () => {
  const claims = Array.from({ length: 20 }, (_, i) => ({ claim: `c${i}`, holds: i > 0, detail: 'd' }));
  expect(renderClaims(claims)).toBe('claims  19 hold · 1 does not\n  ✗ c0: d\n');
});
