// The work of text-agreement: means over records.
import { writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import { ngramOverlap, rougeL } from '../../util/rouge.ts';
import type { DecodedText } from '../common/decoded.ts';
import { pairedTexts, readDecoded, sameTokens } from '../common/decoded-texts.ts';
import { onlyFile } from '../common/model-input.ts';
import { ngramLengths, type textAgreement } from './declare.ts';

type Context = ContextOf<typeof textAgreement>;

export async function compareTexts({ inputs, units: [unit] }: Context): Promise<void> {
  const pairs = pairedTexts(await readDecoded(onlyFile(inputs.texts)), await readDecoded(onlyFile(inputs.reference)));
  const mean = (of: (pair: (typeof pairs)[number]) => number) =>
    pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
  const metrics = {
    records: pairs.length,
    exact: mean(({ text, reference }) => Number(sameTokens(text, reference))),
    tokens: mean(({ text, reference }) => sharedBeginning(text, reference)),
    rouge_l: mean(({ text, reference }) => overlap(text, reference, rougeL)),
    ...Object.fromEntries(
      ngramLengths.map((n) => [
        `ngram_${n}`,
        mean(({ text, reference }) => overlap(text, reference, (a, b) => ngramOverlap(a, b, n))),
      ]),
    ),
    answer_exact: mean(({ text }) => Number(text.text === text.answer)),
    answer_rouge_l: mean(({ text }) => rougeL(text.answer, text.text)),
    reference_answer_exact: mean(({ reference }) => Number(reference.text === reference.answer)),
    reference_answer_rouge_l: mean(({ reference }) => rougeL(reference.answer, reference.text)),
  };
  await writeFile(unit.outputs.metrics, `${JSON.stringify(metrics, null, 2)}\n`);
  await unit.done({ records: pairs.length });
}

/** Equal texts overlap wholly, also where they have no words, or fewer than a run has. */
function overlap(text: DecodedText, reference: DecodedText, of: (a: string, b: string) => number): number {
  return text.text === reference.text ? 1 : of(reference.text, text.text);
}

/** The share of the reference's tokens before the first that differs; 1 where both have none. */
function sharedBeginning({ ids }: DecodedText, { ids: wanted }: DecodedText): number {
  const different = wanted.findIndex((token, i) => ids[i] !== token);
  if (different >= 0) return different / wanted.length;
  return wanted.length === 0 ? Number(ids.length === 0) : 1;
}
