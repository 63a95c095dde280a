// What two sides ask for that is not the same: parameters, axes, cells, table, claims, and whole settings.
import type { PlanAxis, PlanTable } from '../../contract/plan.ts';
import type { Json } from '../../contract/stage.ts';
import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';
import { canonicalJson } from '../../util/json.ts';
import { ChangeGroups, plainChange, type SpecChange } from './changes.ts';
import { checkText } from './check-text.ts';
import { diffGraphs } from './graph.ts';
import { commonAxes, type Matches, matchByAxes } from './match.ts';
import { planFromProvenance } from './provenance.ts';
import type { DiffSide, Values } from './side.ts';

export interface SpecDiff {
  /** False when some side's plan was not kept: then only what its result tells is compared. */
  whole: boolean;
  changes: readonly SpecChange[];
  /** How many cells both sides have. */
  cells: number;
}

/** What of a side is known from its plan, or else from its result. */
interface Shape {
  axes: readonly PlanAxis[];
  table: PlanTable | undefined;
  cells: readonly ShapeCell[];
  overrides: readonly string[];
}

interface ShapeCell {
  axes: Readonly<Record<string, string>>;
  name: string;
  field: string;
  paper: number | null;
}

export function diffSpecs(before: DiffSide, after: DiffSide): SpecDiff {
  const groups = new ChangeGroups();
  const [old, now] = [shapeOf(before), shapeOf(after)];
  const axes = commonAxes(old.axes, now.axes);
  const plans = plansOf(before, after);
  if (plans !== null) diffGraphs(...plans, matchByAxes(plans[0].cells, plans[1].cells, axes), groups);
  diffAxes(old.axes, now.axes, groups);
  const cells = matchByAxes(old.cells, now.cells, axes);
  diffCells(cells, groups);
  if (old.table !== undefined && now.table !== undefined) diffTables(old.table, now.table, groups);
  if (before.plan !== null && after.plan !== null) diffClaimTexts(before, after, groups);
  const flags = [without(old.overrides, now.overrides), without(now.overrides, old.overrides)] as const;
  if (flags[0].length + flags[1].length > 0) groups.of(plainChange('flags', 'flags', ...flags));
  for (const name of ['profile', 'experiment'] as const) {
    if (before[name] !== after[name]) groups.of(plainChange(name, name, [before[name]], [after[name]]));
  }
  return { whole: plans !== null, changes: groups.list(), cells: cells.pairs.length };
}

/** What is compared node by node: two plans, or two plans as their results' provenance tells them. */
function plansOf(before: DiffSide, after: DiffSide): [PlanSnapshot, PlanSnapshot] | null {
  if (before.plan !== null && after.plan !== null) return [before.plan, after.plan];
  const [old, now] = [planFromProvenance(before), planFromProvenance(after)];
  return old === null || now === null ? null : [old, now];
}

function shapeOf({ plan, result }: DiffSide): Shape {
  if (plan !== null) return plan;
  const { axes = [], table, overrides = [], cells = [] } = result ?? {};
  return {
    axes,
    table,
    overrides,
    cells: cells.map(({ axes: values, name, metric, paper }) => ({ axes: values, name, field: metric, paper })),
  };
}

function diffAxes(before: readonly PlanAxis[], after: readonly PlanAxis[], groups: ChangeGroups): void {
  const valuesOf = (axis: PlanAxis | undefined) => axis?.values.map((value) => value.name) ?? [];
  const olds = new Map(before.map((axis) => [axis.name, axis]));
  const news = new Map(after.map((axis) => [axis.name, axis]));
  for (const name of new Set([...olds.keys(), ...news.keys()])) {
    const [old, now] = [valuesOf(olds.get(name)), valuesOf(news.get(name))];
    const [gone, added] = [without(old, now), without(now, old)];
    const which = !news.has(name) || !olds.has(name) ? `axis ${name}` : `values of ${name}`;
    if (gone.length + added.length > 0) groups.of(plainChange('axis', which, gone, added));
  }
}

function diffCells({ pairs, only_before, only_after }: Matches<ShapeCell>, groups: ChangeGroups): void {
  for (const { before, after } of pairs) {
    if (before.field !== after.field) {
      groups.of(plainChange('metric', 'metric', [before.field], [after.field])).cells.add(after.name);
    }
    if (before.paper !== after.paper) {
      const values = (number: number | null): Values => (number === null ? [] : [number]);
      groups.of(plainChange('paper', after.name, values(before.paper), values(after.paper))).cells.add(after.name);
    }
  }
  const names = (cells: readonly ShapeCell[]) => cells.map((cell) => cell.name);
  if (only_before.length + only_after.length === 0) return;
  groups.of(plainChange('cells', 'cells', names(only_before), names(only_after)));
}

function diffTables(before: PlanTable, after: PlanTable, groups: ChangeGroups): void {
  for (const field of ['better', 'mean_over'] as const) {
    const values = (table: PlanTable): Values => [table[field]].flat();
    if (!sameJson(values(before), values(after))) {
      groups.of(plainChange('table', field, values(before), values(after)));
    }
  }
}

/** Claims that are checked otherwise under the same sentence; those that are new or gone are told with the verdicts. */
function diffClaimTexts(before: DiffSide, after: DiffSide, groups: ChangeGroups): void {
  const checks = ({ plan }: DiffSide) => new Map((plan?.claims ?? []).map((claim) => [claim.text, checkText(claim)]));
  const [olds, news] = [checks(before), checks(after)];
  const judged = before.result !== null && after.result !== null;
  for (const text of new Set([...olds.keys(), ...news.keys()])) {
    const [old, now] = [olds.get(text), news.get(text)];
    const lone = old === undefined || now === undefined;
    if (old === now || (lone && judged)) continue;
    groups.of(plainChange('claim', text, old === undefined ? [] : [old], now === undefined ? [] : [now]));
  }
}

function without(list: readonly string[], others: readonly string[]): string[] {
  const known = new Set(others);
  return list.filter((each) => !known.has(each));
}

function sameJson(a: Json, b: Json): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
