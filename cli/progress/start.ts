// Chooses how a run is shown: live bars where a person watches, plain lines elsewhere.
import type { Plan } from '../../contract/plan.ts';
import { countOf } from '../common/spec-name.ts';
import type { Output } from '../common/terminal.ts';
import type { Warnings } from '../common/warnings.ts';
import { Follower } from './follow.ts';
import { createPlainDisplay } from './plain-display.ts';

/** Begins to show a run of `plan` on `output`; `part` says which part of it. */
export async function startProgress(
  plan: Plan,
  output: Output,
  warnings: Warnings,
  part?: 'control',
): Promise<Follower> {
  const now = () => performance.now();
  // the package that draws bars is twenty files, which nothing else needs
  const live = output.live ? await import('./live-display.ts') : undefined;
  const cells = plan.cells.length === 0 ? [] : [countOf(plan.cells.length, 'cell')];
  const head = [plan.experiment, plan.profile, ...(part === undefined ? [] : [part]), ...cells].join(' · ');
  return new Follower(head, output, warnings, () =>
    live !== undefined ? live.createLiveDisplay(output, now) : createPlainDisplay(output.write, now),
  );
}
