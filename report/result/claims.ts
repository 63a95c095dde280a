// Decides the claims of an experiment on its cells: one verdict per combination of the axes that a claim leaves open.
import type { Plan, PlanAxis, PlanClaim, Selector } from '../../contract/plan.ts';
import type { CellResult, ClaimResult } from '../../contract/result.ts';
import { compareCells, isWithinNoise, ratio } from '../numbers/noise.ts';
import { formatApart, formatHalfWidth, formatNumber, formatPaper, publishedDecimals } from '../numbers/number.ts';
import { noiseText, orderLinks } from './claim-noise.ts';
import { combinations, type Selected, selectCells, selectorLabel, summarize } from './select-cells.ts';

type Check = PlanClaim['check'];
type PlanParts = Pick<Plan, 'axes' | 'claims' | 'table'> & Partial<Pick<Plan, 'overrides'>>;

interface Verdict {
  holds: boolean | null;
  detail: string;
  /** True when the difference that decides is within the noise. */
  noise?: boolean;
}

/**
 * The verdicts on all claims. Numbers of `mean_over` axes are averaged first, unless a selector names one of them.
 * A combination for which the experiment has no cell on some side is no case of the claim. Claims are of the spec as it is written: under
 * `--set` all are undecided, with the numbers that would have decided.
 */
export function evaluateClaims(plan: PlanParts, cells: readonly CellResult[]): ClaimResult[] {
  const verdicts = plan.claims.flatMap((claim) => evaluateClaim(claim, plan, cells));
  const set = (plan.overrides ?? []).filter((flag) => flag.startsWith('--set '));
  if (set.length === 0) return verdicts;
  const why = `not decided, since ${set.join(' ')} is off the spec's grid`;
  return verdicts.map(({ claim, detail }) => ({ claim, holds: null, detail: `${detail} (${why})` }));
}

function evaluateClaim(claim: PlanClaim, plan: PlanParts, cells: readonly CellResult[]): ClaimResult[] {
  const selectors = selectorsOf(claim.check);
  const allowed = cells.filter((cell) => isAllowed(cell, claim.where));
  const named = new Set(selectors.flatMap((selector) => Object.keys(selector)));
  const averaged = plan.table.mean_over.filter((axis) => !named.has(axis));
  const open = plan.axes.filter((axis) => !named.has(axis.name) && !averaged.includes(axis.name));
  const cases = combinations(allowed, open).filter((place) =>
    selectors.every((selector) => selectCells(allowed, { ...selector, ...place }).length > 0),
  );
  if (cases.length === 0) return [{ claim: claim.text, holds: null, detail: 'its cells are not part of this run' }];
  const varying = open.filter((axis) => axis.values.length > 1);
  return cases.map((place) => {
    const sides = selectors.map((selector) => selectSide(selector, place, allowed, plan, selectors, averaged));
    const { noise, ...verdict } = decide(claim.check, sides, placeText(place, varying), averaged);
    return { claim: claim.text, ...verdict, ...(noise ? { within_noise: true } : {}) };
  });
}

function selectorsOf(check: Check): Selector[] {
  if (check.kind === 'order') return [...check.cells];
  return typeof check.to === 'number' ? [check.of] : [check.of, check.to];
}

function isAllowed(cell: CellResult, where: PlanClaim['where']): boolean {
  return Object.entries(where).every(([axis, values]) => values.includes(cell.axes[axis] ?? ''));
}

/** One side of a comparison. Cells that differ in an axis which only other sides name are no one number. */
function selectSide(
  selector: Selector,
  place: Selector,
  cells: readonly CellResult[],
  plan: PlanParts,
  selectors: readonly Selector[],
  averaged: readonly string[],
): Selected {
  const found = selectCells(cells, { ...selector, ...place });
  const label = selectorLabel(distinguishing(selector, selectors), plan.axes) || selectorLabel(selector, plan.axes);
  const kinds = new Map(found.map((cell) => [sameBut(cell, averaged), cell]));
  const numbers = new Set(found.map((cell) => cell.value));
  if (kinds.size > 1 && numbers.size > 1) return { ...summarize([], label), label: `${label} (several cells)` };
  return kinds.size > 1 ? summarize(found.slice(0, 1), label) : summarize(found, label);
}

/** The part of a selector in which the sides of a claim differ. */
function distinguishing(selector: Selector, selectors: readonly Selector[]): Selector {
  const differing = Object.entries(selector).filter(([axis, value]) =>
    selectors.some((other) => other[axis] !== value),
  );
  return Object.fromEntries(differing);
}

function sameBut(cell: CellResult, averaged: readonly string[]): string {
  return JSON.stringify(Object.entries(cell.axes).filter(([axis]) => !averaged.includes(axis)));
}

function placeText(place: Selector, axes: readonly PlanAxis[]): string {
  const label = selectorLabel(place, axes, ', ');
  return label === '' ? '' : ` on ${label}`;
}

function decide(check: Check, sides: readonly Selected[], place: string, averaged: readonly string[]): Verdict {
  const missing = sides.filter((side) => side.value === null);
  if (missing.length > 0)
    return { holds: null, detail: `no value for ${missing.map((side) => side.label).join(', ')}${place}` };
  if (check.kind === 'order') return decideOrder(check, sides, place, averaged);
  if (check.kind === 'ratio') return decideRatio(check, sides, place, averaged);
  return decideTolerance(check, sides, place);
}

/** The chain of numbers when it holds, its first wrong pair otherwise. */
function decideOrder(
  check: Check & { kind: 'order' },
  sides: readonly Selected[],
  place: string,
  averaged: readonly string[],
): Verdict {
  const wrong = sides.findIndex((side, i) => {
    const next = sides[i + 1];
    return next !== undefined && !inOrder(number(side), number(next), check);
  });
  const shown = wrong < 0 ? sides : sides.slice(wrong, wrong + 2);
  const sign = check.strict ? '<' : '≤';
  const texts = measuredTexts(shown);
  const slack = check.slack === 0 ? '' : ` + ${check.slack}`;
  const numbers = wrong < 0 ? texts.join(` ${sign} `) : texts.join(check.strict ? ' ≥ ' : ' > ');
  const labels = shown.map((side) => side.label).join(` ${sign} `);
  const links = orderLinks(shown, sign, check.slack, averaged);
  const detail = `${labels}${place}: ${numbers}${slack}${paperChain(shown)}${noiseText('difference', links)}`;
  return { holds: wrong < 0, detail, noise: links.some((link) => link.noise) };
}

function inOrder(a: number, b: number, check: { strict: boolean; slack: number }): boolean {
  return check.strict ? a < b + check.slack : a <= b + check.slack;
}

function decideRatio(
  check: Check & { kind: 'ratio' },
  sides: readonly Selected[],
  place: string,
  averaged: readonly string[],
): Verdict {
  const [of, to] = sides as [Selected, Selected];
  const measured = number(of) / number(to);
  if (Number.isNaN(measured))
    return { holds: null, detail: `${of.label} / ${to.label}${place}: both are 0, there is no ratio` };
  const tooLow = check.at_least !== null && !(measured >= check.at_least);
  const tooHigh = check.at_most !== null && !(measured <= check.at_most);
  const bound = tooHigh || check.at_least === null ? check.at_most : check.at_least;
  const sign = tooLow ? '<' : tooHigh ? '>' : check.at_least === null ? '≤' : '≥';
  const [ratioText, boundText] = bound === null ? [formatNumber(measured), ''] : formatApart([measured, bound]);
  const paper = of.paper === null || to.paper === null ? '' : ` (paper: ${formatNumber(of.paper / to.paper)})`;
  const comparison = bound === null ? ratioText : `${ratioText} ${sign} ${boundText ?? ratioText}`;
  const compared = compareCells(of.cells, to.cells, averaged, ratio);
  const bounds = [check.at_least, check.at_most].filter((each) => each !== null);
  const noise = compared !== null && bounds.some((each) => isWithinNoise(compared, each));
  const remark = noiseText('ratio', [{ labels: '', comparison: compared, noise }]);
  return {
    holds: !tooLow && !tooHigh,
    detail: `${of.label} / ${to.label}${place}: ${comparison}${paper}${remark}`,
    noise,
  };
}

function decideTolerance(check: Check & { kind: 'tolerance' }, sides: readonly Selected[], place: string): Verdict {
  const [of, to] = sides as [Selected, Selected | undefined];
  const goal = to === undefined ? (check.to as number) : number(to);
  const off = Math.abs(number(of) - goal);
  const [ours, wanted] = formatApart([number(of), goal]);
  const against = to === undefined ? `${wanted ?? ours}` : to.label;
  const share = goal === 0 ? formatNumber(off) : `${formatNumber((100 * off) / Math.abs(goal))} %`;
  const numbers = `${ours} against ${wanted ?? ours}, off by ${share}`;
  const detail = `${of.label} within ${Number((100 * check.within).toPrecision(6))} % of ${against}${place}: ${numbers}`;
  return {
    holds: off <= check.within * Math.abs(goal),
    detail: `${detail}${paperChain(to === undefined ? [of] : [of, to])}`,
  };
}

function number(side: Selected): number {
  return side.value as number;
}

function measuredTexts(sides: readonly Selected[]): string[] {
  const texts = formatApart(sides.map(number));
  return sides.map((side, i) => {
    const text = texts[i] ?? '';
    return side.half_width === null ? text : `${text} ± ${formatHalfWidth(side.half_width, text)}`;
  });
}

/** The paper's numbers in the same order, with the signs that hold between them there. */
function paperChain(sides: readonly Selected[]): string {
  const papers = sides.map((side) => side.paper).filter((paper) => paper !== null);
  if (papers.length < sides.length) return '';
  const decimals = publishedDecimals(papers);
  const steps = papers.map((paper, i) => {
    const before = papers[i - 1];
    return `${before === undefined ? '' : `${compareSign(before, paper)} `}${formatPaper(paper, decimals)}`;
  });
  return ` (paper: ${steps.join(' ')})`;
}

function compareSign(a: number, b: number): string {
  if (a === b) return '=';
  return a < b ? '<' : '>';
}
