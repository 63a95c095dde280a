// What the HTML pages share: the style sheet and the frame. Pages are one file, without scripts and without requests.
import { escapeMarkup } from './escape-markup.ts';

/** The style of all pages: light or dark as the reader's system has it, and printable. */
const pageStyle = `
:root { color-scheme: light dark; --ink: #1b1f24; --faint: #667080; --line: #d8dee6; --paper: #ffffff; --band: #f4f6f9;
  --good: #1a7f37; --bad: #c02628; --warn: #9a6700; --mark: #2458b3; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ee; --faint: #97a2b0; --line: #343b45; --paper: #14171b;
  --band: #1d2127; --good: #4cc36a; --bad: #ff7b72; --warn: #d8a23a; --mark: #86b1ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 76rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2.25rem 0 .5rem; }
h2 small, .faint { color: var(--faint); font-weight: normal; }
p { margin: .4rem 0; }
code, .code { font-family: ui-monospace, 'SF Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace; font-size: .9em; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: .5rem 0; }
th, td { padding: .3rem .8rem .3rem 0; text-align: left; vertical-align: baseline; border-bottom: 1px solid var(--line); }
th { color: var(--faint); font-weight: 600; border-bottom-width: 2px; white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
tr.faint td { color: var(--faint); }
ul.plain { list-style: none; padding: 0; margin: .5rem 0; }
ul.plain > li { margin: .6rem 0; }
@media print { body { max-width: none; padding: 0; } }
`;

/** A whole page; `title` is text, `body` is HTML, `style` is added to the common one. */
export function htmlPage(title: string, body: string, style = ''): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeMarkup(title)}</title>
<style>${pageStyle}${style}</style>
</head>
<body>
${body.trim()}
</body>
</html>
`;
}
