// What the store takes, by stage, by experiment, by run; and what a collection would free, without freeing it.
import { html, type Markup, nothing } from '../../report/html/markup.ts';
import type { Usages } from '../../store/upkeep/usage.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import type { CollectionFacts, CollectionQuery } from '../facts.ts';
import { type Asked, commandHtml, type Drawn, live, scrolling } from './view.ts';

const most = 50;

export async function storeView({ facts, query, alone }: Asked): Promise<Drawn> {
  const keep = query.number('keep_last', 0, -1);
  const wanted: CollectionQuery = {
    intermediate: query.text('intermediate') === '1',
    keep_last: keep < 0 ? null : keep,
  };
  const found = await facts.usage(wanted);
  const beside = [
    found.scratch > 0 ? `state to go on from ${formatBytes(found.scratch)}` : '',
    found.logs > 0 ? `logs ${formatBytes(found.logs)}` : '',
    found.quarantine > 0 ? `damaged, put aside ${formatBytes(found.quarantine)}` : '',
    found.free_bytes === null ? '' : `free on the disk ${formatBytes(found.free_bytes)}`,
  ].filter((part) => part !== '');
  const body = html`<h1>Store</h1>
<p><code>${found.folder}</code>: <strong>${formatBytes(found.size_bytes)}</strong> in ${found.artifacts} artifacts of ${found.records} units${beside.length === 0 ? nothing : html` · ${beside.join(' · ')}`}</p>
${found.records === 0 ? html`<p>Nothing is in it yet.</p>` : nothing}
<div class="side">${usageHtml('stage', found.stages)}${usageHtml('experiment', found.experiments)}${usageHtml('run', found.runs)}</div>
<h2>What a collection would free</h2>${live(alone, formHtml(wanted))}${collectionHtml(found.collection)}`;
  return { title: 'Store', body, follows: null };
}

function usageHtml(what: string, { owners, shared_bytes, unowned_bytes }: Usages): Markup {
  if (owners.length === 0) return nothing;
  const largest = Math.max(1, ...owners.map(({ size_bytes }) => size_bytes));
  const rows = owners.slice(0, most).map(
    ({
      name,
      records,
      size_bytes,
      own_bytes,
    }) => html`<tr><th scope="row">${name}</th><td class="num">${records}</td><td class="num">${formatBytes(size_bytes)}</td>
<td class="num">${formatBytes(own_bytes)}</td><td><meter min="0" max="${largest}" value="${size_bytes}">${formatBytes(size_bytes)}</meter></td></tr>`,
  );
  const rest = [
    shared_bytes > 0 ? `${formatBytes(shared_bytes)} shared by several` : '',
    unowned_bytes > 0 ? `${formatBytes(unowned_bytes)} of none of them` : '',
    owners.length > most ? `${owners.length - most} more` : '',
  ].filter((part) => part !== '');
  return html`<section><h2>By ${what}</h2>${scrolling(`bytes by ${what}`, html`<table class="small"><thead><tr><th scope="col">${what}</th><th scope="col" class="num">units</th><th scope="col" class="num">bytes</th><th scope="col" class="num">alone</th><th scope="col"></th></tr></thead><tbody>${rows}</tbody></table>`)}
<p class="faint">${rest.join(' · ')}</p></section>`;
}

function formHtml({ intermediate, keep_last }: CollectionQuery): Markup {
  return html`<form class="bar" method="get" action="/store"><label>keep the last <input name="keep_last" type="number" min="0" max="999999" value="${keep_last === null ? '' : keep_last}"> runs of each experiment</label>
<label><input type="checkbox" name="intermediate" value="1"${intermediate ? html` checked` : nothing}> with what every reader has used</label><button>look</button></form>`;
}

function collectionHtml({ command, kept, dropped, freed_bytes, groups, loose }: CollectionFacts): Markup {
  const runs = `${kept} ${kept === 1 ? 'run' : 'runs'} kept${dropped > 0 ? `, ${dropped} not` : ''}`;
  if (freed_bytes === 0 && groups.length === 0 && loose === 0) return html`<p>Nothing: ${runs}.</p>`;
  const rows = groups.slice(0, most).map(({ experiment, stage, reason, units, size_bytes, duration_ms }) => {
    const why = reason === 'unused' ? 'no kept run has it' : 'used by all that read it; its record stays';
    return html`<tr><th scope="row">${experiment} ${stage}</th><td class="num">${units}</td><td class="num">${formatBytes(size_bytes)}</td><td class="num">${formatDuration(duration_ms)}</td><td>${why}</td></tr>`;
  });
  const table = scrolling(
    'what would go',
    html`<table class="small"><thead><tr><th scope="col">stage</th><th scope="col" class="num">units</th><th scope="col" class="num">bytes</th><th scope="col" class="num">made in</th><th scope="col">why</th></tr></thead><tbody>${rows}</tbody></table>`,
  );
  const left = loose > 0 ? html`<p>${loose} artifacts without a record, left by a kill.</p>` : nothing;
  return html`<p>It would free <strong>${formatBytes(freed_bytes)}</strong>: ${runs}. This page frees nothing; the command does:</p>${commandHtml(command)}${table}${left}`;
}
