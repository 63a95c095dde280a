// The stages of a result as HTML: what they took, and for each node its parameters, inputs, units and digests.
import type { Provenance, ProvenanceNode, ProvenanceUnit, StageTiming } from '../../contract/result.ts';
import type { Json, JsonObject } from '../../contract/stage.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import type { StageGroup } from '../figure/stage-graph.ts';
import { html, type Markup, nothing } from './markup.ts';

/** What each stage took, in plan order. */
export function timingsHtml(timings: readonly StageTiming[]): Markup {
  const rows = timings.map((timing, i) => {
    const { stage, use, units, cached, ran, missing, duration_ms, longest_ms, ran_ms, peak_rss_bytes } = timing;
    const peak = peak_rss_bytes > 0 ? formatBytes(peak_rss_bytes) : '';
    return html`<tr><th scope="row"><a href="#stage-${i + 1}">${stage}</a></th><td>${use}</td><td class="num">${units}</td>
<td class="num">${cached}</td><td class="num">${ran}</td><td class="num">${missing}</td>
${timeCell(ran_ms)}${timeCell(duration_ms)}${timeCell(longest_ms)}<td class="num" data-value="${peak_rss_bytes}">${peak}</td></tr>`;
  });
  const heads = [
    'stage',
    'definition',
    'units',
    'cached',
    'ran',
    'missing',
    'this run',
    'all work',
    'longest unit',
    'peak memory',
  ];
  const head = heads.map((text, i) => html`<th scope="col"${i > 1 ? html` class="num"` : nothing}>${text}</th>`);
  return html`<div class="wide" tabindex="0" role="region" aria-label="timings"><table class="sortable small">
<caption>Units of work by stage. "This run" is the time of what ran now, "all work" what all units took when they were made.</caption>
<thead><tr>${head}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

function timeCell(duration_ms: number): Markup {
  return html`<td class="num" data-value="${duration_ms}">${formatDuration(duration_ms)}</td>`;
}

/** A section for each stage, with a foldable part for each of its nodes. */
export function stagesHtml(groups: readonly StageGroup[], provenance: Provenance): Markup {
  const owners = unitOwners(provenance);
  const sections = groups.map(({ stage, use, nodes }, i) => {
    const parts = nodes.map((node) => nodeHtml(node, provenance, owners));
    return html`<section aria-labelledby="stage-${i + 1}"><h3 id="stage-${i + 1}">${stage} <span class="faint">${use}</span></h3>${parts}</section>`;
  });
  return html`${sections}`;
}

/** The first node of each unit: there the unit is told, others that share it link to it. */
function unitOwners({ nodes }: Provenance): Map<number, number> {
  const owners = new Map<number, number>();
  for (const [i, node] of nodes.entries()) for (const unit of node.units) if (!owners.has(unit)) owners.set(unit, i);
  return owners;
}

function nodeHtml(index: number, provenance: Provenance, owners: ReadonlyMap<number, number>): Markup {
  const node = provenance.nodes[index] as ProvenanceNode;
  const units = node.units.map((i) => provenance.units[i] as ProvenanceUnit);
  const [first] = units;
  const inputs = Object.entries(node.inputs).map(
    ([name, from]) =>
      html`<dt>input ${name}</dt><dd><a href="#node-${from + 1}">${provenance.nodes[from]?.id ?? ''}</a></dd>`,
  );
  const sources = Object.entries(first?.sources ?? {}).map(
    ([name, digest]) =>
      html`<dt>file ${name}</dt><dd>SHA-256 <code>${digest}</code>${originHtml(node.origins[name])}</dd>`,
  );
  const shared = sharedParams(units.map((unit) => provenance.params[unit.params] ?? {}));
  const params = Object.entries(shared).map(
    ([name, value]) => html`<dt>${name}</dt><dd><code>${valueText(value)}</code>${originHtml(node.origins[name])}</dd>`,
  );
  const count = units.length === 1 ? '' : ` · ${units.length} units`;
  return html`<details id="node-${index + 1}"><summary>${node.id}${count}</summary><div class="inside">
<dl><dt>declared at</dt><dd><code>${node.origin}</code></dd>${first === undefined ? nothing : settingsHtml(first)}${inputs}${sources}${params}</dl>
${units.length === 0 ? html`<p class="faint">none of its units has a result</p>` : unitsHtml(node, index, shared, provenance, owners)}</div></details>`;
}

function settingsHtml({ version, seed, numerics }: ProvenanceUnit): Markup {
  const seedHtml = seed === null ? nothing : html`<dt>seed</dt><dd>${seed}</dd>`;
  if (numerics === null) return html`<dt>version</dt><dd>${version}</dd>${seedHtml}`;
  const { backend, provider, precision, threads } = numerics;
  const text = `${backend} on ${provider}, ${precision}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  return html`<dt>version</dt><dd>${version}</dd>${seedHtml}<dt>numerics</dt><dd>${text}</dd>`;
}

function originHtml(origin: string | undefined): Markup {
  return origin === undefined
    ? html` <span class="faint small">default</span>`
    : html` <span class="faint small">${origin}</span>`;
}

/** The parameters that all units have with the same value. */
function sharedParams(all: readonly JsonObject[]): JsonObject {
  const [first = {}, ...others] = all;
  const same = Object.entries(first).filter(([name, value]) => {
    const text = JSON.stringify(value);
    return others.every((params) => JSON.stringify(params[name]) === text);
  });
  return Object.fromEntries(same);
}

function unitsHtml(
  node: ProvenanceNode,
  index: number,
  shared: JsonObject,
  { params, units }: Provenance,
  owners: ReadonlyMap<number, number>,
): Markup {
  const rows = node.units.map((i) => {
    const unit = units[i] as ProvenanceUnit;
    if (owners.get(i) !== index)
      return html`<tr><th scope="row"><a href="#unit-${i + 1}">${unitName(unit)}</a></th><td colspan="3">shared, told there</td></tr>`;
    const own = Object.entries(params[unit.params] ?? {}).filter(([name]) => !(name in shared));
    const text = own.map(([name, value]) => `${name}=${valueText(value)}`).join(', ');
    const made = Object.entries(unit.outputs).map(
      ([name, digest]) => html`${name} <code class="hex" tabindex="0">${digest}</code> `,
    );
    return html`<tr id="unit-${i + 1}"><th scope="row">${unitName(unit)}</th><td>${text}</td><td><code class="hex" tabindex="0">${unit.key}</code></td><td>${made}</td></tr>`;
  });
  return html`<div class="wide"><table class="small"><caption class="hidden">units of ${node.id}</caption><thead><tr>
<th scope="col">unit</th><th scope="col">its own parameters</th><th scope="col">cache key</th><th scope="col">made</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function unitName({ unit }: ProvenanceUnit): string {
  return unit === '' ? 'whole' : unit;
}

function valueText(value: Json | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
