// The verdicts that changed in words.
import type { ClaimResult } from '../../contract/result.ts';
import { claimMark } from '../table/claims.ts';
import type { ClaimChange, ClaimsDiff } from './claims.ts';
import type { Tone } from './tone.ts';

export interface ClaimRow {
  /** `✓ → ✗`, `new ✓`, `gone ✗`. */
  mark: string;
  claim: string;
  /** The details on each side, `was` and `now` before them. */
  details: readonly { when: string; detail: string }[];
  tone: Tone;
}

/** `1 holds no more · 1 holds now · 14 unchanged`. */
export function claimsSummary({ changes, unchanged }: ClaimsDiff): string {
  const count = (test: (change: ClaimChange) => boolean, text: [one: string, many: string]) => {
    const found = changes.filter(test).length;
    return found === 0 ? [] : [`${found} ${found === 1 ? text[0] : text[1]}`];
  };
  const flipped = (holds: boolean) => (each: ClaimChange) => each.change === 'flipped' && each.after?.holds === holds;
  const parts = [
    ...count(flipped(false), ['holds no more', 'hold no more']),
    ...count(flipped(true), ['holds now', 'hold now']),
    ...count((each) => each.change === 'decided', ['can be decided now', 'can be decided now']),
    ...count((each) => each.change === 'undecided', ['can be decided no more', 'can be decided no more']),
    ...count((each) => each.change === 'added', ['new', 'new']),
    ...count((each) => each.change === 'removed', ['gone', 'gone']),
  ];
  if (parts.length === 0) return unchanged === 0 ? 'none' : `none flipped · ${unchanged} unchanged`;
  return [...parts, ...(unchanged === 0 ? [] : [`${unchanged} unchanged`])].join(' · ');
}

/** The cases of one claim that changed alike are one row. */
export function claimRows({ changes }: ClaimsDiff): ClaimRow[] {
  const rows = new Map<string, ClaimRow>();
  for (const { claim, change, before, after } of changes) {
    const details = [...detailOf('was', before), ...detailOf('now', after)];
    const mark = markOf(change, before, after);
    const earlier = rows.get(`${mark} ${claim}`)?.details ?? [];
    rows.set(`${mark} ${claim}`, { mark, claim, details: [...earlier, ...details], tone: toneOf(change, after) });
  }
  return [...rows.values()];
}

function detailOf(when: string, result: ClaimResult | null): ClaimRow['details'] {
  return result === null ? [] : [{ when, detail: result.detail }];
}

function markOf(change: ClaimChange['change'], before: ClaimResult | null, after: ClaimResult | null): string {
  if (change === 'added' && after !== null) return `new ${claimMark(after)}`;
  if (change === 'removed' && before !== null) return `gone ${claimMark(before)}`;
  return [before, after].map((result) => (result === null ? '' : claimMark(result))).join(' → ');
}

function toneOf(change: ClaimChange['change'], after: ClaimResult | null): Tone {
  if (change === 'removed' || after === null || after.holds === null) return 'plain';
  return after.holds ? 'good' : 'bad';
}
