// Texts that a model makes of the prompts of records, for the stages that look at early exits.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { StageContext } from '../../contract/stage.ts';
import { ignored } from '../../model/forward/batches.ts';
import type { Model } from '../../model/forward/model.ts';
import type { ExitSettings, ExitStep } from '../../model/generate/exit-decoder.ts';
import { generate } from '../../model/generate/generate.ts';
import type { StoppedToken } from '../../model/sizes/step-costs.ts';
import { UserError } from '../../util/errors.ts';
import { createRandom, shuffle } from '../../util/random.ts';
import type { DecodingParams } from './decoding-options.ts';
import { encodeOne, type ModelTokenizer } from './model-input.ts';
import type { InstructionRecord } from './record-forms.ts';

/** A record as it is asked. */
export interface AskedRecord {
  readonly id: string;
  /** The tokens up to where the first answer begins. */
  readonly prompt: readonly number[];
  /** That answer's text. */
  readonly answer: string;
}

/** The part of the records that is asked for, in file order, and of these the first `limit`. */
export function recordsOfPart(
  records: readonly InstructionRecord[],
  { part, limit = records.length }: Pick<DecodingParams, 'part' | 'limit'>,
  seed: number,
): InstructionRecord[] {
  const order = shuffle([...records.keys()], createRandom('halves', seed));
  const first = new Set(order.slice(0, Math.ceil(records.length / 2)));
  const chosen = part === 'all' ? records : records.filter((_, i) => first.has(i) === (part === 'first'));
  return chosen.slice(0, limit);
}

/** Prompts and answers of records; those that do not fit with what is to be made into the model's context are left out, with a warning. */
export function askedRecords(
  context: Pick<StageContext, 'warn'>,
  records: readonly InstructionRecord[],
  { tokenizer, model: { config } }: { tokenizer: ModelTokenizer; model: Pick<Model, 'config'> },
  max_tokens: number,
): AskedRecord[] {
  const { vocab_size, max_position_embeddings: most } = config;
  if (max_tokens >= most) {
    throw new UserError(
      `'max_tokens' is ${max_tokens}, which leaves no room for a prompt in the model's context of ${most} tokens`,
    );
  }
  const asked = records.flatMap((record): AskedRecord[] => {
    const example = encodeOne(record, tokenizer, { max_length: most, vocab_size });
    const begin = example === null ? 0 : example.labels.findIndex((label, i) => i > 0 && label !== ignored);
    if (example === null || begin < 1 || begin + max_tokens > most) return [];
    const end = example.labels.findIndex((label, i) => i > begin && label === ignored);
    const answer = example.ids.slice(begin, end < 0 ? undefined : end);
    return [{ id: record.id, prompt: [...example.ids.slice(0, begin)], answer: textOf(tokenizer, [...answer]) }];
  });
  const left = records.length - asked.length;
  if (left > 0) {
    context.warn(
      `${left} of ${records.length} records ${left === 1 ? 'is' : 'are'} left out: no answer in them, or a prompt that leaves no room for ${max_tokens} tokens in the model's context of ${most}`,
    );
  }
  if (asked.length > 0) return asked;
  throw new UserError(
    `none of ${records.length} records can be asked: expected a prompt of at most ${most - max_tokens} tokens (the context minus 'max_tokens') and an answer`,
  );
}

function textOf(tokenizer: ModelTokenizer, ids: readonly number[]): string {
  return tokenizer.decode([...ids], { skipSpecialTokens: true }).trim();
}

/** A text that was made. */
export interface DecodedText {
  readonly id: string;
  readonly ids: readonly number[];
  readonly text: string;
  readonly finish: 'end' | 'stop' | 'length';
  /** The record's own. */
  readonly answer: string;
}

/** The answers of `model` to `asked`, likeliest tokens alone; `exit`: where it may stop early. */
export async function decodeRecords(
  context: Pick<StageContext, 'signal' | 'progress'>,
  { model, tokenizer }: { model: Model; tokenizer: ModelTokenizer },
  asked: readonly AskedRecord[],
  { max_tokens, batch_size }: Pick<DecodingParams, 'max_tokens' | 'batch_size'>,
  exit?: Omit<ExitSettings, 'max_tokens'>,
  note?: string,
): Promise<DecodedText[]> {
  const requests = asked.map(({ prompt }) => ({ ids: prompt, stop: [], max_tokens }));
  let done = 0;
  const onEnd = () =>
    context.progress({ done: ++done, total: asked.length, of: 'record', ...(note !== undefined && { note }) });
  const options = { batch_size, order: 'given', signal: context.signal, exit } as const;
  const made = await generate(model, tokenizer, requests, options, undefined, onEnd);
  await nextTurn();
  return made.map(({ ids, text, finish }, i) => {
    const { id, answer } = asked[i] as AskedRecord;
    return { id, ids, text: text.trim(), finish, answer };
  });
}

/** Collects the steps of a decoding. */
export function collectSteps(): { readonly steps: ExitStep[]; readonly onStep: (step: ExitStep) => void } {
  const steps: ExitStep[] = [];
  return { steps, onStep: (step) => void steps.push(step) };
}

/** The tokens of `steps`, each by itself. */
export function stoppedTokens(steps: readonly ExitStep[]): StoppedToken[] {
  return steps.flatMap(({ layer, heads, lengths }) => lengths.map((length) => ({ layer, heads, length })));
}
