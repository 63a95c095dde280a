// What rounding the operands of products does: to logits, to a fine-tuning's losses, and to its time on a processor.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type Precision, precisions } from '../tensor/graph/precision.ts';
import { UserError } from '../util/errors.ts';
import { prepareInputs } from './engine/inputs.ts';
import { figure } from './figures.ts';
import { markdownTable } from './markdown-table.ts';
import { root } from './place.ts';

interface PrecisionSettings {
  model: string;
  records: string | undefined;
  steps: number;
  threads: number;
}

/** What was computed in one precision. */
export interface PrecisionSide {
  /** Of the token after each prompt. */
  logits: number[][];
  losses: number[];
  /** Of the fine-tuning. */
  cpu_s: number;
}

interface PrecisionResult {
  model: string;
  steps: number;
  sides: Map<Precision, PrecisionSide>;
}

/** Each precision in a process of its own. */
export async function benchPrecision(
  { model: name, records, steps, threads }: PrecisionSettings,
  say: (line: string) => void,
): Promise<PrecisionResult> {
  const { model, description } = await prepareInputs({ model: name, records, quick: true });
  const sides = new Map<Precision, PrecisionSide>();
  for (const precision of precisions) {
    say(`precision: ${model}, ${precision}, ${steps} steps of sft`);
    sides.set(precision, await sideOf([description, precision, String(steps), String(threads)]));
  }
  return { model, steps, sides };
}

async function sideOf(args: readonly string[]): Promise<PrecisionSide> {
  const script = join(root, 'dist/bench/precision-side.js');
  const child = spawn(process.execPath, [script, ...args], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const said = await text(child.stdout);
  const code = await ended;
  if (code !== 0) throw new UserError(`the fine-tuning in ${args[1]} ended with code ${code}`);
  return JSON.parse(said) as PrecisionSide;
}

/** The result as Markdown; differences are those from float32. */
export function precisionReport({ model, steps, sides }: PrecisionResult): string {
  const exact = sides.get('float32') as PrecisionSide;
  const head = [
    'precision',
    'logits: largest difference',
    'mean',
    'of their size',
    'same best token',
    'loss: last',
    'largest difference',
    'mean',
    'CPU time',
  ];
  const cells = [...sides].map(([precision, side]) => {
    const apart = differences(side.logits.flat(), exact.logits.flat());
    const curve = differences(side.losses, exact.losses);
    const same = side.logits.filter((row, i) => bestOf(row) === bestOf(exact.logits[i] as number[])).length;
    return [
      precision,
      ...[apart.largest, apart.mean, apart.mean / mean(exact.logits.flat().map(Math.abs))].map(figure),
      `${same} of ${side.logits.length}`,
      ...[side.losses.at(-1), curve.largest, curve.mean].map(figure),
      (side.cpu_s / exact.cpu_s).toFixed(2),
    ];
  });
  return `Model: ${model}; logits after the last token of ${exact.logits.length} records; ${steps} steps of sft, one record each. Differences from float32, CPU time as a multiple of its.\n\n${markdownTable(head, cells)}`;
}

function differences(some: readonly number[], others: readonly number[]): { largest: number; mean: number } {
  const apart = some.map((x, i) => Math.abs(x - (others[i] as number)));
  return { largest: apart.reduce((a, b) => Math.max(a, b), 0), mean: mean(apart) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

function bestOf(row: readonly number[]): number {
  return row.indexOf(row.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY));
}
