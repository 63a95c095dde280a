// The differences of two specs, each said once with the cells that it concerns.
import type { Origin } from '../../contract/plan.ts';
import type { Values } from './side.ts';

/** What kinds of differences there are, in the order in which they are shown. */
export const changeKinds = [
  'param',
  'wiring',
  'stage',
  'axis',
  'cells',
  'metric',
  'table',
  'paper',
  'claim',
  'source',
  'seed',
  'numerics',
  'profile',
  'flags',
  'experiment',
] as const;

/**
 * - `param`: a stage's parameter. `wiring`: which stage an input comes from. `source`: the bytes that a path names.
 * - `stage`: a stage that is new or gone, that uses another definition, or whose definition has another version.
 * - `axis`, `cells`: what varies. `metric`: what cells measure. `table`, `paper`, `claim`: what is made of the numbers.
 * - `seed`, `numerics`, `profile`, `flags`, `experiment`: what whole sides have.
 */
export type ChangeKind = (typeof changeKinds)[number];

export interface SpecChange {
  kind: ChangeKind;
  /** The stages of the pipeline that it is about; empty for what is no stage's. */
  stages: readonly string[];
  /** What differs: `lr`, `recovery` (an input), `rank` (an axis), `backend`. */
  name: string;
  before: Values;
  after: Values;
  /** Where the values were written; null for defaults. */
  origin_before: Origin | null;
  origin_after: Origin | null;
  /** Names of the cells (of `after`, where both sides have them) that it concerns. */
  cells: readonly string[];
}

/** One difference where it was found, before equal ones are put together. */
export type Found = Omit<SpecChange, 'stages' | 'cells'> & { stage: string };

/** Differences that read the same, from all the places where they were found. */
export interface Group {
  found: Found;
  stages: Set<string>;
  cells: Set<string>;
}

/** Puts equal differences together. */
export class ChangeGroups {
  readonly #groups = new Map<string, Group>();

  /** The group of a difference. */
  of(found: Found): Group {
    const { kind, name, before, after, origin_before, origin_after } = found;
    const identity = [kind, name, before, after, placeText(origin_before), placeText(origin_after)];
    const key = JSON.stringify([...identity, kind === 'stage' ? found.stage : '']);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { found, stages: new Set(), cells: new Set() };
      this.#groups.set(key, group);
    }
    if (found.stage !== '') group.stages.add(found.stage);
    return group;
  }

  /** All differences, in the order of their kinds and, within one kind, in that in which they were found. */
  list(): SpecChange[] {
    const changes = [...this.#groups.values()].map(({ found: { stage: _stage, ...found }, stages, cells }) => {
      return { ...found, stages: [...stages], cells: [...cells] };
    });
    return changes.sort((a, b) => changeKinds.indexOf(a.kind) - changeKinds.indexOf(b.kind));
  }
}

/** A difference without a stage and a place. */
export function plainChange(kind: ChangeKind, name: string, before: Values, after: Values, stage = ''): Found {
  return { kind, name, before, after, origin_before: null, origin_after: null, stage };
}

function placeText(origin: Origin | null): string {
  return origin === null ? '' : `${origin.file}:${origin.line}:${origin.column}`;
}
