// All that the page can be asked for, from a project's store and results.

import { statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { checkLabels, keepLabels, loadLabels } from '../../store/runs/run-labels.ts';
import { runFolder } from '../../store/runs/runs.ts';
import type { Store } from '../../store/store.ts';
import type { Facts, LabelChange } from '../../ui/facts.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { projectFolder } from '../common/project.ts';
import { shortPath } from '../common/spec-name.ts';
import { curvesOf } from './curves.ts';
import { graphOf, logOfKey } from './graph.ts';
import { layersOf } from './layers.ts';
import { readName } from './names.ts';
import { diffOf, resultNames, shownResult } from './results.ts';
import { RunIndex } from './run-index.ts';
import { runPage } from './run-list.ts';
import { usageOf } from './usage.ts';
import { whyOf } from './why.ts';

/** `store` is open to read, and stays so until the facts are closed; `place` is how the command line named it. */
export function factsOf(store: Store, place: string, context: Context): Facts {
  const { folder } = store;
  const index = new RunIndex(folder);
  return {
    project: basename(resolve(projectFolder())),
    store: shortPath(folder),
    runs: async (query) => runPage(await index.look(), query),
    results: async () => resultNames(folder),
    result: async (name) => shownResult(place, name),
    diff: (before, after) => diffOf(folder, before, after, context),
    graph: async (name) => graphOf(folder, name),
    log: async (key) => logOfKey(folder, key),
    curves: (names) => curvesOf(store, names),
    layers: (name) => layersOf(store, name),
    usage: (query) => usageOf(folder, query),
    why: (name, subject) => whyOf(place, name, subject, context),
    label: async (name, change) => {
      relabel(folder, name, change);
      index.refresh(true);
    },
    stamp: (names) => (names.length === 0 ? index.stamp() : names.map((name) => stampOf(folder, name)).join(' ')),
    close: () => index.close(),
  };
}

/** What changes in a run changes the time of its folder. */
function stampOf(store: string, text: string): string {
  try {
    const named = readName(store, text);
    if (named.kind === 'outcome') return '';
    const folder = runFolder(store, named.experiment, named.run);
    return String(statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 'gone');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return 'gone';
  }
}

function relabel(store: string, text: string, { tags, note }: LabelChange): void {
  const named = readName(store, text);
  if (named.kind === 'outcome') throw new UserError('only runs have tags and notes, and this is a kept outcome');
  const { experiment, run } = named;
  const before = loadLabels(store, experiment, run);
  keepLabels(store, experiment, run, checkLabels({ ...before, tags: tags ?? before.tags, note: note ?? before.note }));
}
