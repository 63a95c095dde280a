// Two sides that were found, compared: with the numbers that the store has where they are specs.
import { compareSides, type Diff } from '../../report/diff/diff.ts';
import type { DiffSide } from '../../report/diff/side.ts';
import type { Context } from '../common/context.ts';
import { knownResult, type Numbers } from './results.ts';
import type { FoundSide } from './sides.ts';

/** Numbers of specs are looked up only where the specs differ: what is the same work has the same numbers. */
export async function compare(
  [before, after]: [FoundSide, FoundSide],
  numbers: Numbers,
  context: Pick<Context, 'registry'>,
): Promise<Diff> {
  const remarks = [...before.remarks, ...after.remarks];
  if (before.plan !== null && after.plan !== null) {
    const alone = compareSides(before.side, after.side, remarks);
    if (alone.spec.changes.length === 0) return alone;
  }
  const sides: DiffSide[] = [];
  for (const found of [before, after]) sides.push(await withNumbers(found, numbers, context, remarks));
  return compareSides(sides[0] as DiffSide, sides[1] as DiffSide, remarks);
}

async function withNumbers(
  { side, plan }: FoundSide,
  numbers: Numbers,
  context: Pick<Context, 'registry'>,
  remarks: string[],
): Promise<DiffSide> {
  if (plan === null) return side;
  const result = await knownResult(plan, await context.registry(), numbers);
  if (typeof result !== 'string') return { ...side, result };
  remarks.push(`${side.label}: ${result}, so numbers and claims are not compared`);
  return side;
}
