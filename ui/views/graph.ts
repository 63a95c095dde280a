// The graph of a run, live: a stage is one box however large its grid, and opens into its nodes; what runs, for how long, and its log.
import { drawBoxes, type GraphBox } from '../../report/figure/stage-graph.ts';
import { html, type Markup, nothing, trusted } from '../../report/html/markup.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import type { GraphFacts, GraphNode, RunningUnit } from '../facts.ts';
import { address, type Query } from './address.ts';
import { elsewhere } from './result.ts';
import { type Asked, choices, chooser, type Drawn, linkTo, live, scrolling, sentences } from './view.ts';

const path = '/graph';
/** An open stage of more nodes than this is a list below the picture, and one box in it. */
const mostBoxes = 16;
const perPage = 200;
const mostRunning = 50;

export async function graphView(asked: Asked): Promise<Drawn> {
  const { facts, query, alone } = asked;
  const run = query.text('run');
  if (run === '') return { title: 'Graph', body: html`<h1>Graph</h1>${await choices(asked, path)}`, follows: [] };
  const graph = await facts.graph(run);
  const open = new Set(query.all('open'));
  const body = html`${await chooser(asked, path, graph.name)}
<h1>${graph.name}</h1>${elsewhere(graph.name, alone)}
${sentences(graph.remarks)}${headHtml(graph)}
${await pictureHtml(graph, open, query, alone)}
${runningHtml(graph, alone)}${failuresHtml(graph, alone)}
${stagesOf(graph)
  .filter(({ stage }) => open.has(stage))
  .map((group) => nodesHtml(group, graph, query, alone))}`;
  return { title: `Graph of ${graph.name}`, body, follows: [graph.name] };
}

interface Stage {
  stage: string;
  use: string;
  /** Indexes of its nodes. */
  nodes: readonly number[];
}

function stagesOf({ nodes }: GraphFacts): Stage[] {
  const groups = new Map<string, number[]>();
  nodes.forEach(({ stage }, i) => {
    const group = groups.get(stage);
    if (group === undefined) groups.set(stage, [i]);
    else group.push(i);
  });
  return [...groups].map(([stage, indexes]) => ({ stage, use: nodes[indexes[0] ?? 0]?.use ?? '', nodes: indexes }));
}

type Counts = Pick<GraphNode, 'units' | 'cached' | 'ran' | 'running' | 'failed' | 'blocked'>;

function sumOf(nodes: readonly GraphNode[]): Counts {
  const sum = (of: (node: GraphNode) => number) => nodes.reduce((total, node) => total + of(node), 0);
  return {
    units: nodes.some(({ units }) => units === null) ? null : sum(({ units }) => units ?? 0),
    cached: sum(({ cached }) => cached),
    ran: sum(({ ran }) => ran),
    running: sum(({ running }) => running),
    failed: sum(({ failed }) => failed),
    blocked: sum(({ blocked }) => blocked),
  };
}

/** `12 of 40 · 3 running · 1 failed`. */
function countsText({ units, cached, ran, running, failed, blocked }: Counts): string {
  const over = cached + ran;
  const parts = [
    units === null ? `${over} of an unknown number` : `${over} of ${units}`,
    cached > 0 ? `${cached} cached` : '',
    running > 0 ? `${running} running` : '',
    failed > 0 ? `${failed} failed` : '',
    blocked > 0 ? `${blocked} not reached` : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

function headHtml({ status, status_text, units, finished, elapsed_ms, left_ms, running }: GraphFacts): Markup {
  const parts = [
    status_text,
    `${finished} of ${units} units`,
    elapsed_ms === null ? '' : formatDuration(elapsed_ms),
    left_ms === null ? '' : `about ${formatDuration(left_ms)} left`,
  ];
  const share = units === 0 ? 0 : finished / units;
  const bar =
    status === 'running'
      ? html`<progress max="1" value="${share}" aria-label="units that are over">${Math.round(100 * share)} %</progress>`
      : nothing;
  const waiting =
    status === 'running' && running.length === 0
      ? html`<p class="faint">Nothing is worked on at the moment.</p>`
      : nothing;
  return html`<p aria-live="polite" id="state">${parts.filter((part) => part !== '').join(' · ')}</p>${bar}${waiting}`;
}

/** Colours: failed, running, over, waiting. */
function colourOf({ units, cached, ran, running, failed }: Counts): string {
  if (failed > 0) return 'lf-c1';
  if (running > 0) return 'lf-c4';
  return units !== null && cached + ran >= units && units > 0 ? 'lf-c2' : 'lf-ink';
}

async function pictureHtml(
  graph: GraphFacts,
  open: ReadonlySet<string>,
  query: Query,
  alone: boolean,
): Promise<Markup> {
  if (graph.nodes.length === 0) return nothing;
  const boxes: GraphBox[] = [];
  const boxOf = new Map<number, number>();
  for (const { stage, use, nodes } of stagesOf(graph)) {
    const own = nodes.map((i) => graph.nodes[i] as GraphNode);
    const isOpen = open.has(stage) && nodes.length > 1 && nodes.length <= mostBoxes;
    const link = alone ? undefined : openLink(query, open, stage);
    for (const parts of isOpen ? nodes.map((i) => [i]) : [nodes]) {
      for (const i of parts) boxOf.set(i, boxes.length);
      const counts = sumOf(parts.map((i) => graph.nodes[i] as GraphNode));
      const name = isOpen
        ? (graph.nodes[parts[0] as number]?.id ?? stage)
        : stage === use
          ? stage
          : `${stage} (${use})`;
      const grid = !isOpen && own.length > 1 ? [`${own.length} nodes`] : [];
      boxes.push({ lines: [name, ...grid, countsText(counts)], colour: colourOf(counts), link });
    }
  }
  const arrows = new Map<string, [number, number]>();
  graph.nodes.forEach(({ inputs }, i) => {
    for (const from of inputs) {
      const arrow: [number, number] = [boxOf.get(from) ?? 0, boxOf.get(i) ?? 0];
      if (arrow[0] !== arrow[1]) arrows.set(arrow.join(), arrow);
    }
  });
  const footer = 'green: over · yellow: running · orange: something failed · a box opens into its nodes';
  const svg = await drawBoxes('Stages', `The graph of ${graph.name}`, boxes, [...arrows.values()], footer);
  return html`<figure class="graph"><div class="wide" tabindex="0" role="region" aria-label="picture of the stages">${trusted(svg)}</div></figure>`;
}

function openLink(query: Query, open: ReadonlySet<string>, stage: string): string {
  const next = open.has(stage) ? [...open].filter((each) => each !== stage) : [...open, stage];
  return query.with(path, { open: next, nodes: null });
}

function logLink(key: string | null, alone: boolean): Markup {
  return key === null ? nothing : linkTo(alone, address('/log', { key }), 'log');
}

function runningHtml({ running }: GraphFacts, alone: boolean): Markup {
  if (running.length === 0) return nothing;
  const rows = running.slice(0, mostRunning).map((unit) => {
    const share = unit.total > 0 ? Math.min(1, unit.done / unit.total) : 0;
    return html`<tr><th scope="row">${unit.node}</th><td>${unit.unit}</td><td><progress max="1" value="${share}">${Math.round(100 * share)} %</progress></td>
<td class="num">${doneText(unit)}</td><td>${unit.note}</td><td>${logLink(unit.key, alone)}</td></tr>`;
  });
  const more =
    running.length > mostRunning ? html`<p class="faint">and ${running.length - mostRunning} more</p>` : nothing;
  return html`<h2>Running</h2>${scrolling('what is worked on', html`<table><thead><tr><th scope="col">node</th><th scope="col">unit</th><th scope="col">done</th><th scope="col" class="num"></th><th scope="col"></th><th scope="col"></th></tr></thead><tbody>${rows}</tbody></table>`)}${more}`;
}

function doneText({ done, total, of }: RunningUnit): string {
  return total > 0 ? `${of} ${done}/${total}` : '';
}

function failuresHtml({ failures }: GraphFacts, alone: boolean): Markup {
  if (failures.length === 0) return nothing;
  const items = failures.slice(0, perPage).map(({ text, key }) => html`<li>${text} ${logLink(key, alone)}</li>`);
  return html`<h2>Failed</h2><ul class="warnings">${items}</ul>`;
}

/** The nodes of one stage, a page of them. */
function nodesHtml({ stage, use, nodes }: Stage, graph: GraphFacts, query: Query, alone: boolean): Markup {
  const pages = Math.ceil(nodes.length / perPage);
  const at = Math.min(query.number('nodes', 1, 1), pages) - 1;
  const rows = nodes.slice(at * perPage, (at + 1) * perPage).map((i) => {
    const node = graph.nodes[i] as GraphNode;
    const inputs = [...new Set(node.inputs.map((from) => graph.nodes[from]?.id ?? ''))].join(', ');
    return html`<tr><th scope="row">${node.cell === '' ? node.id : node.cell}</th><td>${countsText(node)}</td><td>${inputs}</td>
<td>${linkTo(alone, address('/why', { run: graph.name, subject: node.id }), 'why')}</td></tr>`;
  });
  const more = live(
    alone || pages < 2,
    html`<p class="pages">${at > 0 ? html`<a href="${query.with(path, { nodes: String(at) })}">before</a> ` : nothing}part ${at + 1} of ${pages}${at < pages - 1 ? html` <a href="${query.with(path, { nodes: String(at + 2) })}">next</a>` : nothing}</p>`,
  );
  return html`<section aria-label="${stage}"><h2>${stage} <span class="faint">${use} · ${nodes.length} ${nodes.length === 1 ? 'node' : 'nodes'}</span></h2>
${scrolling(`nodes of ${stage}`, html`<table class="small"><thead><tr><th scope="col">cell</th><th scope="col">units</th><th scope="col">reads</th><th scope="col"></th></tr></thead><tbody>${rows}</tbody></table>`)}${more}</section>`;
}

/** The end of a log. */
export async function logView({ facts, query }: Asked): Promise<Drawn> {
  const { key, attempts, lines, left_bytes } = await facts.log(query.text('key'));
  const last = attempts.at(-1);
  const when =
    last === undefined
      ? ''
      : `last written ${new Date(last.written_ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const before =
    left_bytes > 0 ? html`<p class="faint">${formatBytes(left_bytes)} before this are left out</p>` : nothing;
  const body = html`<h1>Log</h1><p class="faint"><code>${key}</code> · ${attempts.length} ${attempts.length === 1 ? 'attempt' : 'attempts'} · ${when}</p>
${before}<pre class="log" tabindex="0">${lines.join('\n')}</pre>`;
  return { title: 'Log', body, follows: ['log'] };
}
