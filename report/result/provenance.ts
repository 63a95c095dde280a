// Gathers what a run's numbers were made of, and what each stage took, from the outcome of the run.
import type { Origin, Plan, PlanNode } from '../../contract/plan.ts';
import type {
  Provenance,
  ProvenanceNode,
  ProvenanceUnit,
  ResultEnvironment,
  StageTiming,
} from '../../contract/result.ts';
import type { JsonObject } from '../../contract/stage.ts';
import { type NodeOutcome, type RunOutcome, succeeded, type UnitSuccess } from '../../runner/run/outcome.ts';
import { canonicalJson } from '../../util/json.ts';
import { namesRead } from './work.ts';

/** What a spec file is called in what is kept of a run. */
type PathName = (file: string) => string;

/** The provenance of all that succeeded; time and size grow with the number of units. */
export function provenanceOf(plan: Plan, outcome: RunOutcome, pathName: PathName): Provenance {
  return new Collector(outcome, pathName).collect(plan);
}

class Collector {
  readonly #outcome: RunOutcome;
  readonly #pathName: PathName;
  readonly #nodes: ProvenanceNode[] = [];
  readonly #nodeIndexes = new Map<string, number>();
  readonly #units: ProvenanceUnit[] = [];
  readonly #unitIndexes = new Map<string, number>();
  readonly #params: JsonObject[] = [];
  readonly #found = new Map<string, ReadonlyMap<string, UnitSuccess>>();
  readonly #paramIndexes = new Map<string, number>();
  readonly #names = new Map<string, string>();

  constructor(outcome: RunOutcome, pathName: PathName) {
    this.#outcome = outcome;
    this.#pathName = pathName;
  }

  collect(plan: Plan): Provenance {
    for (const node of plan.nodes) {
      const units = [...this.#successes(node.id).values()].map((unit) => this.#unit(unit, node));
      this.#nodeIndexes.set(node.id, this.#nodes.length);
      this.#nodes.push(this.#node(node, units));
    }
    return { nodes: this.#nodes, params: this.#params, units: this.#units };
  }

  #successes(node: string): ReadonlyMap<string, UnitSuccess> {
    let found = this.#found.get(node);
    if (found === undefined) {
      const units = this.#outcome.nodes.get(node)?.units ?? [];
      found = new Map(units.filter(succeeded).map((unit) => [unit.unit, unit]));
      this.#found.set(node, found);
    }
    return found;
  }

  #node(node: PlanNode, units: readonly number[]): ProvenanceNode {
    const { id, stage, use, cell } = node;
    const origins: Record<string, string> = {};
    for (const [pointer, origin] of Object.entries(node.origins)) {
      if (pointer.length > 1 && pointer.lastIndexOf('/') === 0) origins[pointer.slice(1)] = this.#originText(origin);
    }
    const inputs = Object.entries(node.inputs).flatMap(([name, { node: from }]) => {
      const index = this.#nodeIndexes.get(from);
      return index === undefined ? [] : [[name, index] as const];
    });
    const named = { id, stage, use, cell, origin: this.#originText(node.origin) };
    return { ...named, origins, inputs: Object.fromEntries(inputs), units };
  }

  #unit(success: UnitSuccess, node: PlanNode): number {
    const { key, preimage, outputs } = success;
    const known = this.#unitIndexes.get(key);
    if (known !== undefined) return known;
    const inputs = Object.entries(node.inputs).map(([name, { node: from }]) => {
      return [name, this.#readUnits(preimage.inputs[name], from)] as const;
    });
    const sources = Object.entries(preimage.sources).map(([pointer, { digest }]) => [pointer.slice(1), digest]);
    const made = Object.entries(outputs).map(([name, { digest }]) => [name, digest]);
    this.#unitIndexes.set(key, this.#units.length);
    return (
      this.#units.push({
        unit: success.unit,
        key,
        version: preimage.version,
        params: this.#paramsIndex(preimage.params),
        seed: preimage.seed ?? null,
        numerics: preimage.numerics ?? null,
        sources: Object.fromEntries(sources) as Record<string, string>,
        inputs: Object.fromEntries(inputs),
        outputs: Object.fromEntries(made) as Record<string, string>,
      }) - 1
    );
  }

  /** The indexes of the units that an input was read from. */
  #readUnits(digest: UnitSuccess['preimage']['inputs'][string] | undefined, from: string): number[] {
    const made = this.#successes(from);
    return namesRead(digest).flatMap((name) => this.#unitIndexes.get(made.get(name)?.key ?? '') ?? []);
  }

  #originText({ file, line }: Origin): string {
    if (line === 0) return file;
    let name = this.#names.get(file);
    if (name === undefined) {
      name = this.#pathName(file);
      this.#names.set(file, name);
    }
    return `${name}:${line}`;
  }

  #paramsIndex(params: JsonObject): number {
    const text = canonicalJson(params);
    const known = this.#paramIndexes.get(text);
    if (known !== undefined) return known;
    this.#paramIndexes.set(text, this.#params.length);
    return this.#params.push(params) - 1;
  }
}

/** What each stage of the pipeline took, in plan order. */
export function timingsOf(plan: Plan, outcome: RunOutcome): StageTiming[] {
  const stages = new Map<string, NodeOutcome[]>();
  for (const { id, stage } of plan.nodes) {
    const node = outcome.nodes.get(id);
    const group = stages.get(stage);
    if (node !== undefined && group === undefined) stages.set(stage, [node]);
    else if (node !== undefined) group?.push(node);
  }
  return [...stages.values()].map(timingOf);
}

function timingOf(nodes: readonly NodeOutcome[]): StageTiming {
  const { stage, use } = nodes[0] as NodeOutcome;
  const units = nodes.flatMap((node) => node.units);
  const made = new Map<string, UnitSuccess>();
  for (const unit of units.filter(succeeded)) if (made.get(unit.key)?.status !== 'ran') made.set(unit.key, unit);
  const all = [...made.values()];
  const ran = all.filter((unit) => unit.status === 'ran');
  const missing = units.length - units.filter(succeeded).length;
  const sum = (list: readonly UnitSuccess[]) => list.reduce((total, unit) => total + unit.duration_ms, 0);
  return {
    stage,
    use,
    units: all.length + missing,
    cached: all.length - ran.length,
    ran: ran.length,
    missing,
    duration_ms: sum(all),
    longest_ms: largest(all.map((unit) => unit.duration_ms)),
    ran_ms: sum(ran),
    peak_rss_bytes: largest(all.map((unit) => unit.peak_rss_bytes ?? 0)),
  };
}

/** What the units of an outcome were computed with, each environment once, that of the most units first. */
export function environmentsOf(outcome: RunOutcome): ResultEnvironment[] {
  const found = new Map<string, ResultEnvironment>();
  const units = new Map(
    [...outcome.nodes.values()].flatMap((node) => node.units.filter(succeeded)).map((unit) => [unit.key, unit]),
  );
  for (const { observed } of units.values()) {
    const { versions, machine } = observed;
    const name = canonicalJson({ versions, machine });
    found.set(name, { versions, machine, units: (found.get(name)?.units ?? 0) + 1 });
  }
  return [...found.values()].sort((a, b) => b.units - a.units);
}

/** The largest of any number of numbers, at least 0. */
function largest(numbers: readonly number[]): number {
  return numbers.reduce((most, number) => Math.max(most, number), 0);
}
