// `extends`: an experiment laid over a fragment, the profiles and values that several experiments have in common.
import type { Problems } from '../../located/diagnostic.ts';
import { checkShape } from '../../located/file-shape.ts';
import type { Located, LocatedEntry, LocatedMap } from '../../located/located.ts';
import { entriesAt } from '../../located/located.ts';
import type { SpecFiles } from '../../located/source-file.ts';
import { parseYaml } from '../../located/yaml-source.ts';
import { fragmentFile } from '../../schemas/experiment.ts';

/** What a fragment may give, laid under what the experiment itself says. */
const inherited = ['params', 'with', 'profiles'] as const;

/** `tree` over the fragment that its `extends` names; undefined when there is one that cannot be read (reported). */
export async function extended(tree: Located, files: SpecFiles, problems: Problems): Promise<Located | undefined> {
  const entry = entriesAt(tree, []).get('extends');
  if (tree.kind !== 'map' || entry === undefined) return tree;
  const { value } = entry;
  if (value.kind !== 'scalar' || typeof value.value !== 'string') return tree; // the file's shape is checked later
  const path = files.locate(value.value, value.span.source.folder, value.span, 'the fragment', 'fragment');
  const source = path === undefined ? undefined : await files.read(path, value.span, 'the fragment', 'fragment');
  const fragment = source === undefined ? undefined : parseYaml(source, problems);
  if (fragment === undefined || checkFragment(fragment, problems) === undefined) return undefined;
  return withEntries(tree, (own) => {
    for (const key of inherited) {
      const below = entriesAt(fragment, []).get(key);
      if (below !== undefined) own.set(key, overlaid(below, own.get(key)));
    }
  });
}

/** Reports what is wrong with the shape of a fragment; undefined when nothing of it can be used. */
export function checkFragment(tree: Located, problems: Problems): Located | undefined {
  return checkShape(fragmentFile, tree, problems)?.tree;
}

/** `above` over `below`: mappings by key, all else replaced. */
function overlaid(below: LocatedEntry, above: LocatedEntry | undefined): LocatedEntry {
  if (above === undefined) return below;
  const [under, over] = [below.value, above.value];
  if (under.kind !== 'map' || over.kind !== 'map') return above;
  const value = withEntries(over, (entries) => {
    for (const [key, entry] of under.entries) entries.set(key, overlaid(entry, over.entries.get(key)));
  });
  return { key: above.key, value };
}

function withEntries(map: LocatedMap, change: (entries: Map<string, LocatedEntry>) => void): LocatedMap {
  const entries = new Map(map.entries);
  change(entries);
  return { ...map, entries };
}
