// Builds HTML from templates in which every value is escaped, unless it is markup already.
import { escapeMarkup } from '../figure/escape-markup.ts';

/** Markup that is safe to stand as it is. */
export interface Markup {
  readonly markup: string;
}

type Value = string | number | Markup | readonly Markup[];

/** html`<p>${text}</p>`: texts and numbers are escaped, for elements and for quoted attributes. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Markup {
  const parts = strings.map((text, i) => (i === 0 ? text : `${valueMarkup(values[i - 1] as Value)}${text}`));
  return { markup: parts.join('') };
}

/** Markup made elsewhere, by code that has escaped its texts. */
export function trusted(markup: string): Markup {
  return { markup };
}

/** The element around `code`, which is ours; an array, since bundlers take a template with its end tag for something to be changed. */
export function scriptMarkup(code: string, attributes = ''): Markup {
  return trusted(['<script', attributes, '>', code, '</', 'script>'].join(''));
}

export const nothing: Markup = { markup: '' };

function valueMarkup(value: Value): string {
  if (typeof value === 'string' || typeof value === 'number') return escapeMarkup(String(value));
  return 'markup' in value ? value.markup : value.map(({ markup }) => markup).join('\n');
}
