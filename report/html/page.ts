// The frame of lamina's HTML pages: one file that asks for nothing, with a script only if it is named by its hash.
import { createHash } from 'node:crypto';
import { html, type Markup, nothing, scriptMarkup, trusted } from './markup.ts';
import { pageStyle } from './style.ts';

/** A whole page with `body`; `script` is code of ours. */
export function htmlPage(title: string, body: Markup, script = ''): string {
  const hash = `'sha256-${createHash('sha256').update(script).digest('base64')}'`;
  const scripts = script === '' ? "'none'" : hash;
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src ${scripts}; base-uri 'none'; form-action 'none'`;
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="color-scheme" content="light dark"><meta name="generator" content="lamina">
<title>${title}</title><style>${trusted(pageStyle)}</style></head><body>
${body}${
  script === ''
    ? nothing
    : html`
${scriptMarkup(script)}`
}</body></html>
`;
  return page.markup;
}
