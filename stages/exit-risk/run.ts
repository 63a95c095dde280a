// The work of exit-risk: one decoding for each threshold.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { decodingSummary } from '../../model/sizes/step-costs.ts';
import { rougeL } from '../../util/rouge.ts';
import {
  askedRecords,
  collectSteps,
  type DecodedText,
  decodeRecords,
  recordsOfPart,
  stoppedTokens,
} from '../common/decoded.ts';
import { pairedTexts, readDecoded, sameTokens } from '../common/decoded-texts.ts';
import { exitOf } from '../common/exit-input.ts';
import { onlyFile, openModel } from '../common/model-input.ts';
import { readRecordLines } from '../common/record-lines.ts';
import type { exitRisk } from './declare.ts';

type Context = ContextOf<typeof exitRisk>;

export async function tryThresholds(context: Context): Promise<void> {
  const { params, inputs, units } = context;
  const opened = await openModel(context);
  try {
    const { rule, classifiers } = await exitOf(inputs.exit, opened.model);
    const records = recordsOfPart(await readRecordLines(onlyFile(inputs.data)), params, context.seed);
    const asked = askedRecords(context, records, opened, params.max_tokens);
    const reference = await readDecoded(onlyFile(inputs.reference));
    for (const unit of units) {
      const { threshold } = unit.params;
      const { steps, onStep } = collectSteps();
      const settings = { exit: { rule: { ...rule, threshold }, classifiers }, onStep };
      const texts = await decodeRecords(context, opened, asked, params, settings, unit.name);
      const { by_layer, ...summary } = decodingSummary(opened.model, stoppedTokens(steps));
      const metrics = { threshold, ...summary, losses: lossesOf(texts, reference) };
      await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics)}\n`);
      await unit.done({ threshold });
    }
  } finally {
    opened.close();
  }
}

/** By what is looked at, of each record. */
function lossesOf(texts: readonly DecodedText[], reference: readonly DecodedText[]) {
  const pairs = pairedTexts(texts, reference);
  return {
    exact: pairs.map(({ text, reference }) => Number(!sameTokens(text, reference))),
    rouge_l: pairs.map(({ text, reference }) =>
      text.text === reference.text ? 0 : 1 - rougeL(reference.text, text.text),
    ),
    answer: pairs.map(({ text, reference }) =>
      Math.max(0, rougeL(reference.answer, reference.text) - rougeL(text.answer, text.text)),
    ),
  };
}
