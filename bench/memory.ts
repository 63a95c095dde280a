// The memory benchmark: what a process holds in the course of a long fine-tuning, which must not grow with its steps.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { UserError } from '../util/errors.ts';
import { prepareInputs } from './engine/inputs.ts';
import { markdownTable } from './markdown-table.ts';
import { root } from './place.ts';

export interface MemorySettings {
  model: string;
  records: string | undefined;
  steps: number;
  threads: number;
}

/** What a process held after a step, in bytes, and what its backend had compiled. */
export interface MemoryRow {
  step: number;
  resident: number;
  external: number;
  heap: number;
  sessions: number;
  compiled: number;
}

export interface MemoryResult {
  model: string;
  rows: MemoryRow[];
}

/** Lines of the table. */
const lines = 20;

/** One run of sft, one record a step, in a process of its own. */
export async function benchMemory(settings: MemorySettings, say: (line: string) => void): Promise<MemoryResult> {
  const { model, description } = await prepareInputs({ ...settings, quick: true });
  say(`memory: ${model}, ${settings.steps} steps of sft`);
  const every = Math.max(1, Math.round(settings.steps / lines));
  const side = join(root, 'dist/bench/memory-side.js');
  const args = [side, description, String(settings.steps), String(every), String(settings.threads)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const rows: MemoryRow[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    const row = JSON.parse(line) as MemoryRow;
    say(`  step ${row.step}: ${mebibytes(row.resident)} MiB`);
    rows.push(row);
  }
  const code = await ended;
  if (code !== 0) throw new UserError(`the fine-tuning ended with code ${code} after step ${rows.at(-1)?.step ?? 0}`);
  return { model, rows };
}

/** The result as Markdown. */
export function memoryReport({ model, rows }: MemoryResult): string {
  const head = ['after step', 'resident MiB', 'of it arrays', 'heap', 'sessions', 'compiled so far'];
  const cells = rows.map(({ step, resident, external, heap, sessions, compiled }) => [
    String(step),
    ...[resident, external, heap].map(mebibytes),
    String(sessions),
    String(compiled),
  ]);
  return `Model: ${model}; sft of the recovery parameters of T_next, one record a step, at most 256 tokens.\n\n${markdownTable(head, cells)}`;
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(0);
}
