import { describe, expect, test } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { groupWarnings, sentence, warningText } from '../../spec/plan/warnings.ts';
import { node, plan } from '../runner/toy-plan.ts';

const metric = (id: string) => ({ node: id, output: 'out', field: 'x' });
const cell = (name: string, of: string, beside: Plan['cells'][number]['beside'] = {}) => {
  return { axes: {}, name, metric: metric(of), paper: null, beside, expected: null };
};

/** base -> warm[type=a], warm[type=b] -> ppl of each; two cells by a, one by b, one by base alone, with a count of warm beside it. */
const four: Plan = {
  ...plan(
    node('base', 'value'),
    node('warm[type=a]', 'add', {}, { a: 'base' }),
    node('warm[type=b]', 'add', {}, { a: 'base' }),
    node('ppl[type=a]', 'add', {}, { a: 'warm[type=a]' }),
    node('ppl[type=b]', 'add', {}, { a: 'warm[type=b]' }),
    node('ratio', 'add', {}, { a: 'warm[type=b]' }),
  ),
  cells: [
    cell('1', 'ppl[type=a]'),
    cell('2', 'ppl[type=a]'),
    cell('3', 'ppl[type=b]'),
    cell('4', 'base', { s: metric('ratio') }),
  ],
};

describe('warnings', () => {
  test('are one for each sentence, in plan order, with the stages that say it and the cells that rest on what they say it of', () => {
    const said = [
      { node: 'ppl[type=b]', message: 'late' },
      { node: 'warm[type=b]', message: 'wide' },
      { node: 'warm[type=a]', message: 'wide' },
      { node: 'warm[type=a]', message: 'of one' },
      { node: 'base', message: 'wide' },
    ];
    expect(groupWarnings(four, said)).toEqual([
      { stage: 'base', also: ['warm'], message: 'wide', cells: 4 },
      { stage: 'warm', message: 'of one', cells: 2 },
      { stage: 'ppl', message: 'late', cells: 1 },
    ]);
  });

  test('name the stage and the share of the cells', () => {
    const warning = { stage: 'warm', message: 'wide', cells: 3 };
    expect(warningText(warning, 4)).toBe("stage 'warm' (3 of 4 cells): wide");
    expect(warningText(warning, 3)).toBe("stage 'warm' (3 cells): wide");
    expect(warningText({ ...warning, cells: 1 }, 1)).toBe("stage 'warm' (1 cell): wide");
    expect(warningText(warning, 0)).toBe("stage 'warm': wide");
    const said = (...also: string[]) => warningText({ ...warning, also }, 4);
    expect(said('tuned')).toBe("stages 'warm' and 'tuned' (3 of 4 cells): wide");
    expect(said('a', 'b', 'c')).toBe("stages 'warm', 'a', 'b' and 'c' (3 of 4 cells): wide");
    expect(said('a', 'b', 'c', 'd')).toBe("stages 'warm', 'a', 'b' and 2 more (3 of 4 cells): wide");
  });

  test('of which two stages speak of the same cells count each cell once', () => {
    const said = [
      { node: 'ppl[type=a]', message: 'cut' },
      { node: 'warm[type=a]', message: 'cut' },
      { node: 'ppl[type=b]', message: 'cut' },
    ];
    expect(groupWarnings(four, said)).toEqual([{ stage: 'warm', also: ['ppl'], message: 'cut', cells: 3 }]);
  });

  test('are one line that a terminal can be given', () => {
    expect(sentence(' a\n\tb \u001b[31mc\u202e ')).toBe('a b \\x1b[31mc\\u202e');
    expect(sentence('x'.repeat(5000))).toHaveLength(1003);
  });
});
