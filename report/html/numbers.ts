// How each number was made, as HTML: all its digits, key and digest, and the stages below it.
import type { CellResult, Provenance, RunResult } from '../../contract/result.ts';
import { namedLabel } from '../numbers/label.ts';
import { formatNumber } from '../numbers/number.ts';
import type { Table, TableEntry } from '../table/table.ts';
import { html, type Markup, nothing } from './markup.ts';
import { numberAnchor } from './table.ts';

/** A foldable part for each number of the table, under the anchor that the table links to. */
export function numbersHtml(result: RunResult, table: Table): Markup {
  const chains = new Chains(result.provenance);
  const parts = table.rows.flatMap((row, i) =>
    row.entries.map((entry, j) => {
      if (entry === null) return nothing;
      const rowName = row.labels.map((label, at) => namedLabel(table.row_axes[at] ?? '', label));
      const columnName = (table.columns[j] ?? []).map((label, at) => namedLabel(table.column_axes[at] ?? '', label));
      const name = [...rowName, ...columnName].join(' · ');
      return numberHtml(numberAnchor(i, j), name, entry, result, chains);
    }),
  );
  return html`${parts}`;
}

function numberHtml(anchor: string, name: string, entry: TableEntry, result: RunResult, chains: Chains): Markup {
  const value = entry.value === null ? 'no value' : formatNumber(entry.value);
  const runs = entry.cells.length === 1 ? '' : ` (mean of ${entry.measured} runs)`;
  const cells = entry.cells.map((i) => cellHtml(result.cells[i] as CellResult, entry.cells.length > 1, chains));
  return html`<details id="${anchor}"><summary>${name}: <strong>${value}</strong>${runs}</summary>
<div class="inside">${cells}</div></details>`;
}

function cellHtml(cell: CellResult, named: boolean, chains: Chains): Markup {
  const rows: [string, Markup | string | null][] = [
    [cell.metric, cell.value === null ? null : String(cell.value)],
    ['no value', cell.error],
    ['standard error', cell.stderr === null ? null : String(cell.stderr)],
    ['rests on', cell.n === null ? null : `${cell.n} tokens`],
    ['the paper', cell.paper === null ? null : String(cell.paper)],
    ['cell', html`<code>${cell.name}</code>`],
    ['cache key', cell.key === null ? null : html`<code>${cell.key}</code>`],
    ['digest of the metrics', cell.digest === null ? null : html`<code>${cell.digest}</code>`],
    ['made by', cell.key === null ? null : chains.html(cell.key)],
  ];
  const shown = rows.flatMap(([term, text]) => (text === null ? [] : [html`<dt>${term}</dt><dd>${text}</dd>`]));
  return html`${named ? html`<h3>${cell.name}</h3>` : nothing}<dl>${shown}</dl>`;
}

/** The nodes below a cache key, each linked to the section that describes it. */
class Chains {
  readonly #provenance: Provenance | null;
  readonly #owners = new Map<string, number>();

  constructor(provenance: Provenance | null) {
    this.#provenance = provenance;
    for (const [i, node] of (provenance?.nodes ?? []).entries()) {
      for (const unit of node.units) {
        const key = provenance?.units[unit]?.key ?? '';
        if (!this.#owners.has(key)) this.#owners.set(key, i);
      }
    }
  }

  /** What reads comes before what it reads; null when nothing is known. */
  html(key: string): Markup | null {
    const owner = this.#owners.get(key);
    if (owner === undefined || this.#provenance === null) return null;
    const { nodes } = this.#provenance;
    const seen = new Set([owner]);
    for (const i of seen) for (const from of Object.values(nodes[i]?.inputs ?? {})) seen.add(from);
    const links = [...seen]
      .sort((a, b) => b - a)
      .map((i, at) => html`${at === 0 ? '' : ' ← '}<a href="#node-${i + 1}">${nodes[i]?.id ?? ''}</a>`);
    return html`${links}`;
  }
}
