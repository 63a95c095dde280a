// Why a stage would run, or what a number was made of, as `lamina why` says it; and the commands to type.
import { html, type Markup, nothing } from '../../report/html/markup.ts';
import { address } from './address.ts';
import { elsewhere } from './result.ts';
import { type Asked, choices, chooser, commandHtml, type Drawn, linkTo, sentences } from './view.ts';

const path = '/why';
const most = 500;

export async function whyView(asked: Asked): Promise<Drawn> {
  const { facts, query, alone } = asked;
  const run = query.text('run');
  if (run === '') return { title: 'Why', body: html`<h1>Why</h1>${await choices(asked, path)}`, follows: [] };
  const subject = query.text('subject');
  const { name, stages, cells, text, commands, warnings } = await facts.why(run, subject);
  const field = html`<label>stage or cell <input name="subject" value="${subject}" list="subjects" size="28" autocomplete="off"></label>
<datalist id="subjects">${[...stages, ...cells].slice(0, most).map((each) => html`<option value="${each}"></option>`)}</datalist>`;
  const list = (names: readonly string[]): Markup =>
    html`<ul class="choices">${names.slice(0, most).map((each) => html`<li>${linkTo(alone, address(path, { run: name, subject: each }), each)}</li>`)}</ul>`;
  const answer =
    text === ''
      ? html`<h2>Stages</h2>${list(stages)}<h2>Cells</h2>${list(cells)}`
      : html`<pre class="log" tabindex="0">${text}</pre>`;
  const body = html`${await chooser(asked, path, name, field)}<h1>${subject === '' ? 'Why' : `Why ${subject}`}</h1>${elsewhere(name, alone)}
${sentences(warnings)}${answer}
<h2>Commands</h2>${commands.map(({ command }) => commandHtml(command))}${nothing}`;
  return { title: `Why ${subject}`, body, follows: null };
}
