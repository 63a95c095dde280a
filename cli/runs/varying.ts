// In which parameters the runs of one experiment differ, from the plans that are kept with them.
import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';

/** The values that one run has for a parameter, as JSON texts; `flag`: the command line gave them. */
export interface Values {
  texts: ReadonlySet<string>;
  flag: boolean;
}

/** What a run has where others have something else: `{ 'tuned.lr': ['1e-5'] }`, values as JSON texts. */
export type Differing = ReadonlyMap<string, Values>;

/**
 * By run, the parameters in which runs differ: those where two runs have values that the other has not. A run of fewer cells has fewer
 * values, which makes no difference; so has a stage that one of them lacks.
 */
export function varyingParams(plans: ReadonlyMap<string, PlanSnapshot>): Map<string, Differing> {
  const all = new Map([...plans].map(([run, plan]) => [run, valuesOf(plan)]));
  const varying = varyingNames([...all.values()]);
  const found = [...all].map(([run, values]) => {
    const own = varying.flatMap((name) => {
      const value = values.get(name);
      return value === undefined ? [] : [[name, value] as const];
    });
    return [run, new Map(own)] as const;
  });
  return new Map(found);
}

/** The parameters in which runs differ, of which these are the values. */
export function varyingNames(all: readonly Differing[]): string[] {
  const names = new Set(all.flatMap((values) => [...values.keys()]));
  return [...names].filter((name) => vary(all.flatMap((values) => values.get(name)?.texts ?? [])));
}

/** `tuned.lr=1e-5`, at most `most` of them; what the command line gave stands among the flags already. */
export function varyingText(differing: Differing | undefined, most = 3): string {
  const told = [...(differing ?? [])].filter(([, { flag }]) => !flag);
  const texts = told.slice(0, most).map(([name, values]) => `${name}=${valuesText(values)}`);
  return [...texts, ...(told.length > most ? [`+${told.length - most} more`] : [])].join(' ');
}

/** `1e-5`, `9,12`: all values of a parameter, cut where they are long. */
export function valuesText({ texts }: Pick<Values, 'texts'>): string {
  return shortened([...texts].join(','));
}

/** Every parameter of every stage, and what computed, with all the values that they have in the nodes. */
export function valuesOf({ nodes }: PlanSnapshot): Map<string, { texts: Set<string>; flag: boolean }> {
  const found = new Map<string, { texts: Set<string>; flag: boolean }>();
  const add = (name: string, value: unknown, flag: boolean) => {
    const known = found.get(name) ?? { texts: new Set<string>(), flag: false };
    known.texts.add(JSON.stringify(value));
    known.flag ||= flag;
    found.set(name, known);
  };
  for (const { stage, params, origins, numerics, seed } of nodes) {
    for (const [name, value] of Object.entries(params)) add(`${stage}.${name}`, value, isGiven(origins, `/${name}`));
    for (const name of ['backend', 'provider', 'precision', 'threads'] as const) add(name, numerics[name], false);
    add('seed', seed, true); // --seed stands among the flags
  }
  return found;
}

function isGiven(origins: PlanSnapshot['nodes'][number]['origins'], pointer: string): boolean {
  return Object.entries(origins).some(
    ([at, { line }]) => line === 0 && (at === pointer || at.startsWith(`${pointer}/`)),
  );
}

/** True when two of the sets have each a value that the other has not. */
function vary(sets: readonly ReadonlySet<string>[]): boolean {
  const distinct = [...new Map(sets.map((set) => [[...set].sort().join('\n'), set])).values()];
  return distinct.some((a) => distinct.some((b) => lacks(a, b) && lacks(b, a)));
}

function lacks(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return [...b].some((value) => !a.has(value));
}

function shortened(text: string): string {
  const plain = text.replace(/^"([^"\\]*)"$/, '$1');
  return plain.length > 40 ? `...${plain.slice(-37)}` : plain;
}
