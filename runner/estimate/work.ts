// The work of several plans together: what each asks for by itself, how much of it is the same, and what is left to run.
import type { Plan } from '../../contract/plan.ts';
import type { Numerics, StageRegistry } from '../../contract/stage.ts';
import type { NodeWarning } from '../../spec/plan/warnings.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import type { Store } from '../../store/store.ts';
import { engineNeeded } from '../survey/engine-needed.ts';
import type { UnitState } from '../survey/graph.ts';
import { type Inspection, inspectSurvey } from '../survey/inspect.ts';
import type { Survey } from '../survey/survey.ts';
import { type IdentifiedUnit, identifyUnits } from './symbolic-key.ts';

/** Units of one stage definition over all plans. */
export interface StageWork {
  stage: string;
  /**
   * Executions if nothing were shared: in each plan every node (every set of parameters that some cell needs) counts all
   * its wanted units, whether or not another node or another plan has the same one.
   */
  requested: number;
  /** Different ones among them. */
  distinct: number;
  /** Different ones whose result the store has. */
  cached: number;
  /** Different ones that are left: `distinct - cached`. */
  run: number;
  /** Nodes whose units cannot be known yet; each is counted as one unit above. */
  unknown: number;
}

/** A source that is not there. */
export interface Absence {
  source: string;
  reason: string;
}

/** Several plans met with one store. */
export interface JointWork {
  inspections: readonly Inspection[];
  /** What the stages of each plan warn of. */
  warned: readonly (readonly NodeWarning[])[];
  stages: readonly StageWork[];
  /** Each different unit once, where it first appears: plan by plan, inputs before their users. */
  distinct: readonly IdentifiedUnit[];
  /** What identifies the work of each wanted unit of each plan. */
  identities: ReadonlyMap<UnitState, string>;
  /** What the numeric stages that are left run on; undefined where none is left. */
  engine: Numerics | undefined;
  /** Paths and `hf://` names that units wait for, with why they cannot be had. */
  absent: readonly Absence[];
}

/** What a plan is held to, such as a lock: its commits of names on the hub, and what it refuses by throwing a UserError. */
export interface Hold {
  pins(): Map<string, Promise<SourceRef>>;
  check(survey: Survey): Promise<void>;
}

/** Looks all plans up without running anything; sources that are not there leave their units waiting. */
export async function inspectTogether(
  plans: readonly Plan[],
  registry: StageRegistry,
  store: Store,
  holds: readonly (Hold | undefined)[] = [],
): Promise<JointWork> {
  const inspections: Inspection[] = [];
  const warned: NodeWarning[][] = [];
  const units: IdentifiedUnit[] = [];
  let engine: Numerics | undefined;
  const absent = new Map<string, string>();
  for (const [i, plan] of plans.entries()) {
    const hold = holds[i];
    const { survey, inspection } = await inspectSurvey(plan, registry, store, 'waits', hold?.pins());
    await hold?.check(survey);
    await survey.preflight();
    inspections.push(inspection);
    engine ??= engineNeeded(survey.nodes);
    warned.push(survey.warnings());
    for (const [source, reason] of survey.absences) absent.set(source, reason);
    units.push(...(await identifyUnits(survey)));
  }
  const distinct = firstOfEach(units);
  const identities = new Map(units.map(({ unit, identity }) => [unit, identity]));
  const absences = [...absent].map(([source, reason]) => ({ source, reason }));
  const stages = countStages(units, distinct);
  return { inspections, warned, stages, distinct, identities, engine, absent: absences };
}

/** Each piece of work once, where it first appears. */
export function firstOfEach(units: readonly IdentifiedUnit[]): IdentifiedUnit[] {
  const first = new Map<string, IdentifiedUnit>();
  for (const each of units) if (!first.has(each.identity)) first.set(each.identity, each);
  return [...first.values()];
}

function countStages(units: readonly IdentifiedUnit[], distinct: readonly IdentifiedUnit[]): StageWork[] {
  const stages = new Map<string, StageWork>();
  for (const { unit, known } of units) {
    const stage = unit.owner.definition.name;
    const work = stages.get(stage) ?? { stage, requested: 0, distinct: 0, cached: 0, run: 0, unknown: 0 };
    stages.set(stage, work);
    work.requested++;
    if (!known) work.unknown++;
  }
  for (const { unit } of distinct) {
    const work = stages.get(unit.owner.definition.name) as StageWork;
    work.distinct++;
    if (isCached(unit)) work.cached++;
    else work.run++;
  }
  return [...stages.values()];
}

/** True when the store has the unit's result. */
export function isCached(unit: UnitState): boolean {
  return unit.status === 'hit';
}
