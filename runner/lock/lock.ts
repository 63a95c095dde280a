// What a spec's numbers were made of, as a file for git: every input, revision, parameter, piece of code and record.
import type { Plan } from '../../contract/plan.ts';
import type { CellResult } from '../../contract/result.ts';
import type { JsonObject } from '../../contract/stage.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import type { KeyPreimage } from '../../store/key.ts';
import type { Observed } from '../../store/record.ts';
import { canonicalJson } from '../../util/json.ts';
import { type NodeOutcome, type RunOutcome, succeeded, type UnitSuccess } from '../run/outcome.ts';
import { valueAt } from '../survey/preimage.ts';

/** The file `<spec>.lock`. */
export interface Lock {
  format: 'lamina-lock';
  version: 1;
  experiment: string;
  /** One for each profile and set of flags that was locked. */
  plans: readonly LockedPlan[];
}

export interface LockedPlan {
  profile: string;
  /** `--set rank=8`, in order of the alphabet. */
  flags: readonly string[];
  /** What the records were made with: observed, and held against nothing. */
  environments: readonly Observed[];
  sources: readonly LockedSource[];
  cells: readonly LockedCell[];
  /** Distinct sets of parameters, which units share. */
  params: readonly JsonObject[];
  units: readonly LockedUnit[];
}

/** A file, folder or `hf://` name that stages read. */
export interface LockedSource extends SourceRef {
  /** As a spec means it: a path as seen from the project's folder, or a name on the hub. */
  name: string;
}

export interface LockedCell extends Pick<CellResult, 'metric' | 'value' | 'key' | 'digest'> {
  cell: string;
}

export interface LockedUnit {
  /** The stage's name in the pipeline, its cell and its unit, for people. */
  stage: string;
  cell: string;
  unit: string;
  key: string;
  /** What the key is taken over. */
  made_from: Omit<KeyPreimage, 'params'> & { params: number };
  /** Digests of what was made. */
  outputs: Readonly<Record<string, string>>;
}

/** The entry of a lock for a plan whose run was answered by the store; `pathName` says how paths are written. */
export function lockedPlanOf(
  plan: Plan,
  outcome: RunOutcome,
  cells: readonly CellResult[],
  pathName: (path: string) => string,
): LockedPlan {
  const params = new Distinct<JsonObject>();
  const environments = new Distinct<Observed>();
  const sources = new Map<string, LockedSource>();
  const units = new Map<string, LockedUnit>();
  for (const node of plan.nodes) {
    const made = outcome.nodes.get(node.id);
    for (const unit of made?.units.filter(succeeded) ?? []) {
      for (const [pointer, source] of Object.entries(unit.preimage.sources)) {
        const value = valueAt(node.params, pointer);
        if (typeof value === 'string') sources.set(value, { name: pathName(value), ...source });
      }
      if (units.has(unit.key)) continue;
      environments.add(unit.observed);
      units.set(unit.key, lockedUnit(made as NodeOutcome, unit, params.add(unit.preimage.params)));
    }
  }
  return {
    profile: plan.profile,
    flags: flagsOf(plan),
    environments: environments.all,
    sources: [...sources.values()].sort((a, b) => (a.name < b.name ? -1 : 1)),
    cells: cells.map(({ name, metric, value, key, digest }) => ({ cell: name, metric, value, key, digest })),
    params: params.all,
    units: [...units.values()],
  };
}

/** The flags of a plan, whose order is no matter. */
export function flagsOf({ overrides, copies }: Pick<Plan, 'overrides' | 'copies'>): string[] {
  return [...overrides, ...copies].sort();
}

/** The pre-image of a locked unit. */
export function preimageOfLocked({ made_from }: LockedUnit, { params }: LockedPlan): KeyPreimage {
  return { ...made_from, params: params[made_from.params] ?? {} };
}

/** The lock with this entry in the place of the one for the same profile and flags. */
export function withPlan(lock: Lock | undefined, experiment: string, plan: LockedPlan): Lock {
  const others = (lock?.plans ?? []).filter((each) => !isSame(each, plan));
  const plans = [...others, plan].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return { format: 'lamina-lock', version: 1, experiment, plans };
}

function isSame(a: LockedPlan, b: LockedPlan): boolean {
  return nameOf(a) === nameOf(b);
}

function nameOf({ profile, flags }: LockedPlan): string {
  return canonicalJson([profile, ...flags]);
}

function lockedUnit({ stage, cell }: NodeOutcome, made: UnitSuccess, params: number): LockedUnit {
  const { params: _params, ...rest } = made.preimage;
  const outputs = Object.entries(made.outputs).map(([name, { digest }]) => [name, digest] as const);
  const named = { stage, cell, unit: made.unit, key: made.key };
  return { ...named, made_from: { ...rest, params }, outputs: Object.fromEntries(outputs) };
}

/** Values by their canonical JSON, each once. */
class Distinct<T extends object> {
  readonly all: T[] = [];
  readonly #indexes = new Map<string, number>();

  add(value: T): number {
    const name = canonicalJson(value as unknown as JsonObject);
    const index = this.#indexes.get(name) ?? this.all.push(value) - 1;
    this.#indexes.set(name, index);
    return index;
  }
}
