// Two runs side by side: what `lamina diff` says.
import { diffHtml } from '../../report/diff/html.ts';
import { html } from '../../report/html/markup.ts';
import { UserError } from '../../util/errors.ts';
import { type Asked, commandHtml, type Drawn, live, runField, sentences } from './view.ts';

export async function diffView({ facts, query, alone }: Asked): Promise<Drawn> {
  const [first = '', second = ''] = [...query.all('run'), query.text('a'), query.text('b')].filter(
    (name) => name !== '',
  );
  const names = alone ? [] : await facts.results();
  const form = live(
    alone,
    html`<form class="bar" method="get" action="/diff">${runField(names, first, 'before', 'a')}${runField(names, second, 'after', 'b')}<button>compare</button></form>`,
  );
  const title = 'Compare';
  if (first === '' || second === '')
    return {
      title,
      body: html`<h1>Compare</h1>${form}<p>Name two runs, or choose two in the <a href="/runs">list of runs</a>.</p>`,
      follows: null,
    };
  try {
    const view = await facts.diff(first, second);
    const more = query.all('run').length > 2 ? ['only the first two that were chosen are compared'] : [];
    const body = html`${form}${sentences(more, 'remarks')}${diffHtml(view)}${live(alone, commandHtml(`lamina diff ${first} ${second}`))}`;
    return { title: `${view.before} → ${view.after}`, body, follows: [first, second] };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { title, body: html`<h1>Compare</h1>${form}${sentences([error.message])}`, follows: [first, second] };
  }
}
