import { describe, expect, test } from 'vitest';
import type { ResultEnvironment } from '../../contract/result.ts';
import { compareSides } from '../../report/diff/diff.ts';
import type { DiffSide } from '../../report/diff/side.ts';
import { planOf, runOf } from './diff-sides.ts';

async function side(
  label: string,
  value: number,
  environments: readonly ResultEnvironment[] | null,
): Promise<DiffSide> {
  const made = runOf(label, await planOf({}), () => value);
  return { ...made, result: made.result && { ...made.result, environments } };
}

const made = (node: string, machine: Record<string, string>, units = 1) => ({ versions: { node }, machine, units });
const here = made('20.19.0', { processor: 'A' });

describe('what two runs were computed with', () => {
  test('is told where numbers moved and it differs', async () => {
    const there = made('20.20.2', { processor: 'B', gpu: 'NVIDIA H200' });
    const { remarks } = compareSides(await side('a', 2, [here]), await side('b', 3, [there, here]));
    expect(remarks).toEqual([
      'computed with something else: node 20.19.0 → 20.19.0 and 20.20.2, processor A → A and B, gpu none → NVIDIA H200 and none',
    ]);
  });

  test('is no matter where no number moved, where it is the same, and where one side did not keep it', async () => {
    const there = made('20.20.2', {});
    expect(compareSides(await side('a', 2, [here]), await side('b', 2, [there])).remarks).toEqual([]);
    expect(
      compareSides(await side('a', 2, [here]), await side('b', 3, [made('20.19.0', { processor: 'A' }, 9)])).remarks,
    ).toEqual([]);
    expect(compareSides(await side('a', 2, null), await side('b', 3, [there])).remarks).toEqual([]);
  });
});
