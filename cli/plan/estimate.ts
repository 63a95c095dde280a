// What a plan will take, as text: the table of work per stage, and what it rests on.
import { wrapText } from '../../report/numbers/text-width.ts';
import type { Foreseen } from '../../runner/estimate/by-history.ts';
import { diskBytesPerSecond, type Estimate, type StageEstimate } from '../../runner/estimate/estimate.ts';
import type { JointWork, StageWork } from '../../runner/estimate/work.ts';
import { formatBytes, formatDuration } from '../../util/amounts.ts';
import { alignNumbers } from '../common/columns.ts';
import { countOf } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';

/** The table of all stages; with an estimate also what the units that are left will take, and a line of totals. */
export function workLines({ stages }: JointWork, estimate: Estimate | undefined, out: Output): string[] {
  const columns = estimate === undefined ? [] : ['PFLOP', 'time', 'memory', 'disk'];
  const head = ['stage', 'requested', 'distinct', 'cached', 'to run', ...columns];
  const rows = stages.map((work) => [...countsOf(work), ...(estimate === undefined ? [] : amountsOf(work, estimate))]);
  const totals = [...countsOf(totalOf(stages)), ...(estimate === undefined ? [] : totalsOf(estimate))];
  const [first = '', ...rest] = alignNumbers(withoutIdle([head, ...rows, totals], stages));
  return [out.paint.faint(first), ...rest];
}

/** Leaves out the columns that say nothing: `requested` where nothing is shared, `cached` where nothing is. */
function withoutIdle(rows: string[][], stages: readonly StageWork[]): string[][] {
  const isIdle = [
    false,
    stages.every(({ requested, distinct }) => requested === distinct),
    false,
    stages.every(({ cached }) => cached === 0),
  ];
  return rows.map((row) => row.filter((_, i) => isIdle[i] !== true));
}

function countsOf({ stage, requested, distinct, cached, run, unknown }: StageWork): string[] {
  // a stage whose units are not known yet is counted as one unit, so what it asks for is at least that
  const least = unknown > 0 ? '≥ ' : '';
  const count = (value: number) => value.toLocaleString('en');
  return [stage, least + count(requested), least + count(distinct), count(cached), least + count(run)];
}

function totalOf(stages: readonly StageWork[]): StageWork {
  const total = { stage: 'total', requested: 0, distinct: 0, cached: 0, run: 0, unknown: 0 };
  for (const stage of stages) {
    for (const name of ['requested', 'distinct', 'cached', 'run', 'unknown'] as const) total[name] += stage[name];
  }
  return total;
}

function amountsOf({ stage, run }: StageWork, { stages }: Estimate): string[] {
  const found = stages.find((each) => each.stage === stage);
  if (found === undefined || run === 0) return ['', '', '', ''];
  if (found.units === 0) return ['?', '?', '?', '?'];
  const least = found.unknown > 0 ? '≥ ' : '';
  const memory = `${formatBytes(found.memory_bytes)}${found.fits ? '' : ' !'}`;
  const disk = formatBytes(found.written_bytes);
  return [least + formatPeta(found.flops), least + formatLong(found.duration_ms), memory, least + disk];
}

function totalsOf({ total, stages }: Estimate): string[] {
  const least = stages.some(({ unknown }) => unknown > 0) ? '≥ ' : '';
  const { flops, duration_ms, memory_bytes, written_bytes } = total;
  return [
    least + formatPeta(flops),
    least + formatLong(duration_ms),
    formatBytes(memory_bytes),
    least + formatBytes(written_bytes),
  ];
}

/** The one line that takes the table's place where earlier attempts tell. */
export function foreseenLine({ duration_ms, written_bytes, past }: Foreseen): string {
  const taken = `${formatDuration(duration_ms)} of work and ${formatBytes(written_bytes)} to keep`;
  return `about ${taken}, by the time that ${countOf(past, 'earlier attempt')} took for ${past === 1 ? 'its' : 'their'} operations and bytes`;
}

/** What the figures are for, what they assume, and what they leave out. */
export function basisLines(estimate: Estimate, out: Output): string[] {
  const { options, stages, assumed } = estimate;
  const { device, utilisation } = options;
  const peak = `${Number((device.flops_per_second / 1e12).toPrecision(3)).toLocaleString('en')} TFLOP/s`;
  const products =
    device.products === '16 bits' ? 'matrix products of 16 bits' : `matrix products in ${device.products}`;
  const lines = [
    `time on ${device.title}, ${formatBytes(device.memory_bytes)}: ${Number((100 * utilisation).toPrecision(3))} % of ${peak}`,
    `  the peak is that of ${products}, ${device.source}; the share of it is assumed, not measured`,
    '  every number that is kept is float32; the lengths of records count without padding',
    ...assumed.map((phrase) => `  assumed: ${phrase}`),
    '  memory: the largest attempt, with records of max_length tokens; disk: outputs, which the store keeps',
    `  ${device.name === 'cpu' ? 'all cores at work' : 'one attempt after the other'}; files at ${formatBytes(diskBytesPerSecond)}/s, downloads not counted`,
    ...(device.name === 'cpu' ? [] : ['  with --provider cuda; by default lamina computes on the CPU']),
    ...(device.name === 'cpu' ? [] : stages.filter(({ fits }) => !fits).map((stage) => doesNotFit(stage, device))),
    ...listed('  not counted, since their cost is not known: ', unknownStages(stages)),
  ];
  const wrap = (line: string) => wrapText(line, out.width() ?? Number.POSITIVE_INFINITY, '    ');
  return lines.flatMap((line) => wrap(line).map((part) => (line.startsWith('  !') ? out.paint.bad(part) : part)));
}

function doesNotFit({ stage, memory_bytes, fitting }: StageEstimate, device: { name: string; memory_bytes: number }) {
  const sizes = `${formatBytes(memory_bytes)} of ${formatBytes(device.memory_bytes)}`;
  const { param, value } = fitting ?? {};
  const way = value === undefined ? `not with ${param} 1 either` : `with ${param} ${value} it would`;
  return `  ! ${stage} does not fit on ${device.name}: ${sizes}${param === undefined ? '' : `; ${way}`}`;
}

function unknownStages(stages: readonly StageEstimate[]): string[] {
  return stages.filter(({ unknown }) => unknown > 0).map(({ stage, unknown }) => `${stage} (${unknown})`);
}

/** Sources that units wait for, and why they cannot be had. */
export function absentLines({ absent }: JointWork): string[] {
  const reasons = new Set(absent.map(({ reason }) => reason));
  return [...reasons].flatMap((reason) => [
    `not here, ${reason}:`,
    ...absent.filter((each) => each.reason === reason).map(({ source }) => `  ${source}`),
  ]);
}

function listed(before: string, names: readonly string[]): string[] {
  return names.length === 0 ? [] : [before + names.join(', ')];
}

/** `1,234`, `56.7`, `0.0012`: three digits. */
function formatPeta(flops: number): string {
  return Number((flops / 1e15).toPrecision(3)).toLocaleString('en', { maximumFractionDigits: 6 });
}

/** `12 s`, `34 min`, `5 h 12 min`, `12 d 4 h`: what an estimate can say. */
export function formatLong(duration_ms: number): string {
  const seconds = Math.ceil(duration_ms / 1000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${hours} h ${minutes % 60} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
