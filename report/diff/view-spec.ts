// The differences of two specs in words.
import type { Origin } from '../../contract/plan.ts';
import type { Json } from '../../contract/stage.ts';
import type { SpecChange } from './changes.ts';
import type { Values } from './side.ts';
import type { SpecDiff } from './spec.ts';

export interface SpecRow {
  /** `tuned.lr`. */
  what: string;
  /** `2e-5 → 1e-5`. */
  change: string;
  /** `4 cells`, or the name of the only one; empty for what is not about cells. */
  cells: string;
  /** Where the values were written: `x.yaml@HEAD:41:15 → x.yaml:41:15`; empty where nothing says so. */
  places: string;
}

const longestValue = 60;
const mostListed = 6;

/** `3 differences`, or that there are none. */
export function specSummary({ changes, whole }: SpecDiff): string {
  if (changes.length > 0) return `${changes.length} ${changes.length === 1 ? 'difference' : 'differences'}`;
  return whole ? 'no difference' : 'no difference in axes and cells';
}

/** One difference; `total` cells are on both sides. */
export function specRow(change: SpecChange, total: number): SpecRow {
  return { what: whatOf(change), change: changeOf(change), cells: cellsOf(change, total), places: placesOf(change) };
}

function whatOf({ kind, stages, name }: SpecChange): string {
  const [first = ''] = stages;
  const others = stages.length > 1 ? ` (+${stages.length - 1} ${stages.length === 2 ? 'stage' : 'stages'})` : '';
  switch (kind) {
    case 'param':
      return `${first}.${name}${others}`;
    case 'source':
      return `bytes of ${first}.${name}${others}`;
    case 'wiring':
      return `${first}.in.${name}${others}`;
    case 'stage':
      return name === 'stage' ? `stage ${first}` : `${first} ${name}`;
    case 'numerics':
      return `numerics.${name}`;
    case 'table':
      return `table.${name}`;
    case 'paper':
      return `paper's ${name}`;
    case 'claim':
      return `claim '${cut(name)}'`;
    default:
      return name;
  }
}

function changeOf({ kind, name, before, after }: SpecChange): string {
  if (kind === 'cells')
    return [countText(before, 'gone'), countText(after, 'new')].filter((text) => text !== '').join(', ');
  const one = before.length === 0 ? 'new' : 'gone';
  if (kind === 'claim' && before.length + after.length === 1) return one;
  if (kind === 'stage' && name === 'stage') return `${one} (${listText([...before, ...after])})`;
  if (kind === 'axis') {
    const parts = [
      before.length > 0 ? `gone: ${listText(before)}` : '',
      after.length > 0 ? `new: ${listText(after)}` : '',
    ];
    return parts.filter((text) => text !== '').join('; ');
  }
  return `${listText(before)} → ${listText(after)}`;
}

function countText(values: Values, word: string): string {
  return values.length === 0 ? '' : `${values.length} ${word}`;
}

/** `5, 20`; long lists are cut. */
function listText(values: Values): string {
  if (values.length === 0) return '(none)';
  const shown = values.slice(0, mostListed).map(valueText).join(', ');
  return values.length > mostListed ? `${shown} and ${values.length - mostListed} more` : shown;
}

/** `2e-5`, `T_next`, `[1,2]`. */
export function valueText(value: Json): string {
  if (typeof value === 'string') return value === '' ? "''" : cut(value);
  if (typeof value === 'number' && value !== 0 && Math.abs(value) < 1e-3) return value.toExponential();
  return cut(JSON.stringify(value));
}

function cut(text: string): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > longestValue ? `${line.slice(0, longestValue - 1)}…` : line;
}

function cellsOf({ kind, cells }: SpecChange, total: number): string {
  if (cells.length === 0 || kind === 'paper') return '';
  if (cells.length === total) return total === 1 ? 'the cell' : `all ${total} cells`;
  return cells.length === 1 ? (cells[0] ?? '') : `${cells.length} cells`;
}

function placesOf({ kind, before, after, origin_before, origin_after }: SpecChange): string {
  const [old, now] = [placeText(origin_before), placeText(origin_after)];
  if (old === now) return old;
  const missing = kind === 'param' || kind === 'source' ? 'default' : '';
  const known = (text: string, values: Values) => (text === '' && values.length > 0 ? missing : text);
  const parts = [known(old, before), known(now, after)].filter((text) => text !== '');
  return parts.join(' → ');
}

function placeText(origin: Origin | null): string {
  if (origin === null) return '';
  if (origin.line === 0) return origin.file;
  return `${origin.file}:${origin.line}${origin.column === 0 ? '' : `:${origin.column}`}`;
}
