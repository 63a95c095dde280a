// What a view is: a function from what is asked and what is known to markup.
import { html, type Markup, nothing } from '../../report/html/markup.ts';
import type { Facts, ResultName } from '../facts.ts';
import { address, type Query } from './address.ts';

/** What a view is drawn with. */
export interface Asked {
  facts: Facts;
  query: Query;
  /** Pixels that a chart may take. */
  width: number;
  /** True where the view goes into a file: it then has no forms, and its links lead nowhere else. */
  alone: boolean;
}

export interface Drawn {
  title: string;
  body: Markup;
  /** The runs whose changes concern it: all (`[]`), or none (null). */
  follows: readonly string[] | null;
}

export type View = (asked: Asked) => Promise<Drawn>;

/** A link; only its text in a file that stands alone. */
export function linkTo(alone: boolean, href: string, text: string | Markup): Markup {
  return alone ? html`${text}` : html`<a href="${href}">${text}</a>`;
}

/** What is only of use on the live page. */
export function live(alone: boolean, body: Markup): Markup {
  return alone ? nothing : body;
}

/** A field that names a run, with what there is to choose from. */
export function runField(names: readonly ResultName[], value: string, label: string, name = 'run'): Markup {
  const options = names.map((each) => html`<option value="${each.name}">${each.text}</option>`);
  return html`<label>${label} <input name="${name}" value="${value}" list="names-${name}" size="34" autocomplete="off" spellcheck="false"></label>
<datalist id="names-${name}">${options}</datalist>`;
}

/** The form that chooses the run of a view. */
export async function chooser(
  { facts, alone }: Asked,
  path: string,
  run: string,
  more: Markup = nothing,
): Promise<Markup> {
  if (alone) return nothing;
  const names = await facts.results();
  return html`<form class="bar" method="get" action="${path}">${runField(names, run, 'run')}${more}<button>show</button></form>`;
}

/** A list of the runs to begin with, where none was named. */
export async function choices({ facts }: Asked, path: string): Promise<Markup> {
  const names = await facts.results();
  if (names.length === 0)
    return html`<p>There is no run and no outcome here yet. Start one: <code>lamina run lamina:quickstart</code></p>`;
  const items = names
    .slice(0, 200)
    .map((each) => html`<li><a href="${address(path, { run: each.name })}">${each.text}</a></li>`);
  return html`<ul class="choices">${items}</ul>`;
}

/** Sentences that are said first. */
export function sentences(lines: readonly string[], kind: 'warnings' | 'remarks' = 'warnings'): Markup {
  if (lines.length === 0) return nothing;
  return html`<ul class="${kind}">${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/** A command with a button that copies it. */
export function commandHtml(command: string): Markup {
  return html`<div class="command"><code>${command}</code><button type="button" data-copy="${command}">copy</button></div>`;
}

/** A frame in which a wide table scrolls, also by the keyboard. */
export function scrolling(label: string, body: Markup): Markup {
  return html`<div class="wide" tabindex="0" role="region" aria-label="${label}">${body}</div>`;
}
