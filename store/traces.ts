// The numbers that a training told step by step: a file for each attempt under its key, beside the log and as long-lived.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ignoringErrors } from '../util/ignoring-errors.ts';
import { type Layout, layoutOf } from './layout.ts';

const ending = '.trace';
/** A trace has at most about this many points, however many steps there are. */
const mostPoints = 1000;
/** Larger files are none of ours. */
const largest_bytes = 4 * 1024 * 1024;

/** One step, or the last of several that stand together. */
export interface TracePoint {
  /** Steps that are done, counted from 1. */
  step: number;
  /** Steps that there will be. */
  total: number;
  /** Since the beginning of the work, pauses between attempts left out. */
  time_ms: number;
  loss: number;
  /** Tokens that were scored up to here; null where the stage does not count them. */
  tokens: number | null;
}

/** Where the trace of an attempt at a key lies. */
export function traceOf(layout: Layout, key: string, attempt: string): string {
  return join(layout.logsOf(key), `${attempt}${ending}`);
}

/** Leaves at most `most` traces of a key, the latest; what cannot be removed stays. */
export function sweepTraces(layout: Layout, key: string, most: number): void {
  const old = tracesIn(layout.logsOf(key));
  for (const { path } of old.slice(0, Math.max(0, old.length - most))) ignoringErrors(() => rmSync(path));
}

/** Writes a trace as it comes, of every so many steps. A trace is worth less than the work: what cannot be written is left out. */
export class TraceWriter {
  readonly #path: string;
  #begun = false;
  #lines = 0;

  constructor(path: string) {
    this.#path = path;
  }

  /** `time_ms`: since the attempt began. Points between two that are kept are left out. */
  add({ step, total, time_ms, loss, tokens }: TracePoint): void {
    const every = Math.max(1, Math.ceil(total / mostPoints));
    if (step !== 1 && step !== total && step % every !== 0) return;
    if (++this.#lines > 4 * mostPoints) return; // a stage that counts in circles
    const line = `${JSON.stringify([step, total, Math.round(time_ms), Number(loss.toPrecision(6)), tokens])}\n`;
    ignoringErrors(() => {
      if (this.#begun) appendFileSync(this.#path, line);
      else this.#begin(line);
    });
  }

  #begin(line: string): void {
    this.#begun = true;
    mkdirSync(dirname(this.#path), { recursive: true });
    writeFileSync(this.#path, line);
  }
}

/** The trace of a key, its attempts joined: a later one goes on where it began. Empty where nothing was told. */
export function readTrace(store: string, key: string): TracePoint[] {
  let joined: TracePoint[] = [];
  for (const { path } of tracesIn(layoutOf(store).logsOf(key))) {
    const points = pointsIn(path);
    const [first] = points;
    if (first === undefined) continue;
    joined = joined.filter(({ step }) => step < first.step);
    const before_ms = joined.at(-1)?.time_ms ?? 0;
    joined.push(...points.map((point) => ({ ...point, time_ms: point.time_ms + before_ms })));
  }
  return joined;
}

function tracesIn(folder: string): { path: string; written_ms: number }[] {
  let names: string[] = [];
  ignoringErrors(() => {
    names = readdirSync(folder).filter((name) => name.endsWith(ending));
  });
  const found = names.flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats === undefined || !stats.isFile() || stats.size > largest_bytes
      ? []
      : [{ path, written_ms: stats.mtimeMs }];
  });
  return found.sort((a, b) => a.written_ms - b.written_ms);
}

/** The points of a file; a line that is not whole, or is none of ours, is left out. */
function pointsIn(path: string): TracePoint[] {
  let text = '';
  ignoringErrors(() => {
    text = readFileSync(path, 'utf8');
  });
  return text.split('\n').flatMap((line) => pointOf(line) ?? []);
}

function pointOf(line: string): TracePoint | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  const [step, total, time_ms, loss, tokens] = value as unknown[];
  const isWhole = [step, total, time_ms, loss].every((each) => typeof each === 'number' && Number.isFinite(each));
  if (!isWhole) return undefined;
  const known = { step, total, time_ms, loss } as Omit<TracePoint, 'tokens'>;
  return { ...known, tokens: typeof tokens === 'number' && Number.isFinite(tokens) ? tokens : null };
}
