// Follows the attempts of some stages while they run.
import { describeUnit } from '../../runner/survey/events.ts';
import { type LivingAttempt, livingAttempts } from '../../store/attempts.ts';
import { LogReader } from '../../store/log-reader.ts';
import { listRuns } from '../../store/runs/runs.ts';
import type { Output } from '../common/terminal.ts';
import { runInfo } from '../runs/run-info.ts';
import { LogWriter } from './write-log.ts';

interface Followed {
  head: string;
  reader: LogReader;
  writer: LogWriter;
}

/** Prints what attempts print, each time it is asked. */
export class Following {
  readonly #store: string;
  readonly #experiment: string;
  readonly #nodes: ReadonlySet<string>;
  readonly #out: Output;
  readonly #followed = new Map<string, Followed>();
  #printed: Followed | undefined;

  constructor(store: string, experiment: string, nodes: ReadonlySet<string>, out: Output) {
    this.#store = store;
    this.#experiment = experiment;
    this.#nodes = nodes;
    this.#out = out;
  }

  /** True while a run of the experiment has not ended, as far as can be seen. */
  isRunning(): boolean {
    return listRuns(this.#store, this.#experiment).some((run) => {
      return ['running', 'unknown'].includes(runInfo(this.#store, this.#experiment, run).status);
    });
  }

  /** What has come since the last time; a line tells whose it is where that changes. */
  read(): void {
    for (const attempt of livingAttempts(this.#store)) {
      if (this.#followed.has(attempt.id) || !this.#isMeant(attempt)) continue;
      const reader = new LogReader(attempt.log);
      this.#followed.set(attempt.id, { head: headOf(attempt), reader, writer: new LogWriter(this.#out) });
    }
    for (const each of this.#followed.values()) {
      const bytes = each.reader.read();
      if (bytes.length === 0) continue;
      if (this.#printed !== each) {
        this.#printed?.writer.end();
        this.#out.write(`${this.#out.paint.strong(each.head)}\n`);
      }
      this.#printed = each;
      each.writer.write(bytes);
    }
  }

  /** True for an attempt that was seen while it ran. */
  has(attempt: string): boolean {
    return this.#followed.has(attempt);
  }

  close(): void {
    for (const { reader, writer } of this.#followed.values()) {
      writer.end();
      reader.close();
    }
  }

  #isMeant({ order }: LivingAttempt): boolean {
    return order.experiment === this.#experiment && this.#nodes.has(String(order.node));
  }
}

function headOf({ order }: LivingAttempt): string {
  const units = Array.isArray(order.units) ? order.units : [];
  const [first] = units as { unit?: string }[];
  const unit = units.length === 1 ? String(first?.unit ?? '') : '';
  return describeUnit({ stage: String(order.stage), cell: String(order.cell), unit });
}
