// The runner benchmark: a grid of cheap stages, cold once, then warm in turn with DVC, each time as a whole process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from './place.ts';
import type { Python } from './python.ts';
import { type DvcGrid, makeDvcGrid, makeWarm } from './runner-dvc.ts';
import { writeGrid } from './runner-grid.ts';
import { type Command, type Ended, mustRun, runWhole } from './whole-process.ts';

export interface RunnerSettings {
  stages: number;
  rounds: number;
  /** DVC's cold run is stopped here. */
  coldLimit_s: number;
}

/** One line of the result: a question and its answers, one per round. */
export interface RunnerRow {
  ours: string;
  peer: string;
  lamina: Ended[];
  dvc: Ended[];
}

export interface RunnerResult {
  stages: number;
  dvcVersion: string | undefined;
  /** The first run, when nothing is cached; DVC's has code null when it was stopped. */
  cold: { lamina: Ended; dvc: Ended | undefined };
  coldLimit_s: number;
  rows: RunnerRow[];
}

/** The questions, in lamina's and in DVC's words. */
const questions = [
  { ours: ['run', 'SPEC'], peer: ['repro'] },
  { ours: ['plan', 'SPEC'], peer: ['status'] },
  { ours: ['plan', 'SPEC'], peer: ['repro', '--dry'] },
  { ours: ['--version'], peer: ['--version'] },
] as const;

/** Runs it all in a temporary folder. */
export async function benchRunner(
  python: Python,
  settings: RunnerSettings,
  say: (line: string) => void,
): Promise<RunnerResult> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-bench-'));
  try {
    return await measure(folder, python, settings, say);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function measure(
  folder: string,
  python: Python,
  { stages, rounds, coldLimit_s }: RunnerSettings,
  say: (line: string) => void,
): Promise<RunnerResult> {
  const spec = writeGrid(join(folder, 'lamina'), stages);
  const ours = (...args: string[]) => lamina(join(folder, 'lamina'), spec, args);
  say(`runner: ${stages} stages, lamina's first run`);
  const cold = await mustRun(ours('run', 'SPEC'));
  const dvc =
    'bin' in python ? await dvcGrid(python.bin, join(folder, 'dvc'), { stages, coldLimit_s }, say) : undefined;
  const rows: RunnerRow[] = questions.map(({ ours, peer }) => row(ours, peer));
  for (let round = 0; round <= rounds; round++) {
    say(round === 0 ? 'runner: a first warm round, not counted' : `runner: warm round ${round} of ${rounds}`);
    for (const [i, { ours: mine, peer }] of questions.entries()) {
      const a = await mustRun(ours(...mine));
      const b = dvc && (await mustRun(dvc.grid.command(...peer)));
      if (round > 0) keep(rows[i] as RunnerRow, a, b);
    }
  }
  return { stages, dvcVersion: dvc?.version, cold: { lamina: cold, dvc: dvc?.cold }, coldLimit_s, rows };
}

function lamina(cwd: string, spec: string, args: readonly string[]): Command {
  const words = args.flatMap((arg) => (arg === 'SPEC' ? [spec, '--store', join(cwd, 'store')] : [arg]));
  return { program: process.execPath, args: [program, ...words], cwd };
}

/** DVC's first run, for as long as it may take, and then a repository where everything is done. */
async function dvcGrid(
  bin: string,
  folder: string,
  { stages, coldLimit_s }: Pick<RunnerSettings, 'stages' | 'coldLimit_s'>,
  say: (line: string) => void,
): Promise<{ grid: DvcGrid; cold: Ended; version: string }> {
  const first = await makeDvcGrid(bin, `${folder}-cold`, stages);
  say(`runner: DVC's first run, ${coldLimit_s} s at most`);
  const cold = await runWhole({ ...first.command('repro', '--quiet'), limit_s: coldLimit_s });
  const grid = await makeDvcGrid(bin, folder, stages);
  await makeWarm(grid, stages);
  const version = (await mustRun(grid.command('--version'))).output.trim();
  return { grid, cold, version };
}

function row(ours: readonly string[], peer: readonly string[]): RunnerRow {
  const name = (words: readonly string[]) => words.filter((word) => word !== 'SPEC').join(' ');
  return { ours: `lamina ${name(ours)}`, peer: `dvc ${name(peer)}`, lamina: [], dvc: [] };
}

function keep(row: RunnerRow, ours: Ended, peer: Ended | undefined): void {
  row.lamina.push(ours);
  if (peer) row.dvc.push(peer);
}
