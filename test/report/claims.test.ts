import { describe, expect, test } from 'vitest';
import type { PlanClaim } from '../../contract/plan.ts';
import type { CellResult } from '../../contract/result.ts';
import { evaluateClaims } from '../../report/result/claims.ts';
import { renderClaims } from '../../report/table/claims.ts';
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
      {
        holds: true,
        detail: 'Original ≤ SHARP: 2.00 ± 0.25 ≤ 3.00 ± 0.00; paired difference -1.00 ± 0.25 over 3 runs',
      },
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

test('numbers as names of cells have the name of their axis before them', () => {
  const rank = { name: 'rank', label: 'rank', values: ['4', '16'].map((name) => ({ name, label: name })) };
  const cells = ['4', '16'].flatMap((name, i) => ['0', '1'].map((seed) => cell({ rank: name, seed }, 2 - i)));
  const check = { kind: 'order', cells: [{ rank: '16' }, { rank: '4' }], strict: false, slack: 0 } as const;
  const plan = { axes: [rank, seedAxis], table: perplexityTable, claims: [claim(check)] };
  expect(evaluateClaims(plan, cells).map(({ detail }) => detail)).toEqual([
    'rank 16 ≤ rank 4 on seed 0: 1.00 ≤ 2.00',
    'rank 16 ≤ rank 4 on seed 1: 1.00 ≤ 2.00',
  ]);
});

test('a ratio of nothing to nothing is undecided', () => {
  const cells = [cell({ method: 'original' }, 0), cell({ method: 'sharp' }, 0)];
  const check: PlanClaim['check'] = {
    ...{ kind: 'ratio', of: { method: 'sharp' }, to: { method: 'original' } },
    ...{ at_least: null, at_most: 0.95 },
  } as const;
  expect(evaluate(claim(check), cells)).toEqual([
    { holds: null, detail: 'SHARP / Original: both are 0, there is no ratio' },
  ]);
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
    ✗ d2
    ✓ d0
    ✓ d1
  ? e: d3
`);
  expect(renderClaims([])).toBe('');
});

test('what does not hold comes first, in all else the order is that of the spec', () => {
  const claims = [
    { claim: 'a', holds: true, detail: 'd' },
    { claim: 'b', holds: null, detail: 'd' },
    { claim: 'c', holds: true, detail: 'd1' },
    { claim: 'c', holds: false, detail: 'd2' },
  ];
  expect(renderClaims(claims).split('\n').slice(1)).toEqual([
    '  c',
    '    ✗ d2',
    '    ✓ d1',
    '  ✓ a: d',
    '  ? b: d',
    '',
  ]);
});

test('under --set none is decided, and the numbers are told all the same; --seed decides nothing else', () => {
  const one = claim(order('original', 'sharp'));
  const plan = { axes: [methodAxis, dataAxis, seedAxis], table: perplexityTable, claims: [one] };
  const [first] = evaluateClaims({ ...plan, overrides: ['--set rank=9', '--only data=dialogsum'] }, table2Cells);
  expect(first).toEqual({
    claim: 'a claim',
    holds: null,
    detail: expect.stringMatching(/: 1\.52 ≤ 2\.02 .*\(not decided, since --set rank=9 is off the spec's grid\)$/),
  });
  expect(evaluateClaims({ ...plan, overrides: ['--seed 3'] }, table2Cells)[0]?.holds).toBe(true);
});

test('in a long list only what does not hold is told', () => {
  const claims = Array.from({ length: 20 }, (_, i) => ({ claim: `c${i}`, holds: i > 0, detail: 'd' }));
  expect(renderClaims(claims)).toBe('claims  19 hold · 1 does not\n  ✗ c0: d\n');
});

describe('the noise of a comparison', () => {
  const runs = (method: string, values: readonly number[]) =>
    values.map((value, seed) => cell({ method, seed: `${seed}` }, value));
  const seeds = (a: readonly number[], b: readonly number[]) => [...runs('original', a), ...runs('sharp', b)];
  const said = (check: PlanClaim['check'], cells: readonly CellResult[], mean_over = ['seed']) => {
    const plan = { axes: [methodAxis, seedAxis], table: { ...perplexityTable, mean_over }, claims: [claim(check)] };
    return evaluateClaims(plan, cells).map(({ holds, detail, within_noise }) => ({ holds, detail, within_noise }));
  };

  test('is that of the differences seed by seed: runs that move together are told apart', () => {
    // differences 0.1, 0.12, 0.08: mean 0.1, standard deviation 0.02, 4.303 * 0.02 / sqrt(3) = 0.0497
    expect(said(order('original', 'sharp'), seeds([2, 3, 4], [2.1, 3.12, 4.08]))).toEqual([
      {
        holds: true,
        detail: 'Original ≤ SHARP: 3.00 ± 2.48 ≤ 3.10 ± 2.46; paired difference -0.100 ± 0.050 over 3 runs',
        within_noise: undefined,
      },
    ]);
  });

  test('keeps the verdict on the means and adds that it might be chance', () => {
    // differences 0.3, -0.1, -0.05: mean 0.05, standard deviation 0.2179, 4.303 * 0.2179 / sqrt(3) = 0.541
    const [verdict] = said(order('original', 'sharp'), seeds([2.3, 1.9, 1.95], [2, 2, 2]));
    expect(verdict).toEqual({
      holds: false,
      detail: 'Original ≤ SHARP: 2.05 ± 0.54 > 2.00 ± 0.00; paired difference 0.05 ± 0.54 over 3 runs (within noise)',
      within_noise: true,
    });
  });

  test('compares a number without runs with each run', () => {
    const cells = [cell({ method: 'original' }, 2), ...runs('sharp', [2.1, 2.3, 2.2])];
    // 0.1 standard deviation: 4.303 * 0.1 / sqrt(3) = 0.248
    expect(said(order('original', 'sharp'), cells)[0]?.detail).toContain(
      '; paired difference -0.20 ± 0.25 over 3 runs (within noise)',
    );
  });

  test('names the pair of a longer order', () => {
    const cells = [...seeds([1, 1.1, 0.9], [2, 2.1, 1.9]), ...runs('sharp_slw', [2.2, 1.9, 2.1])];
    // -1, -1, -1 and -0.2, 0.2, -0.2: mean -0.0667, standard deviation 0.2309, half 0.574
    expect(said(order('original', 'sharp', 'sharp_slw'), cells)[0]?.detail).toMatch(
      /; paired differences -1\.0 ± 0\.0, -0\.07 ± 0\.57 over 3 runs \(within noise: SHARP ≤ SHARP w\/o f\.t\.\)$/,
    );
  });

  test('of a ratio is held against its bounds', () => {
    const ratio = (at_least: number): PlanClaim['check'] => {
      return { kind: 'ratio', of: { method: 'original' }, to: { method: 'sharp' }, at_least, at_most: null };
    };
    const cells = seeds([2, 2.2, 2.1], [1, 1, 1]);
    // ratios 2, 2.2, 2.1: mean 2.1, half 0.248
    expect(said(ratio(1.5), cells)).toEqual([
      {
        holds: true,
        detail: 'Original / SHARP: 2.10 ≥ 1.50; paired ratio 2.10 ± 0.25 over 3 runs',
        within_noise: undefined,
      },
    ]);
    expect(said(ratio(2), cells)[0]?.within_noise).toBe(true);
  });

  test('of single evaluations is that of their standard errors', () => {
    const evaluated = (method: string, value: number, stderr: number) => ({ ...cell({ method }, value), stderr });
    // 1.96 * sqrt(0.03^2 + 0.04^2) = 0.098
    const far = [evaluated('original', 2, 0.03), evaluated('sharp', 2.1, 0.04)];
    expect(said(order('original', 'sharp'), far)).toEqual([
      { holds: true, detail: 'Original ≤ SHARP: 2.00 ≤ 2.10', within_noise: undefined },
    ]);
    const near = [evaluated('original', 2.09, 0.03), evaluated('sharp', 2, 0.04)];
    expect(said(order('original', 'sharp'), near)).toEqual([
      { holds: false, detail: 'Original ≤ SHARP: 2.09 > 2.00 (within noise)', within_noise: true },
    ]);
  });
});
