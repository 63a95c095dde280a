// Claims: what must hold between cells, checked to name cells that exist.
import type { PlanClaim, Selector } from '../../contract/plan.ts';
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, Span } from '../../located/located.ts';
import { child, find, place, valueSpan } from '../../located/located.ts';
import type { ExperimentClaim } from '../../schemas/experiment.ts';
import type { Axis } from '../experiment/axes.ts';
import type { Choice } from '../experiment/evaluator.ts';
import { projection } from '../experiment/evaluator.ts';
import type { Experiment } from '../experiment/experiment.ts';
import type { Selection } from '../experiment/selector.ts';
import { matches, readSelection, whereOf } from '../experiment/selector.ts';

export interface ReadClaim {
  plan: PlanClaim;
  where: Selection;
  cells: readonly Selection[];
  span: Span;
  /** What messages call it: `claim 1: `. */
  name: string;
}

/** The claims of an experiment; wrong ones are reported and left out. */
export function readClaims(experiment: Experiment, axes: readonly Axis[], problems: Problems): ReadClaim[] {
  const claims: ReadClaim[] = [];
  for (const [i, data] of (experiment.data.claims ?? []).entries()) {
    const tree = find(experiment.tree, ['claims', String(i)]);
    const claim = tree === undefined ? undefined : readClaim(i, data, tree, axes, problems);
    if (claim !== undefined) claims.push(claim);
  }
  return claims;
}

const checks = ['order', 'ratio', 'tolerance'] as const;

function readClaim(
  index: number,
  data: ExperimentClaim,
  tree: Located,
  axes: readonly Axis[],
  problems: Problems,
): ReadClaim | undefined {
  const where = `claim ${index + 1}: `;
  const span = valueSpan(tree, ['claim']);
  const given = checks.filter((check) => data[check] !== undefined);
  const [check] = given;
  if (check === undefined || given.length > 1) {
    problems.add(
      span,
      `${where}expected one of 'order', 'ratio' or 'tolerance', got ${given.length === 0 ? 'none' : given.join(' and ')}`,
    );
    return undefined;
  }
  if (!complete(data, check, tree, where, problems)) return undefined;
  const selectors = selectorTrees(check, tree);
  const cells = selectors.map((selector) => readSelection(selector, axes, where, problems));
  const allowed = readSelection(child(tree, 'where'), axes, where, problems);
  if (allowed === undefined || cells.includes(undefined)) return undefined;
  const selections = cells as Selection[];
  const names = selections.map((selection) => selectorOf(selection, axes));
  const plan = {
    text: data.claim,
    where: whereOf(allowed, axes),
    check: checkOf(data, names),
    origin: place(tree.span),
  };
  return { plan, where: allowed, cells: selections, span, name: where };
}

function complete(
  data: ExperimentClaim,
  check: (typeof checks)[number],
  tree: Located,
  where: string,
  problems: Problems,
): boolean {
  for (const option of ['strict', 'slack'] as const) {
    if (data[option] === undefined || check === 'order') continue;
    problems.add(valueSpan(tree, [option]), `${where}'${option}' goes with 'order', not with '${check}'`);
    return false;
  }
  if (data.ratio === undefined || data.ratio.at_least !== undefined || data.ratio.at_most !== undefined) return true;
  problems.add(valueSpan(tree, ['claim']), `${where}'ratio' needs 'at_least' or 'at_most'`);
  return false;
}

function selectorTrees(check: (typeof checks)[number], tree: Located): Located[] {
  const body = child(tree, check);
  if (body?.kind === 'list') return [...body.items];
  const ends = ['of', 'to'].map((end) => (body === undefined ? undefined : child(body, end)));
  return ends.filter((end): end is Located => end?.kind === 'map');
}

function selectorOf(selection: Selection, axes: readonly Axis[]): Selector {
  const first = Object.entries(whereOf(selection, axes)).map(([axis, values]) => [axis, values[0] ?? '']);
  return Object.fromEntries(first) as Selector;
}

function checkOf(data: ExperimentClaim, cells: readonly Selector[]): PlanClaim['check'] {
  const [of = {}, to = {}] = cells;
  if (data.ratio !== undefined) {
    return { kind: 'ratio', of, to, at_least: data.ratio.at_least ?? null, at_most: data.ratio.at_most ?? null };
  }
  if (data.tolerance !== undefined) {
    const number = data.tolerance.to;
    return { kind: 'tolerance', of, to: typeof number === 'number' ? number : to, within: data.tolerance.within };
  }
  return { kind: 'order', cells, strict: data.strict ?? false, slack: data.slack ?? 0 };
}

/** The first of a claim's selectors that names no cell, with what its `where` adds: `{ scheme: nf4, group_size: 64 }`. */
export function missingCells(claim: ReadClaim, cells: readonly Choice[], axes: readonly Axis[]): string | undefined {
  const gone = claim.cells.find((each) => !cells.some((cell) => matches(claim.where, cell) && matches(each, cell)));
  if (gone === undefined) return undefined;
  const selectors = { ...whereOf(claim.where, axes), ...whereOf(gone, axes) };
  const named = Object.entries(selectors).map(([axis, values]) => `${axis}: ${values.join(' or ')}`);
  return `{ ${named.join(', ')} }`;
}

/**
 * How many combinations of the axes that a claim leaves open have all of its cells. Axes in `averaged` are not open.
 * Reports a selector that names several cells at once.
 */
export function checkable(
  claim: ReadClaim,
  cells: readonly Choice[],
  axes: readonly Axis[],
  averaged: ReadonlySet<number>,
  problems?: Problems,
): number {
  const fixed = new Set(claim.cells.flatMap((selection) => [...selection.keys()]));
  const open = axes.map((_, i) => i).filter((i) => !fixed.has(i) && !averaged.has(i));
  const inside = [...fixed].filter((i) => !averaged.has(i));
  const allowed = cells.filter((choice) => matches(claim.where, choice));
  let common: Set<string> | undefined;
  for (const selection of claim.cells) {
    const found = new Map<string, string>();
    for (const choice of allowed.filter((candidate) => matches(selection, candidate))) {
      const key = projection(open, choice);
      const cell = projection(inside, choice);
      const known = found.get(key);
      if (known === undefined) found.set(key, cell);
      else if (known !== cell && problems !== undefined) reportSeveral(claim, selection, fixed, axes, problems);
    }
    common = new Set([...found.keys()].filter((key) => common === undefined || common.has(key)));
  }
  return common?.size ?? 0;
}

function reportSeveral(
  claim: ReadClaim,
  selection: Selection,
  fixed: ReadonlySet<number>,
  axes: readonly Axis[],
  problems: Problems,
): void {
  const missing = [...fixed].filter((axis) => !selection.has(axis)).map((axis) => `'${axes[axis]?.name}'`);
  const names = Object.entries(selectorOf(selection, axes)).map(([axis, value]) => `${axis}: ${value}`);
  problems.add(
    claim.span,
    `${claim.name}{ ${names.join(', ')} } names several cells, expected it to fix ${missing.join(' and ')} as the other selectors do`,
  );
}
