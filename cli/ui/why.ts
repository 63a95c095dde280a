// `why` for the page: what `lamina why` answers, and the commands to type.
import { plainPaint } from '../../report/numbers/paint.ts';
import { openStore } from '../../store/open-store.ts';
import type { WhyFacts } from '../../ui/facts.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import { planCommand } from '../common/spec-name.ts';
import { stageNames } from '../common/why-subject.ts';
import { answerWhy } from '../plan/why-answer.ts';
import { explanationsText, lineageText } from '../plan/why-text.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { readName } from './names.ts';

/** Plans the spec of the run anew, as `lamina why NAME@RUN` does. Throws UserError. */
export async function whyOf(store: string, text: string, subject: string, context: Context): Promise<WhyFacts> {
  const named = readName(store, text);
  const registry = await context.registry();
  const asked = named.kind === 'run' ? named.name : `${named.experiment}@results`;
  const given = { set: [], only: [], force: [], store, ...(named.kind === 'outcome' && { profile: named.profile }) };
  const { plan, spec, flags, changed } = await wantedPlan(asked, given, registry);
  const warnings = changed === undefined ? [] : [changed];
  const command = (what: string, ...rest: string[]) => ({ what, command: planCommand(what, spec, flags, ...rest) });
  const commands = [command('run'), command('plan'), ...(subject === '' ? [] : [command('why', subject)])];
  const facts = { name: named.name, stages: stageNames(plan), cells: plan.cells.map(({ name }) => name), commands };
  if (subject === '') return { ...facts, text: '', warnings };
  const answer = await answerWhy(
    plan,
    [subject],
    { place: store, open: () => openStore(store, { mode: 'read' }) },
    registry,
  );
  return { ...facts, text: textOf(answer), warnings: [...warnings, ...answer.damaged] };
}

/** A grid of cells would be told for minutes. */
const mostCells = 20;

function textOf(answer: Awaited<ReturnType<typeof answerWhy>>): string {
  const output = { write: () => {}, live: false, width: () => 100, paint: plainPaint };
  if ('explanations' in answer) return explanationsText(answer.explanations, output);
  if (answer.stories.length > mostCells)
    throw new UserError(`that names ${answer.stories.length} cells: choose one of them`);
  return answer.stories.map((story) => lineageText(story, output)).join('\n');
}
