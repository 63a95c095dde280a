// Tells others how far a run is, while it goes on: from the events of the run to a small file beside its beginning.
import type { RunEvent, UnitName } from '../../runner/survey/events.ts';
import { demandedUnits } from '../../runner/survey/graph.ts';
import { isAllThere, type Survey } from '../../runner/survey/survey.ts';
import type { LiveNode, LiveUnit, RunLive } from '../../store/runs/run-live.ts';
import { timeLeft } from '../progress/pace.ts';

/** Nobody looks more often. */
const every_ms = 1000;

/** Who keeps it, without waiting for the disk. */
export type KeepLive = (live: RunLive) => Promise<void>;

type Counts = Omit<LiveNode, 'node' | 'units' | 'running' | 'keys'> & { keys: Record<string, string> };

/** Listens to one run. A grid takes longer to be written, and is written less often: a twentieth of the time at most. */
export class LiveProgress {
  readonly #keep: KeepLive;
  readonly #began_ms = performance.now();
  readonly #nodes = new Map<string, Counts>();
  readonly #running = new Map<string, { live: LiveUnit; started_ms: number }>();
  #survey: Survey | undefined;
  #units = 0;
  #changed = false;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(keep: KeepLive) {
    this.#keep = keep;
  }

  /** All units are known, as far as they can be; what an earlier part of the run did is forgotten. */
  surveyed(survey: Survey): void {
    this.#survey = survey;
    this.#nodes.clear();
    this.#running.clear();
    if (!isAllThere(survey)) this.#schedule(0);
  }

  hear(event: RunEvent): void {
    this.#changed = true;
    switch (event.type) {
      case 'planned':
        this.#units = event.counts.hit + event.counts.run + event.counts.depends;
        break;
      case 'resumed':
        this.#nodes.clear();
        break;
      case 'unit-started':
        if (this.#timer === undefined) this.#schedule(0);
        this.#begin(event);
        break;
      case 'progress':
        this.#report(event);
        break;
      case 'unit-put-off':
        this.#running.delete(idOf(event));
        break;
      case 'unit-finished':
        this.#count(event, event.status === 'ran' ? 'ran' : 'cached').keys[event.unit] = event.key;
        break;
      case 'failed':
        for (const unit of event.failure.units) this.#count({ ...event.failure, unit }, 'failed');
        break;
      case 'blocked':
        this.#count(event, 'blocked');
        break;
      default:
    }
  }

  /** Nothing more is written. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #begin(event: UnitName): void {
    const live = { node: event.node, unit: event.unit, done: 0, total: 0, of: '', note: '' };
    this.#running.set(idOf(event), { live, started_ms: performance.now() });
  }

  #report(event: Extract<RunEvent, { type: 'progress' }>): void {
    const known = this.#running.get(idOf(event));
    const { done, total, of, note = '' } = event.report;
    if (known !== undefined) Object.assign(known.live, { done, total, of, note });
  }

  #count(unit: UnitName, what: Exclude<keyof Counts, 'keys'>): Counts {
    this.#running.delete(idOf(unit));
    const counts = this.#nodes.get(unit.node) ?? nothing();
    counts[what]++;
    this.#nodes.set(unit.node, counts);
    return counts;
  }

  #schedule(wait_ms: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#write(), wait_ms).unref();
  }

  /** What the disk does not take is tried again with the next change. */
  async #write(): Promise<void> {
    const began_ms = performance.now();
    if (this.#changed) {
      this.#changed = false;
      await this.#keep(this.#state()).catch(() => {});
    }
    this.#schedule(Math.max(every_ms, 20 * (performance.now() - began_ms)));
  }

  #state(): RunLive {
    const running = [...this.#running.values()].map(({ live }) => live);
    const nodes = (this.#survey?.nodes ?? []).map((state): LiveNode => {
      const { id } = state.node;
      const counts = this.#nodes.get(id) ?? nothing();
      const units = demandedUnits(state)?.length ?? null;
      return { node: id, units, ...counts, running: running.filter(({ node }) => node === id).length };
    });
    const sum = (of: (node: LiveNode) => number) => nodes.reduce((total, node) => total + of(node), 0);
    const ran = sum((node) => node.ran);
    const finished = sum(({ cached, ran, failed, blocked }) => cached + ran + failed + blocked);
    const elapsed_ms = Math.round(performance.now() - this.#began_ms);
    const units = [...this.#running.values()].map(({ live, started_ms }) => {
      return { report: live, elapsed_ms: performance.now() - started_ms };
    });
    const pace = { units: this.#units, finished, ran, running: units, elapsed_ms };
    const left_ms = timeLeft(pace);
    const updated = new Date().toISOString();
    const left = left_ms === undefined ? null : Math.round(left_ms);
    return { updated, elapsed_ms, units: this.#units, finished, ran, left_ms: left, nodes, running };
  }
}

function nothing(): Counts {
  return { cached: 0, ran: 0, failed: 0, blocked: 0, keys: {} };
}

function idOf({ node, unit }: Pick<UnitName, 'node' | 'unit'>): string {
  return `${node}\n${unit}`;
}
