// What a run would do, without doing it: the status of every unit that is wanted.
import type { Plan, PlanNode } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Store } from '../../store/store.ts';
import { Damages } from './damage.ts';
import type { RunEvent, UnitCounts } from './events.ts';
import { demandedUnits, type NodeState, type UnitState, unitsRead } from './graph.ts';
import { absentSources } from './sources.ts';
import { countUnits, Survey, type SurveyOptions } from './survey.ts';

/** One line of a plan. */
export interface PlanItem {
  node: PlanNode;
  /** '' for a stage without units, and for one whose units are not known yet. */
  unit: string;
  status: 'hit' | 'run' | 'depends';
  /** Known unless it depends on what has yet to run. */
  key: string | null;
  /** Ids of the nodes that it waits for. */
  depends_on: readonly string[];
  /** Sources of its own that are not there: paths and `hf://` names. */
  absent: readonly string[];
  /** The record of a hit. */
  record: StoreRecord | null;
}

export interface Inspection {
  items: readonly PlanItem[];
  counts: UnitCounts;
  /** What was found damaged in the store. */
  warnings: readonly RunEvent[];
}

/** Looks every wanted unit up, with the same code and thus the same keys as a run. Throws UserError as a run would. */
export async function inspect(plan: Plan, registry: StageRegistry, store: Store): Promise<Inspection> {
  return (await inspectSurvey(plan, registry, store, 'fails')).inspection;
}

/** The same, with the survey that it rests on; a source that is not there can also leave its unit waiting. */
export async function inspectSurvey(
  plan: Plan,
  registry: StageRegistry,
  store: Store,
  absence: 'fails' | 'waits',
  pins?: SurveyOptions['pins'],
): Promise<{ survey: Survey; inspection: Inspection }> {
  const warnings: RunEvent[] = [];
  const damages = new Damages((event) => warnings.push(event));
  const survey = new Survey(plan, registry, store, { damages, absence, ...(pins && { pins }) });
  await survey.complete();
  const items: PlanItem[] = [];
  for (const state of survey.nodes) items.push(...itemsOf(state, await absentOf(survey, state)));
  return { survey, inspection: { items, counts: countUnits(survey.nodes), warnings } };
}

async function absentOf(survey: Survey, state: NodeState): Promise<string[]> {
  return absentSources(state, await survey.sources(state)).map(({ path }) => path);
}

function itemsOf(state: NodeState, absent: readonly string[]): PlanItem[] {
  const units = demandedUnits(state);
  if (units !== undefined) return units.map((unit) => itemOf(unit, absent));
  const { node } = state;
  return [{ node, unit: '', status: 'depends', key: null, depends_on: unfinishedInputs(state), absent, record: null }];
}

function itemOf(unit: UnitState, absent: readonly string[]): PlanItem {
  const status = unit.status ?? 'depends';
  const depends_on = status === 'depends' ? unfinishedInputs(unit.owner, unit) : [];
  const { key = null } = unit;
  const record = status === 'hit' ? (unit.record ?? null) : null;
  return { node: unit.owner.node, unit: unit.unit.name, status, key, depends_on, absent, record };
}

function unfinishedInputs(state: NodeState, unit?: UnitState): string[] {
  const waits = state.inputs.filter((input) => {
    const read = unit === undefined ? demandedUnits(input.from) : unitsRead(unit, input);
    return read === undefined || read.some((each) => each.status !== 'hit');
  });
  return [...new Set(waits.map((input) => input.from.node.id))];
}
