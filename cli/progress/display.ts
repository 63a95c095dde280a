// What a progress display shows, whoever draws it: the live bars on a terminal or the plain lines elsewhere.
import type { Progress } from '../../contract/stage.ts';

/** One unit of work while it runs. */
export interface ActiveUnit {
  /** Unique within the run. */
  id: string;
  /** The node that it is a unit of. */
  node: string;
  stage: string;
  /** Unit and cell in short: `3→4 T_next arxiv_math`. */
  label: string;
}

export type UnitEnd = 'done' | 'failed' | 'put off' | 'reused';

/** Shows the units of a run; all times are told to it by the caller's clock. */
export interface ProgressDisplay {
  /** How many units there are, and how many are already answered. It may grow while the run learns of more. */
  total(finished: number, units: number): void;
  started(unit: ActiveUnit): void;
  progress(id: string, report: Progress): void;
  ended(id: string, how: UnitEnd): void;
  /** A line above the bars. */
  say(line: string): void;
  stop(): void;
}

/** `epoch 4/5  loss 0.0132`. */
export function progressText(report: Progress): string {
  const count = report.total > 0 ? `${report.of} ${report.done}/${report.total}` : `${report.of} ${report.done}`;
  return report.note === undefined || report.note === '' ? count : `${count}  ${report.note}`;
}
