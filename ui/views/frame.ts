// The page around a view: the names of the views, the dialog, and what the browser is to load.
import { html, type Markup, nothing, scriptMarkup, trusted } from '../../report/html/markup.ts';
import { htmlPage } from '../../report/html/page.ts';
import { pageStyle } from '../../report/html/style.ts';
import { uiStyle } from './style.ts';
import type { Drawn } from './view.ts';

/** The views by their addresses; `run`: it is of a run. */
const links = [
  ['/runs', 'Runs', false],
  ['/result', 'Result', true],
  ['/diff', 'Compare', false],
  ['/graph', 'Graph', true],
  ['/curves', 'Curves', true],
  ['/layers', 'Layers', true],
  ['/store', 'Store', false],
  ['/why', 'Why', true],
] as const;

/** All styles of the page, as one file. */
export const styleSheet = `${pageStyle}${uiStyle}`;

/** A view as it stands within the page. `follows` tells the browser which changes concern it. */
export function partHtml({ body, follows }: Drawn): string {
  const params = new URLSearchParams((follows ?? []).map((run): [string, string] => ['run', run]));
  const attribute = follows === null ? nothing : html` data-follows="${params.toString()}"`;
  return html`<div${attribute}>${body}</div>`.markup;
}

/** The whole page. `here` is its address, `path` the view's; `width`: what charts were drawn for. */
export function frameHtml(
  drawn: Drawn,
  { here, path, width, project }: { here: string; path: string; width: number; project: string },
): string {
  const items = links.map(
    ([to, text, run]) =>
      html`<li><a href="${to}"${run ? html` data-run="yes"` : nothing}${to === path ? html` aria-current="page"` : nothing}>${text}</a></li>`,
  );
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${drawn.title} – lamina</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="/page/style.css">${scriptMarkup('', ' type="module" src="/page/main.js"')}</head>
<body><a class="skip" href="#main">skip to the view</a>
<header class="top"><strong>lamina</strong><nav aria-label="views"><ul id="views">${items}</ul></nav>
<span class="end"><span class="faint small">${project}</span> <a id="export" href="/export?view=${encodeURIComponent(here)}" download>export</a></span></header>
<p id="trouble" role="alert"></p>
<main id="main" tabindex="-1" data-width="${width}">${trusted(partHtml(drawn))}</main>
${labelsDialog()}</body></html>
`;
  return page.markup;
}

function labelsDialog(): Markup {
  return html`<dialog id="labels" aria-labelledby="labels-title"><form method="dialog"><h2 id="labels-title">run</h2>
<label>tags <input name="tags" autocomplete="off" placeholder="trial low-lr"></label>
<label>note <textarea name="note" rows="3" maxlength="2000"></textarea></label>
<p class="bad" role="alert"></p><p class="bar"><button value="save">save</button><button value="cancel" formnovalidate>cancel</button></p></form></dialog>`;
}

/** A view as a file that stands alone: no script, no network. */
export function exportHtml({ title, body }: Drawn, here: string, when: Date): string {
  const at = `${when.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  return htmlPage(
    title,
    html`<style>${trusted(uiStyle)}</style><div class="alone">${body}</div><footer><p class="faint small">exported by lamina ui · <code>${here}</code> · ${at}</p></footer>`,
  );
}
