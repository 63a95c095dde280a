// What all that a stage is made of took, from the records of its units: the metrics `STAGE.work` that every stage has.
import type { Plan } from '../../contract/plan.ts';
import type { KeyPreimage } from '../../store/key.ts';
import type { RecordAbout, RecordedWork } from '../../store/record.ts';

/** A unit as far as its work is concerned. */
export interface MadeUnit {
  readonly key: string;
  readonly preimage: Pick<KeyPreimage, 'inputs'>;
  readonly duration_ms: number;
  readonly work?: RecordedWork | undefined;
}

/** The finished units of a node, by name. */
export type UnitsOf = (node: string) => ReadonlyMap<string, MadeUnit>;

/** Answers, node by node, with its units and all that they read, directly or not, each key once; nodes are looked up once for all questions. */
export function madeBy({ nodes }: Pick<Plan, 'nodes'>, unitsOf: UnitsOf): (node: string) => MadeUnit[] {
  let inputsOf: ReadonlyMap<string, Plan['nodes'][number]['inputs']> | undefined;
  const known = new Map<string, ReadonlyMap<string, MadeUnit>>();
  const unitsIn = (node: string) => {
    const units = known.get(node) ?? unitsOf(node);
    known.set(node, units);
    return units;
  };
  return (node) => {
    inputsOf ??= new Map(nodes.map(({ id, inputs }) => [id, inputs]));
    const made = new Map<string, MadeUnit>();
    const open = [...unitsIn(node).values()].map((unit) => ({ unit, owner: node }));
    for (const { unit, owner } of open) {
      if (made.has(unit.key)) continue;
      made.set(unit.key, unit);
      for (const [name, { node: from }] of Object.entries(inputsOf.get(owner) ?? {})) {
        const units = unitsIn(from);
        for (const read of namesRead(unit.preimage.inputs[name])) {
          const found = units.get(read);
          if (found !== undefined) open.push({ unit: found, owner: from });
        }
      }
    }
    return [...made.values()];
  };
}

/** The names of the units that an input was read from. */
export function namesRead(input: KeyPreimage['inputs'][string] | undefined): string[] {
  if (input === undefined) return [];
  return 'units' in input ? Object.keys(input.units) : [''];
}

/**
 * hours: what the units took when they were made, added up, on whatever machine that was. operations: floating-point operations as their stages
 * count them for `plan`; missing where one of the records does not say.
 */
export function workMetrics(units: readonly Pick<MadeUnit, 'duration_ms' | 'work'>[]) {
  const hours = units.reduce((sum, { duration_ms }) => sum + duration_ms, 0) / 3_600_000;
  const counted = units.every(({ work }) => work !== undefined);
  const operations = units.reduce((sum, { work }) => sum + (work?.flops ?? 0), 0);
  return { hours, ...(counted && { operations }), units: units.length };
}

/** A unit by what its record says of it. */
export function madeUnit(record: {
  readonly key: string;
  readonly preimage: KeyPreimage;
  readonly about: Pick<RecordAbout, 'duration_ms' | 'work'>;
}): MadeUnit {
  const { key, preimage, about } = record;
  return { key, preimage, duration_ms: about.duration_ms, work: about.work };
}
