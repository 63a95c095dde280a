// The verdicts on the claims as text: a line that counts them, then those that need a reader's eye.
import type { ClaimResult } from '../../contract/result.ts';
import { type Paint, plainPaint } from '../numbers/paint.ts';
import { wrapText } from '../numbers/text-width.ts';
import type { TextOptions } from './text.ts';

/** Claims that hold are listed too while the list stays this short. */
const listAllUpTo = 12;

/**
 * `claims  3 hold · 1 does not`, then each claim; one that is decided several times has a line per case below it.
 * Empty text when there are none, else it ends with a line end.
 */
export function renderClaims(claims: readonly ClaimResult[], options: TextOptions = {}): string {
  if (claims.length === 0) return '';
  const paint = options.paint ?? plainPaint;
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const listed = claims.length <= listAllUpTo ? claims : claims.filter((claim) => claim.holds !== true);
  const lines = [...groupCases(listed).values()].flatMap((cases) => groupLines(cases, width, paint));
  return `${[claimsHeading(claims), ...lines].join('\n')}\n`;
}

/** The cases of each claim, by its text; what does not hold comes first, else all are in the spec's order. */
export function groupCases(claims: readonly ClaimResult[]): Map<string, ClaimResult[]> {
  const failed = new Set(claims.filter(fails).map(({ claim }) => claim));
  const groups = new Map<string, ClaimResult[]>([...failed].map((claim) => [claim, []]));
  for (const each of [...claims.filter(fails), ...claims.filter((claim) => !fails(claim))])
    groups.set(each.claim, [...(groups.get(each.claim) ?? []), each]);
  return groups;
}

function fails({ holds }: ClaimResult): boolean {
  return holds === false;
}

/** `claims  14 hold · 1 does not · 2 undecided`. */
export function claimsHeading(claims: readonly ClaimResult[]): string {
  const count = (holds: boolean | null) => claims.filter((claim) => claim.holds === holds).length;
  const hold = count(true) > 0 ? '' : ' hold';
  const parts = [
    count(true) > 0 ? `${count(true)} ${count(true) === 1 ? 'holds' : 'hold'}` : '',
    count(false) > 0 ? `${count(false)} ${count(false) === 1 ? 'does' : 'do'} not${hold}` : '',
    count(null) > 0 ? `${count(null)} undecided` : '',
  ];
  return `claims  ${parts.filter((part) => part !== '').join(' · ')}`;
}

/** `✓` holds, `✗` does not, `?` undecided. */
export function claimMark(claim: ClaimResult): string {
  if (claim.holds === null) return '?';
  return claim.holds ? '✓' : '✗';
}

function groupLines(cases: readonly ClaimResult[], width: number, paint: Paint): string[] {
  const [first] = cases as [ClaimResult];
  if (cases.length === 1) return markedLines(first, `${first.claim}: ${first.detail}`, 2, width, paint);
  const heading = wrapText(`  ${first.claim}`, width, '    ');
  return [...heading, ...cases.flatMap((each) => markedLines(each, each.detail, 4, width, paint))];
}

function markedLines(claim: ClaimResult, text: string, indent: number, width: number, paint: Paint): string[] {
  const [first = '', ...rest] = wrapText(text, width - indent - 2);
  const colour = claim.holds === null ? paint.warn : claim.holds ? paint.good : paint.bad;
  const before = ' '.repeat(indent);
  return [`${before}${colour(claimMark(claim))} ${first}`, ...rest.map((line) => `${before}  ${line}`)];
}
