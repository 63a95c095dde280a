// The claims of a result as HTML: each with its verdict and what decided it.
import type { ClaimResult } from '../../contract/result.ts';
import { claimsHeading, groupCases } from '../table/claims.ts';
import { html, type Markup, nothing } from './markup.ts';

/** The claims, cases of one claim together. */
export function claimsHtml(claims: readonly ClaimResult[]): Markup {
  const groups = [...groupCases(claims)].map(([text, cases]) => {
    const [first] = cases as [ClaimResult];
    if (cases.length === 1)
      return html`<li><div class="case">${verdict(first)}<span><strong>${text}</strong>: ${detailText(first)}</span></div></li>`;
    const lines = cases.map((each) => html`<li>${verdict(each)}<span>${detailText(each)}</span></li>`);
    return html`<li><strong>${text}</strong><ul>${lines}</ul></li>`;
  });
  return html`<p>${claimsHeading(claims).replace(/^claims +/, '')}</p><ul class="claims">${groups}</ul>`;
}

/** What decided it, without the remark that the badge repeats. */
function detailText({ detail, within_noise }: ClaimResult): string {
  return within_noise ? detail.replace(/ \(within noise\)$/, '') : detail;
}

function verdict({ holds, within_noise }: ClaimResult): Markup {
  const [kind, text] =
    holds === null ? ['open', '? undecided'] : holds ? ['holds', '✓ holds'] : ['fails', '✗ does not hold'];
  const noise = within_noise ? html` <span class="badge noise">within noise</span>` : nothing;
  return html`<span class="badge ${kind}">${text}</span>${noise}`;
}
