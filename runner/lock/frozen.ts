// A run that may do nothing but what is locked: what moved is named before anything runs, and what comes out otherwise when it does.
import type { Plan, PlanNode } from '../../contract/plan.ts';
import { codePointer } from '../../contract/plan.ts';
import type { CellResult } from '../../contract/result.ts';
import { isHubName } from '../../hub/name.ts';
import { sha256 } from '../../store/digest.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import type { KeyPreimage } from '../../store/key.ts';
import { UserError } from '../../util/errors.ts';
import { canonicalJson, isObject, type Json } from '../../util/json.ts';
import { shown } from '../../util/shown.ts';
import { type Difference, differences } from '../explain/difference.ts';
import { describeUnit } from '../survey/events.ts';
import { demandedUnits, nameOf, type UnitState } from '../survey/graph.ts';
import { knownPreimage, valueAt } from '../survey/preimage.ts';
import type { Survey } from '../survey/survey.ts';
import { type LockedPlan, type LockedUnit, preimageOfLocked } from './lock.ts';

/** Things that moved which are named one by one. */
const mostNamed = 20;
/** Locked units that are held against one that is not among them. */
const mostCompared = 200;

export class Frozen {
  readonly #locked: LockedPlan;
  readonly #file: string;
  readonly #way: string;
  readonly #keys: ReadonlySet<string>;
  /** Of what is locked, without the bytes of inputs, which are not known before they are made. */
  readonly #own: ReadonlySet<string>;

  /** `file` is the lock's name and `way` the command that locks again, for messages. */
  constructor(locked: LockedPlan, { file, way }: { file: string; way: string }) {
    this.#locked = locked;
    this.#file = file;
    this.#way = way;
    this.#keys = new Set(locked.units.map(({ key }) => key));
    this.#own = new Set(locked.units.map((unit) => ownDigest(preimageOfLocked(unit, locked))));
  }

  /** What names on the hub mean: the commits that are locked, whatever their branches have become. */
  pins(): Map<string, Promise<SourceRef>> {
    const named = this.#locked.sources.filter(({ name, hub }) => isHubName(name) && hub !== undefined);
    return new Map(named.map(({ name, ...source }) => [name, Promise.resolve(source)]));
  }

  /** Holds the cells of a whole plan against the locked ones; of a part of it (`--only`) those that it has. Throws UserError. */
  checkCells({ cells }: Plan, isPart: boolean): void {
    const locked = new Map(this.#locked.cells.map((cell) => [cell.cell, cell]));
    const wanted = new Set(cells.map(({ name }) => name));
    const gone = isPart ? [] : [...locked.keys()].filter((name) => !wanted.has(name));
    this.#refuse([
      ...cells.flatMap(({ name, metric }) => {
        const known = locked.get(name);
        if (known === undefined) return [`cell '${name}' is new`];
        return known.metric === metric.field
          ? []
          : [`cell '${name}' reads '${metric.field}', locked is '${known.metric}'`];
      }),
      ...gone.map((name) => `cell '${name}' is no longer there`),
    ]);
  }

  /** Holds all that can be known before anything runs against the lock. Throws UserError that names what moved. */
  async check(survey: Survey): Promise<void> {
    const own = new Set<string>();
    const read = new Set<string>();
    for (const state of survey.nodes) {
      const sources = await survey.sources(state);
      for (const unit of demandedUnits(state) ?? []) {
        const preimage = unit.preimage ?? knownPreimage(unit, sources);
        if (!this.#own.has(ownDigest(preimage))) for (const text of this.#moved(unit, preimage)) own.add(text);
        else if (unit.key !== undefined && !this.#keys.has(unit.key)) read.add(this.#otherInputs(unit, unit.preimage));
      }
    }
    // what reads something that moved has moved with it
    this.#refuse(own.size > 0 ? [...own] : [...read]);
  }

  /** Why a unit whose key is known may not be made; undefined where it is locked. */
  refusal(unit: UnitState): string | undefined {
    if (unit.key === undefined || this.#keys.has(unit.key)) return undefined;
    const preimage = unit.preimage as KeyPreimage;
    const own = this.#own.has(ownDigest(preimage)) ? [] : this.#moved(unit, preimage);
    const what = own.length > 0 ? own.join('; ') : this.#otherInputs(unit, preimage);
    return `it is not what '${this.#file}' holds: ${what}`;
  }

  /** The numbers that are not those that are locked, in sentences. */
  drift(cells: readonly CellResult[]): string[] {
    const locked = new Map(this.#locked.cells.map((cell) => [cell.cell, cell]));
    return cells.flatMap(({ name, value }) => {
      const known = locked.get(name);
      if (known === undefined || value === null || known.value === value) return [];
      return [`cell '${name}' came out as ${value}, '${this.#file}' holds ${known.value}`];
    });
  }

  /** What the records were made with that is something else here, in sentences. */
  otherEnvironment(here: { readonly [name: string]: string }): string[] {
    const parts = this.#locked.environments.map(({ versions, machine }) => ({ ...versions, ...machine }));
    const changes = Object.entries(here).flatMap(([name, value]) => {
      const known = [...new Set(parts.flatMap((each) => each[name as keyof typeof each] ?? []))];
      return known.length === 0 || known.includes(value) ? [] : [`${name} ${known.join(' and ')} → ${value}`];
    });
    if (changes.length === 0) return [];
    return [
      `'${this.#file}' was locked with something else: ${changes.join(', ')}; bytes that come out otherwise are refused`,
    ];
  }

  #refuse(moved: readonly string[]): void {
    if (moved.length === 0) return;
    const named = moved.slice(0, mostNamed).map((text) => `\n  ${text}`);
    const more = moved.length > mostNamed ? `\n  and ${moved.length - mostNamed} more` : '';
    throw new UserError(
      `this is not what '${this.#file}' holds:${named.join('')}${more}\nundo it, or run without --frozen and take it over with '${this.#way}'`,
    );
  }

  /** In which of its own fields a unit is not as the nearest locked one of its stage. */
  #moved(unit: UnitState, preimage: KeyPreimage): string[] {
    const { stage } = nameOf(unit);
    const nearest = this.#nearest(unit, preimage);
    if (nearest === undefined) return [`stage '${stage}' (${preimage.stage}) is not locked`];
    const own = differences(preimageOfLocked(nearest, this.#locked), preimage).filter(({ kind }) => kind !== 'input');
    const sources = new Map(this.#locked.sources.map((source) => [source.digest, source.name]));
    return own.map((each) => `stage '${stage}': ${differenceText(each, unit.owner.node, sources)}`);
  }

  #otherInputs(unit: UnitState, preimage: KeyPreimage | undefined): string {
    const who = describeUnit(nameOf(unit));
    const nearest = preimage && this.#nearest(unit, preimage);
    const inputs =
      nearest === undefined || preimage === undefined
        ? []
        : differences(preimageOfLocked(nearest, this.#locked), preimage);
    const names = [...new Set(inputs.filter(({ kind }) => kind === 'input').map(({ name }) => `'${name}'`))];
    const which = names.length === 0 ? 'its inputs' : `its input ${names.slice(0, 5).join(', ')}`;
    return `${who}: ${which} came out with other bytes than those that are locked`;
  }

  /** The locked unit that differs least, of the same stage; of the same cell and unit where there is one. */
  #nearest(unit: UnitState, preimage: KeyPreimage): LockedUnit | undefined {
    const { stage, cell, unit: name } = nameOf(unit);
    const { units } = this.#locked;
    const exact = units.filter((each) => each.stage === stage && each.cell === cell && each.unit === name);
    const alike = units.filter((each) => each.stage === stage && each.made_from.stage === preimage.stage);
    const others = units.filter((each) => each.made_from.stage === preimage.stage);
    const candidates = [exact, alike, others].find((list) => list.length > 0) ?? [];
    let best: { unit: LockedUnit; count: number } | undefined;
    for (const each of candidates.slice(0, mostCompared)) {
      const count = differences(preimageOfLocked(each, this.#locked), preimage).length;
      if (best === undefined || count < best.count) best = { unit: each, count };
    }
    return best?.unit;
  }
}

function ownDigest(preimage: KeyPreimage): string {
  return sha256(canonicalJson({ ...preimage, inputs: {} } as unknown as Json));
}

function differenceText(
  { kind, name, pointer, before, after }: Difference,
  node: PlanNode,
  sources: ReadonlyMap<string, string>,
): string {
  const values = `is ${valueText(after)}, locked is ${valueText(before)}`;
  if (kind === 'version') return `its code has version ${after}, locked is ${before}`;
  if (kind === 'seed') return `the seed ${values}`;
  if (kind === 'numerics') return `numerics: ${name} ${values}`;
  if (kind === 'unit') return `unit ${values}`;
  if (kind === 'source' && pointer === codePointer) return 'its code is other than that which is locked';
  if (kind === 'source') return sourceText(name, String(valueAt(node.params, pointer) ?? ''), before, after, sources);
  const { file, line, column } = node.origins[pointer] ?? node.origins[`/${pointer.split('/')[1]}`] ?? {};
  const place = file === undefined ? '' : line === 0 ? ` (given by ${file})` : ` (${file}:${line}:${column})`;
  return `parameter '${name}' ${values}${place}`;
}

function sourceText(
  name: string,
  path: string,
  before: Json | undefined,
  after: Json | undefined,
  sources: ReadonlyMap<string, string>,
): string {
  const of = (ref: Json | undefined) => (isObject(ref) ? { ...ref } : {}) as { digest?: string; hub?: string };
  const [old, now] = [of(before), of(after)];
  if (now.digest === undefined) return `'${path}' (parameter '${name}') is not there`;
  if (old.digest === undefined) return `'${path}' (parameter '${name}') is not locked`;
  if (old.hub !== undefined || now.hub !== undefined)
    return `'${name}' is ${now.hub ?? path}, locked is ${old.hub ?? sources.get(old.digest) ?? old.digest.slice(0, 12)}`;
  return `'${path}' (parameter '${name}') has other bytes: ${now.digest.slice(0, 12)}, locked are ${old.digest.slice(0, 12)}`;
}

function valueText(value: Json | undefined): string {
  if (value === undefined) return 'not there';
  return typeof value === 'object' && value !== null ? canonicalJson(value).slice(0, 80) : shown(value);
}
