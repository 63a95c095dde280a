// All runs of a store, as a page lists them: read little by little, the latest first, and again where they changed.
import { statSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { PlanSnapshot } from '../../store/runs/plan-snapshot.ts';
import { runNumber } from '../../store/runs/run-names.ts';
import { lookForExperiments, lookForRuns, runFolder } from '../../store/runs/runs.ts';
import type { RunRow } from '../../ui/facts.ts';
import { printable } from '../../util/printable.ts';
import { loadKeptPlan } from '../runs/kept-plan.ts';
import { latestRuns, type NamedRun } from '../runs/latest-runs.ts';
import type { NumberedCell } from '../runs/main-number.ts';
import { loadResult } from '../runs/run-files.ts';
import { orSay, type RunInfo, runInfo } from '../runs/run-info.ts';
import { statusText } from '../runs/run-info-text.ts';
import { type Differing, valuesOf } from '../runs/varying.ts';

/** A run as far as the list goes; small, for there may be ten thousand. */
export interface IndexedRun extends NamedRun {
  row: Omit<RunRow, 'metric' | 'metric_cell' | 'metric_name' | 'params'>;
  /** The last of its cells: main numbers stand there. */
  cells: readonly NumberedCell[];
  values: Differing;
  /** Its folder's time of change when it was read. */
  changed_ms: number;
}

/** Of a larger grid the last cells are kept in memory. */
const mostCells = 50;
/** So long is read before others have their turn, and so many runs at once before the first page. */
const slice_ms = 15;
const firstRuns = 100;
/** A search through all folders takes at most this share of the time. */
const restFactor = 20;
const leastRest_ms = 1000;

/** Reads in the background from its first question on. */
export class RunIndex {
  readonly #store: string;
  readonly #runs = new Map<string, IndexedRun>();
  readonly #texts = new Map<string, string>();
  readonly #shared = new Map<string, Differing>();
  #strays: readonly string[] = [];
  #waiting: NamedRun[] = [];
  /** All names, the oldest first. */
  #order: readonly string[] = [];
  /** So many runs were read when that was last told. */
  #told = 0;
  #version = 0;
  #looked_ms = Number.NEGATIVE_INFINITY;
  #rest_ms = leastRest_ms;
  #reading: Promise<void> | undefined;
  #closed = false;

  constructor(store: string) {
    this.#store = store;
  }

  /** What is read by now, the oldest first; `all` counts what there is. */
  async look(): Promise<{ runs: readonly IndexedRun[]; all: number; strays: readonly string[] }> {
    this.refresh();
    // what is newest is on the first page, and must be there
    if (this.#runs.size === 0) for (const run of this.#waiting.splice(-firstRuns).reverse()) this.#read(run);
    this.#readOn();
    await nextTurn();
    const runs = this.#order.flatMap((name) => this.#runs.get(name) ?? []);
    return { runs, all: this.#order.length, strays: this.#strays };
  }

  /** Changes whenever another answer is to be expected. */
  stamp(): string {
    this.refresh();
    this.#readOn();
    return `${this.#version}`;
  }

  close(): void {
    this.#closed = true;
  }

  /** Looks at the folders, unless that was done a moment ago. */
  refresh(now = false): void {
    const began_ms = performance.now();
    if (!now && began_ms - this.#looked_ms < this.#rest_ms) return;
    const { names, strays } = lookForExperiments(this.#store);
    const known = new Map(names.map((name) => [name, lookForRuns(this.#store, name)]));
    this.#strays = [...strays, ...[...known.values()].flatMap((found) => found.strays)];
    const all = latestRuns(new Map([...known].map(([name, found]) => [name, found.names])), Number.POSITIVE_INFINITY);
    this.#order = all.map(nameOf);
    const left = new Set(this.#order);
    for (const name of [...this.#runs.keys()]) if (!left.has(name)) this.#forget(name);
    this.#waiting = all.filter((run) => this.#isChanged(run));
    this.#looked_ms = performance.now();
    this.#rest_ms = Math.max(leastRest_ms, restFactor * (this.#looked_ms - began_ms));
  }

  #forget(name: string): void {
    this.#runs.delete(name);
    this.#version++;
  }

  /** A file that is written anew changes the time of its folder; how a run that goes on ends is seen by its process alone. */
  #isChanged(run: NamedRun): boolean {
    const known = this.#runs.get(nameOf(run));
    return known === undefined || known.row.status === 'running' || known.changed_ms !== this.#changed(run);
  }

  #changed({ experiment, run }: NamedRun): number {
    return statSync(runFolder(this.#store, experiment, run), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  }

  #readOn(): void {
    if (this.#reading !== undefined || this.#waiting.length === 0) return;
    this.#reading = this.#readAll().finally(() => {
      this.#reading = undefined;
    });
  }

  async #readAll(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#closed) {
      const until_ms = performance.now() + slice_ms;
      while (this.#waiting.length > 0 && performance.now() < until_ms) this.#read(this.#waiting.pop() as NamedRun);
      await nextTurn();
    }
  }

  #read(named: NamedRun): void {
    const { experiment, run } = named;
    const changed_ms = this.#changed(named);
    const info = runInfo(this.#store, experiment, run);
    const damaged = [...info.damaged];
    const result = orSay(() => loadResult(this.#store, experiment, run), damaged);
    const plan = orSay(() => loadKeptPlan(this.#store, experiment, run), damaged);
    const cells = (result?.cells ?? []).slice(-mostCells).map(({ name, metric, value }) => {
      return { name: this.#text(name), metric: this.#text(metric), value };
    });
    const values = plan === null || plan === undefined ? new Map() : this.#values(plan);
    const entry = { experiment, run, row: rowOf(info, damaged), cells, values, changed_ms };
    const before = this.#runs.get(nameOf(named));
    this.#runs.set(nameOf(named), entry);
    if (before === undefined) this.#tell();
    else if (JSON.stringify(before.row) !== JSON.stringify(entry.row)) this.#version++;
  }

  /** While thousands are read a page is not drawn anew for each: when there are half as many again, and when all are there. */
  #tell(): void {
    if (this.#waiting.length > 0 && this.#runs.size < 1.5 * this.#told) return;
    this.#told = this.#runs.size;
    this.#version++;
  }

  /** One text for all that are equal: runs of an experiment have the same names and mostly the same values. */
  #text(text: string): string {
    const known = this.#texts.get(text);
    if (known === undefined) this.#texts.set(text, text);
    return known ?? text;
  }

  #values(plan: PlanSnapshot): Differing {
    const values = valuesOf(plan);
    const name = JSON.stringify([...values].map(([param, { texts, flag }]) => [param, [...texts], flag]));
    const known = this.#shared.get(name);
    if (known === undefined) this.#shared.set(name, values);
    return known ?? values;
  }
}

function nameOf({ experiment, run }: NamedRun): string {
  return `${experiment}@${run}`;
}

function rowOf(info: RunInfo, damaged: readonly string[]): IndexedRun['row'] {
  const { experiment, run, status, profile, started, duration_ms, cells, measured, claims, labels, overrides } = info;
  return {
    name: `${experiment}@${run}`,
    ...{ experiment, run, number: runNumber(run), status, status_text: statusText(info) },
    ...{ profile, started, duration_ms, cells, measured, ...claims },
    label: labels.name ?? '',
    tags: labels.tags,
    note: labels.note,
    overrides: overrides.join(' '),
    damaged: damaged.map(printable),
  };
}
