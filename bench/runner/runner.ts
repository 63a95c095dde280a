// The runner benchmark: graphs of cheap tasks, done once, then asked again in turn, each time as a whole process.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ended, refuseFailed, runWhole } from '../whole-process.ts';
import { type Shape, tasksOf } from './shapes.ts';
import type { Runner, Workplace } from './side.ts';

export interface RunnerSettings {
  shapes: readonly Shape[];
  /** How many tasks, one after the other. */
  sizes: readonly number[];
  rounds: number;
  /** A process is stopped here, and the runner is asked nothing more about the graph. */
  limit_s: number;
}

/** What a runner is asked, once all is up to date. */
export const questions = {
  nothing: 'nothing changed',
  dry: 'nothing changed, what would run',
  leaf: 'a leaf changed',
  root: 'a root changed, equal bytes',
} as const;
export type Question = keyof typeof questions;

/** One runner with one graph; a list has one entry for each round. */
export interface Answers {
  runner: Runner;
  /** Its first run, with nothing done; code null where it was stopped, above 0 where it failed. */
  first: Ended;
  warm: Record<Question, Ended[]>;
  /** It is asked nothing more: a process took longer than it may, or failed. */
  stopped: boolean;
}

export interface GraphResult {
  shape: Shape;
  /** Tasks and links between them. */
  tasks: number;
  links: number;
  answers: Answers[];
}

/** One side while it is measured. */
interface Player {
  answers: Answers;
  place: Workplace;
}

/** Runs it all in a temporary folder; the first runner is what the others are compared with. */
export async function benchRunner(
  runners: readonly Runner[],
  settings: RunnerSettings,
  say: (line: string) => void,
): Promise<GraphResult[]> {
  const results: GraphResult[] = [];
  for (const size of settings.sizes) {
    for (const shape of settings.shapes) {
      const folder = mkdtempSync(join(tmpdir(), 'lamina-bench-'));
      try {
        results.push(await measureGraph(folder, runners, { shape, size }, settings, say));
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    }
  }
  return results;
}

async function measureGraph(
  folder: string,
  runners: readonly Runner[],
  { shape, size }: { shape: Shape; size: number },
  { rounds, limit_s }: RunnerSettings,
  say: (line: string) => void,
): Promise<GraphResult> {
  const tasks = tasksOf(shape, size, { leaf: 0, root: 0 });
  const what = `runner: ${shape} of ${tasks.length}`;
  const players: Player[] = [];
  for (const runner of runners) {
    say(`${what}: the first run of ${runner.name}`);
    const player = await begin(runner, join(folder, runner.name), { shape, size, limit_s });
    const { first } = player.answers;
    if (runner === runners[0] && first.code !== null) refuseFailed(player.place.commands.run, first);
    if (first.code !== null && first.code !== 0)
      say(`${what}: ${runner.name} failed with code ${first.code}, and is asked nothing more`);
    players.push(player);
  }
  for (let round = 0; round <= rounds; round++) {
    say(`${what}: ${round === 0 ? 'a first round, not counted' : `round ${round} of ${rounds}`}`);
    for (const question of Object.keys(questions) as Question[]) {
      if (question === 'root' && shape === 'wide') continue; // all of it is roots
      for (const player of players) await ask(player, question, { shape, size, round, limit_s });
    }
  }
  const links = tasks.reduce((sum, { reads }) => sum + reads.length, 0);
  return { shape, tasks: tasks.length, links, answers: players.map(({ answers }) => answers) };
}

/** The first run, and a workplace where everything is up to date. */
async function begin(
  runner: Runner,
  folder: string,
  { shape, size, limit_s }: { shape: Shape; size: number; limit_s: number },
): Promise<Player> {
  const tasks = tasksOf(shape, size, { leaf: 0, root: 0 });
  const warm: Answers['warm'] = { nothing: [], dry: [], leaf: [], root: [] };
  const once = await runner.open(folder, shape);
  once.write(tasks);
  const first = await runWhole({ ...once.commands.run, limit_s });
  if (first.code !== null) return { answers: { runner, first, warm, stopped: first.code !== 0 }, place: once };
  const place = await runner.open(`${folder}-settled`, shape);
  place.write(tasks);
  await place.settle?.(tasks);
  return { answers: { runner, first, warm, stopped: place.settle === undefined }, place };
}

async function ask(
  { answers, place }: Player,
  question: Question,
  { shape, size, round, limit_s }: { shape: Shape; size: number; round: number; limit_s: number },
): Promise<void> {
  if (answers.stopped) return;
  const leaf = question === 'leaf' || question === 'root' ? round + 1 : round;
  const root = question === 'root' ? round + 1 : round;
  place.write(tasksOf(shape, size, { leaf, root }));
  const command = question === 'dry' ? place.commands.dry : place.commands.run;
  const ended = await runWhole({ ...command, limit_s });
  if (ended.code === null) {
    answers.stopped = true;
    return;
  }
  refuseFailed(command, ended);
  if (round > 0) answers.warm[question].push(ended);
}
