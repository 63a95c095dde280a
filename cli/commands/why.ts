// `lamina why`: why a stage would run, or what a number was made of; answered from the records, nothing runs.
import type { Context } from '../common/context.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { PlanFlags } from '../common/flags.ts';
import { openToFetch } from '../common/remote.ts';
import type { CellStory, Explained, ExplainedStep } from '../plan/story.ts';
import { answerWhy } from '../plan/why-answer.ts';
import { explanationsText, lineageText } from '../plan/why-text.ts';
import { wantedPlan } from '../runs/run-reference.ts';
import { warningLines } from '../runs/run-text.ts';

/** Explains a stage (`why SPEC STAGE [CELL]`) or a cell (`why SPEC CELL`). */
export async function why(given: [string, string, string?], flags: PlanFlags, context: Context): Promise<number> {
  const [text, subject, cell] = given;
  const { out, err } = context.terminal;
  const registry = await context.registry();
  const { plan, changed } = await wantedPlan(text, flags, registry);
  if (changed !== undefined) err.write(warningLines([changed], err));
  const answer = await answerWhy(
    plan,
    cell === undefined ? [subject] : [subject, cell],
    { place: flags.store, open: () => openToFetch(flags.store, flags, context) },
    registry,
  );
  if ('explanations' in answer) {
    const { explanations } = answer;
    out.write(
      flags.json ? json({ explanations: explanations.map(explanationJson) }) : explanationsText(explanations, out),
    );
  } else {
    const { stories } = answer;
    out.write(
      flags.json ? json({ cells: stories.map(storyJson) }) : stories.map((each) => lineageText(each, out)).join('\n'),
    );
  }
  err.write(answer.damaged.map((sentence) => `${err.paint.warn('!')} ${sentence}\n`).join(''));
  return exitCodes.done;
}

function explanationJson({ record, earlier, ...rest }: Explained) {
  return {
    ...rest,
    record: record?.about ?? null,
    earlier: earlier === null ? null : { key: earlier.key, ...earlier.about },
  };
}

function storyJson({ cell, value, steps }: CellStory) {
  return {
    cell: cell.name,
    ...cell.axes,
    metric: cell.metric.field,
    value,
    paper: cell.paper,
    steps: steps.map(stepJson),
  };
}

function stepJson({ record, ...rest }: ExplainedStep) {
  return { ...rest, record: record?.about ?? null, outputs: record?.outputs ?? null };
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 1)}\n`;
}
