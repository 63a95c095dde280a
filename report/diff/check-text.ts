// How a claim is checked, in one line: `sharp ≤ sharp_slw + 0.02`.
import type { PlanClaim, Selector } from '../../contract/plan.ts';

/** The comparison, and the cells that it is limited to. */
export function checkText({ check, where }: Pick<PlanClaim, 'check' | 'where'>): string {
  const limits = Object.entries(where).map(([axis, values]) => `${axis}=${values.join('|')}`);
  return [comparison(check), ...(limits.length === 0 ? [] : [`where ${limits.join(', ')}`])].join(' ');
}

function comparison(check: PlanClaim['check']): string {
  if (check.kind === 'order') {
    const chain = check.cells.map(cellText).join(check.strict ? ' < ' : ' ≤ ');
    return check.slack === 0 ? chain : `${chain} + ${check.slack}`;
  }
  const to = typeof check.to === 'number' ? String(check.to) : cellText(check.to);
  if (check.kind === 'tolerance') return `${cellText(check.of)} within ${check.within} of ${to}`;
  const bounds = [
    check.at_least === null ? '' : `≥ ${check.at_least}`,
    check.at_most === null ? '' : `≤ ${check.at_most}`,
  ];
  return `${cellText(check.of)} / ${to} ${bounds.filter((bound) => bound !== '').join(' and ')}`;
}

function cellText(cell: Selector): string {
  return Object.values(cell).join(',');
}
