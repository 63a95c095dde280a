// Parameters of a profile that say where its models and data lie: a copy of one's own may stand for them.
import type { Problems } from '../../located/diagnostic.ts';
import { find } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import type { Experiment } from './experiment.ts';
import type { SetFlag } from './flags.ts';

/** The paths that `copies` of the profile lists, `name` or `name.key`; reports those that are of no parameter. */
export function readCopies(
  { tree }: Experiment,
  profile: string,
  params: ReadonlySet<string>,
  problems: Problems,
): Set<string> {
  const list = find(tree, ['profiles', profile, 'copies']);
  const names = new Set<string>();
  for (const item of list?.kind === 'list' ? list.items : []) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string') continue; // reported with the file's shape
    const name = item.value;
    const [param = ''] = name.split('.');
    if (params.has(param)) names.add(name);
    else {
      const hint = expectedNames(param, [...params], 'there are none');
      problems.add(item.span, `profile '${profile}': 'copies' names '${name}', which is no parameter${hint}`);
    }
  }
  return names;
}

/** True for a flag that gives one value to one of these paths, or to a part of it; several values are an axis. */
export function isCopy({ path, values }: SetFlag, places: ReadonlySet<string>): boolean {
  return values.length === 1 && [...places].some((place) => path === place || path.startsWith(`${place}.`));
}
