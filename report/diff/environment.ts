// What two sides were computed with, where that is not the same: numbers that moved may have moved because of it.
import type { ResultEnvironment } from '../../contract/result.ts';
import type { DiffSide } from './side.ts';

/** One sentence where both sides kept it and it differs; none otherwise. */
export function environmentRemarks(before: DiffSide, after: DiffSide): string[] {
  const [old, now] = [before.result?.environments ?? [], after.result?.environments ?? []];
  if (old.length === 0 || now.length === 0) return [];
  const names = [...new Set([...old, ...now].flatMap((each) => Object.keys(partsOf(each))))];
  const changes = names.flatMap((name) => {
    const [a, b] = [valuesOf(old, name), valuesOf(now, name)];
    return a === b ? [] : [`${name} ${a} → ${b}`];
  });
  return changes.length === 0 ? [] : [`computed with something else: ${changes.join(', ')}`];
}

/** All values of a part, in one order; units that another run made may have been computed elsewhere. */
function valuesOf(environments: readonly ResultEnvironment[], name: string): string {
  const values = environments.map((each) => partsOf(each)[name] ?? 'none');
  return [...new Set(values)].sort().join(' and ');
}

function partsOf({ versions, machine }: ResultEnvironment): Readonly<Record<string, string>> {
  return { ...versions, ...machine };
}
