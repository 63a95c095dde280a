// One number followed down to its data: every stage below it, with its parameters and the lines of the spec that gave them.
import type { CellResult, ProvenanceNode, ProvenanceUnit, RunResult } from '../../contract/result.ts';
import type { Json, JsonObject } from '../../contract/stage.ts';
import { html, type Markup, nothing } from './markup.ts';

/** The units of one node that a number rests on. */
interface Step {
  /** Its place in the provenance. */
  index: number;
  node: ProvenanceNode;
  units: readonly ProvenanceUnit[];
}

/** The chain of a cell, what reads before what it reads; nothing where it is not known. */
export function chainHtml(result: RunResult, cell: CellResult): Markup {
  const steps = stepsBelow(result, cell);
  if (steps.length === 0) return html`<p class="faint">how this number was made is not known</p>`;
  const params = result.provenance?.params ?? [];
  return html`<ol class="chain">${steps.map((step) => stepHtml(step, steps, params))}</ol>`;
}

function stepHtml({ node, units }: Step, steps: readonly Step[], all: readonly JsonObject[]): Markup {
  const [first] = units;
  const reads = Object.entries(node.inputs).flatMap(([name, from]) => {
    const below = steps.find(({ index }) => index === from);
    return below === undefined ? [] : [html`<dt>reads ${name}</dt><dd>${below.node.id}</dd>`];
  });
  const sources = Object.entries(first?.sources ?? {}).map(
    ([name, digest]) =>
      html`<dt>data ${name}</dt><dd>SHA-256 <code>${digest}</code>${originHtml(node.origins[name])}</dd>`,
  );
  const params = Object.entries(all[first?.params ?? -1] ?? {}).map(
    ([name, value]) => html`<dt>${name}</dt><dd><code>${valueText(value)}</code>${originHtml(node.origins[name])}</dd>`,
  );
  const count = units.length === 1 ? nothing : html` <span class="faint">${units.length} units</span>`;
  const made = units.map(
    ({ unit, key }) => html`<dt>key${unit === '' ? '' : ` of ${unit}`}</dt><dd><code>${key}</code></dd>`,
  );
  const seed = first?.seed === null || first === undefined ? nothing : html`<dt>seed</dt><dd>${first.seed}</dd>`;
  return html`<li><details><summary><strong>${node.id}</strong> <span class="faint">${node.use}</span>${count}
<code class="place">${node.origin}</code></summary><div class="inside"><dl>${reads}${sources}${seed}${params}${made}</dl></div></details></li>`;
}

/** The nodes below the one that holds the cell's key, the last of the plan first. */
function stepsBelow({ provenance }: RunResult, { key }: CellResult): Step[] {
  if (provenance === null || key === null) return [];
  const { nodes, units } = provenance;
  const top = nodes.findIndex((node) => node.units.some((unit) => units[unit]?.key === key));
  if (top < 0) return [];
  const seen = new Set([top]);
  for (const i of seen) for (const from of Object.values(nodes[i]?.inputs ?? {})) seen.add(from);
  return [...seen]
    .sort((a, b) => b - a)
    .flatMap((i) => {
      const node = nodes[i];
      return node === undefined ? [] : [{ index: i, node, units: node.units.flatMap((unit) => units[unit] ?? []) }];
    });
}

function originHtml(origin: string | undefined): Markup {
  if (origin === undefined) return html` <span class="faint small">default</span>`;
  return html` <span class="faint small place">${origin}</span>`;
}

function valueText(value: Json | undefined): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}
