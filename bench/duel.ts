// Two processes, the same task: rounds in turn (A B A B ...), so that a slow moment of the machine hits both.
import { type Round, type Side, startSide } from './side.ts';
import type { Command } from './whole-process.ts';

/** What one side did; all lists have one entry per round. */
export interface Score {
  versions: Readonly<Record<string, string>>;
  wall_ms: number[];
  cpu_ms: number[];
  /** Of it, in the model; NaN where the side does not tell. */
  model_cpu_ms: number[];
  /** MiB at its peak. */
  peak: number | undefined;
}

/** The outcome of a duel; `peer` is missing where only one side ran. */
export interface Duel {
  /** Steps in a round. */
  steps: number;
  ours: Score;
  peer: Score | undefined;
}

export interface DuelSettings {
  rounds: number;
  /** About how long a round takes. */
  round_ms: number;
  /** Steps before the measurement, after which the sides are compared; default 4. */
  firstSteps?: number | undefined;
  /** A step is a whole run that a user would wait for: each round has one, and no more than the first goes uncounted. */
  whole?: boolean | undefined;
  /** Compares the sides more closely, after their first steps. */
  check?: (() => void) | undefined;
}

/** The two sides compute different things, so that their times say nothing. */
export class Disagreement extends Error {
  readonly values: readonly [number, number];

  constructor(commands: readonly Command[], values: readonly [number, number], steps: number) {
    const names = commands.map(({ program, args }) => `'${[program, ...args].join(' ')}'`).join(' and ');
    super(`${names} do not compute the same: ${values.join(' and ')} after ${steps} steps`);
    this.values = values;
  }
}

const usualFirstSteps = 4;
/** How far the values of the two sides may be apart, relatively, after the first steps. */
const agreement = 1e-4;

/** Runs the duel. Throws Disagreement when the sides do not compute the same. */
export async function duel(ours: Command, peer: Command | undefined, settings: DuelSettings): Promise<Duel> {
  const { firstSteps = settings.whole ? 1 : usualFirstSteps, round_ms, rounds: count } = settings;
  const sides = [await startSide(ours)];
  try {
    if (peer) sides.push(await startSide(peer));
    await checkAgreement(sides, [ours, ...(peer ? [peer] : [])], firstSteps);
    settings.check?.();
    const steps = settings.whole ? 1 : await stepsFor(sides[0] as Side, round_ms, firstSteps);
    if (!settings.whole) for (const side of sides) await side.round(steps);
    const rounds = await inTurn(sides, steps, count);
    const [first, second] = sides.map((side, i) => scoreOf(side, rounds[i] as Round[]));
    return { steps, ours: first as Score, peer: second };
  } finally {
    for (const side of sides) await side.stop();
  }
}

/** The first round of each side, which compiles and loads what it needs. */
async function checkAgreement(sides: readonly Side[], commands: readonly Command[], firstSteps: number): Promise<void> {
  const values: number[] = [];
  for (const side of sides) values.push((await side.round(firstSteps)).value);
  const [a, b] = values as [number, number | undefined];
  if (b === undefined || Math.abs(a - b) <= agreement * Math.abs(b)) return;
  throw new Disagreement(commands, [a, b], firstSteps);
}

/** Processor time, not wall time, says how many steps fill a round: it does not depend on who else is running. */
async function stepsFor(side: Side, round_ms: number, firstSteps: number): Promise<number> {
  const { cpu_ms } = await side.round(firstSteps);
  return Math.max(1, Math.round((firstSteps * round_ms) / cpu_ms));
}

async function inTurn(sides: readonly Side[], steps: number, rounds: number): Promise<Round[][]> {
  const all: Round[][] = sides.map(() => []);
  for (let i = 0; i < rounds; i++) {
    for (const [k, side] of sides.entries()) all[k]?.push(await side.round(steps));
  }
  return all;
}

function scoreOf(side: Side, rounds: readonly Round[]): Score {
  return {
    versions: side.versions,
    wall_ms: rounds.map(({ wall_ms }) => wall_ms),
    cpu_ms: rounds.map(({ cpu_ms }) => cpu_ms),
    model_cpu_ms: rounds.map(({ model_cpu_ms = Number.NaN }) => model_cpu_ms),
    peak: side.peak(),
  };
}
