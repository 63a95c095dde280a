// Turns the events of a run into what a progress display shows.
import type { Failure, RunEvent, UnitCounts, UnitName } from '../../runner/survey/events.ts';
import { countOf, unitLabel } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import type { Warnings } from '../common/warnings.ts';
import type { ProgressDisplay } from './display.ts';

/** Listens to one run. The header is written with the first counts; the display is opened after it. */
export class Follower {
  readonly #head: string;
  readonly #output: Output;
  readonly #open: () => ProgressDisplay;
  readonly #warnings: Warnings;
  #display: ProgressDisplay | undefined;
  /** What is said before there is a display. */
  readonly #early: string[] = [];
  #units = 0;
  #finished = 0;

  /** `head` is `quickstart · tiny · 8 cells`, to which the counts of units are added; `warnings` knows what was said already. */
  constructor(head: string, output: Output, warnings: Warnings, open: () => ProgressDisplay) {
    this.#head = head;
    this.#output = output;
    this.#warnings = warnings;
    this.#open = open;
  }

  on(event: RunEvent): void {
    if (event.type === 'planned') this.#planned(event.counts);
    else if (event.type === 'unit-started') this.#started(event);
    else if (event.type === 'progress') this.#display?.progress(idOf(event), event.report);
    else if (event.type === 'unit-finished') this.#ended(event, event.status === 'ran' ? 'done' : 'reused');
    else if (event.type === 'failed') this.#failed(event.failure);
    else if (event.type === 'blocked') this.#count();
    else if (event.type === 'unit-put-off') this.#display?.ended(idOf(event), 'put off');
    else if (event.type === 'resumed') this.#finished = 0;
    else if (event.type === 'waiting') this.say(`${nameOf(event)}: another run works on it; waiting for its result`);
    else if (event.type === 'retried')
      this.#warn(`${event.message}; trying again (${event.retry} of ${event.retries})`);
    else if (event.type === 'warning') this.#warn(event.message);
    else if (event.type === 'warned')
      for (const text of this.#warnings.fresh(event.warnings, event.whole)) this.#warn(text);
  }

  #warn(text: string): void {
    this.say(`${this.#output.paint.warn('!')} ${text}`);
  }

  /** A line of its own. */
  say(line: string): void {
    if (this.#display === undefined) this.#early.push(line);
    else this.#display.say(line);
  }

  stop(): void {
    for (const line of this.#early.splice(0)) this.#output.write(`${line}\n`);
    this.#display?.stop();
    this.#display = undefined;
  }

  #planned(counts: UnitCounts): void {
    this.#units = counts.hit + counts.run + counts.depends;
    if (this.#display === undefined) {
      this.#output.write(`${this.#output.paint.strong(this.#head)} · ${countsText(counts)}\n`);
      this.#display = this.#open();
      for (const line of this.#early.splice(0)) this.#display.say(line);
    }
    this.#display.total(this.#finished, this.#units);
  }

  #started(unit: UnitName): void {
    this.#display?.started({
      id: idOf(unit),
      node: unit.node,
      stage: unit.stage,
      label: unitLabel(unit.unit, unit.cell),
    });
  }

  #ended(unit: UnitName, how: 'done' | 'reused' | 'failed'): void {
    this.#display?.ended(idOf(unit), how);
    this.#count();
  }

  #failed(failure: Failure): void {
    for (const unit of failure.units) this.#ended({ ...failure, unit }, 'failed');
  }

  #count(): void {
    this.#finished++;
    this.#display?.total(this.#finished, this.#units);
  }
}

/** `24 units: 0 cached, 24 to run`; what depends on others may turn out cached. */
export function countsText({ hit, run, depends }: UnitCounts): string {
  const rest = depends > 0 && hit > 0 ? `up to ${run + depends}` : `${run + depends}`;
  return `${countOf(hit + run + depends, 'unit')}: ${hit} cached, ${rest} to run`;
}

function nameOf({ stage, cell, unit }: UnitName): string {
  return `${stage} ${unitLabel(unit, cell)}`.trimEnd();
}

function idOf({ node, unit }: UnitName): string {
  return `${node}\n${unit}`;
}
