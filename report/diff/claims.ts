// Which verdicts on the claims are not the same on both sides.
import type { PlanAxis } from '../../contract/plan.ts';
import type { ClaimResult } from '../../contract/result.ts';
import { namedLabel } from '../numbers/label.ts';
import type { DiffSide } from './side.ts';

/** `flipped`: decided on both sides, otherwise. `decided`, `undecided`: now, and not before, or the reverse. */
export interface ClaimChange {
  claim: string;
  /** Where it was checked (` on DialogSum`), for a claim that is checked in several places. */
  place: string;
  change: 'flipped' | 'decided' | 'undecided' | 'added' | 'removed';
  before: ClaimResult | null;
  after: ClaimResult | null;
}

export interface ClaimsDiff {
  unchanged: number;
  /** Claims that hold no more first, then those that hold now, then the rest. */
  changes: readonly ClaimChange[];
}

/** Null when a side has no verdicts, as long as nothing has run. */
export function diffClaims(before: DiffSide, after: DiffSide): ClaimsDiff | null {
  if (before.result === null || after.result === null) return null;
  const olds = casesOf(before.result.claims, before.result.axes);
  const news = casesOf(after.result.claims, after.result.axes);
  // a spec's cells that have yet to run are no news
  const awaited = before.kind === 'spec' || after.kind === 'spec';
  const changes: ClaimChange[] = [];
  let unchanged = 0;
  for (const [key, { claim, place, result }] of news) {
    const old = olds.get(key);
    if (old === undefined) changes.push({ claim, place, change: 'added', before: null, after: result });
    else {
      const change = changeOf(old.result.holds, result.holds);
      if (change === undefined || (awaited && change !== 'flipped')) unchanged++;
      else changes.push({ claim, place, change, before: old.result, after: result });
    }
  }
  for (const [key, { claim, place, result }] of olds) {
    if (!news.has(key)) changes.push({ claim, place, change: 'removed', before: result, after: null });
  }
  return { unchanged, changes: changes.sort((a, b) => rankOf(a) - rankOf(b)) };
}

function changeOf(before: boolean | null, after: boolean | null): ClaimChange['change'] | undefined {
  if (before === after) return undefined;
  if (before === null) return 'decided';
  return after === null ? 'undecided' : 'flipped';
}

function rankOf({ change, after }: ClaimChange): number {
  if (change === 'flipped') return after?.holds === false ? 0 : 1;
  return ['decided', 'undecided', 'added', 'removed'].indexOf(change) + 2;
}

interface Case {
  claim: string;
  place: string;
  result: ClaimResult;
}

/** Each verdict by its claim and place; by its number among the claim's where the place cannot be told. */
function casesOf(claims: readonly ClaimResult[], axes: readonly PlanAxis[]): Map<string, Case> {
  const labels = placeLabels(axes);
  const cases = new Map<string, Case>();
  for (const result of claims) {
    const place = placeOf(result.detail, labels);
    let key = JSON.stringify([result.claim, place]);
    for (let i = 2; cases.has(key); i++) key = JSON.stringify([result.claim, place, i]);
    cases.set(key, { claim: result.claim, place, result });
  }
  return cases;
}

/** How labels of axis values are named in a place; older details have bare numbers. */
function placeLabels(axes: readonly PlanAxis[]): Map<string, string> {
  const labels = new Map<string, string>();
  for (const { label: axis, values } of axes)
    for (const { label } of values)
      for (const written of [label, namedLabel(axis, label)])
        labels.set(written, labels.get(written) ?? namedLabel(axis, label));
  return labels;
}

/** ` on DialogSum, seed 1` at the end of what a detail compares: only labels of axis values count. */
function placeOf(detail: string, labels: ReadonlyMap<string, string>): string {
  for (let at = detail.lastIndexOf(' on '); at >= 0; at = detail.lastIndexOf(' on ', at - 1)) {
    const rest = detail.slice(at + 4);
    for (const end of [...endsOf(rest)]) {
      const place = rest.slice(0, end);
      const parts = labels.has(place) ? [place] : place.split(', ');
      const named = parts.flatMap((label) => labels.get(label) ?? []);
      if (named.length === parts.length) return ` on ${named.join(', ')}`;
    }
    if (at === 0) break;
  }
  return '';
}

function* endsOf(text: string): Generator<number> {
  yield text.length;
  for (let at = text.indexOf(': '); at >= 0; at = text.indexOf(': ', at + 2)) yield at;
}
