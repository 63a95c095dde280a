// The work of decode: let the model answer, and count where its tokens stopped.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { JsonLinesWriter } from '../../formats/records/jsonl-writer.ts';
import type { EarlyExit } from '../../model/exits/exit-rule.ts';
import { decodingSummary } from '../../model/sizes/step-costs.ts';
import {
  askedRecords,
  collectSteps,
  type DecodedText,
  decodeRecords,
  recordsOfPart,
  stoppedTokens,
} from '../common/decoded.ts';
import { exitOf } from '../common/exit-input.ts';
import { onlyFile, openModel } from '../common/model-input.ts';
import { readRecordLines } from '../common/record-lines.ts';
import type { decode } from './declare.ts';

type Context = ContextOf<typeof decode>;

export async function answerRecords(context: Context): Promise<void> {
  const [unit] = context.units;
  const { params, inputs } = context;
  const opened = await openModel(context);
  try {
    const exit = inputs.exit === undefined ? allLayers : await exitOf(inputs.exit, opened.model);
    const records = recordsOfPart(await readRecordLines(onlyFile(inputs.data)), params, context.seed);
    const asked = askedRecords(context, records, opened, params.max_tokens);
    const { steps, onStep } = collectSteps();
    const settings = { exit, oracle: params.oracle, onStep };
    const texts = await decodeRecords(context, opened, asked, params, settings);
    await writeTexts(unit.outputs.texts, texts);
    const right = texts.filter(({ text, answer }) => text === answer).length / texts.length;
    const summary = { records: texts.length, right, ...decodingSummary(opened.model, stoppedTokens(steps)) };
    await writeFile(unit.outputs.metrics, `${JSON.stringify(summary, null, 2)}\n`);
    await unit.done({ records: texts.length });
  } finally {
    opened.close();
  }
}

/** No exits: a decoder that counts like the others. */
const allLayers: EarlyExit = {
  rule: {
    exits: [],
    min_exit: 1,
    confidence: 'max_probability',
    threshold: 1,
    decay: 'none',
    tau: 0,
    propagate: 'exit',
  },
  classifiers: new Map(),
};

async function writeTexts(path: string, texts: readonly DecodedText[]): Promise<void> {
  const writer = await JsonLinesWriter.create<DecodedText>(path);
  try {
    for (const text of texts) await writer.write(text);
    await writer.flush();
  } finally {
    await writer.close();
  }
}
