// Conversations in the model's own template, or in none: which parts of the text are the assistant's, and which tokens those are.
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import type { ChatTemplate } from '../../python/chat/chat-template.ts';
import type { Span } from '../../python/chat/marks.ts';
import { UserError } from '../../util/errors.ts';
import { ignored } from './batches.ts';
import type { Message } from './record.ts';

/** What encoding records needs of a tokenizer; `template` is the model's own, where it has one. */
export interface ChatTokenizer extends Pick<Tokenizer, 'encode' | 'decode' | 'eosId'> {
  readonly template?: ChatTemplate | undefined;
}

/** Token ids, and of each the id that is trained or `ignored`. */
export interface TrainedTokens {
  readonly ids: number[];
  readonly labels: number[];
}

/**
 * The conversation in the model's own template. Trained is what the template marks with {% generation %}, as transformers'
 * `return_assistant_tokens_mask` has it; without such marks what the text has more after each of the assistant's turns than before it, but
 * for white space at the end.
 */
export function encodeOwn(messages: readonly Message[], tokenizer: ChatTokenizer, where: string): TrainedTokens {
  const { template } = tokenizer;
  if (template === undefined) throw new UserError(`${where}: the model has no chat template of its own: ${others}`);
  const { text, marked } = named(where, () => template.render(messages));
  const spans = named(where, () =>
    template.marks ? weighed(messages, marked) : spansBetween(messages, template, text),
  );
  return trainSpans(text, spans, tokenizer, false);
}

const others = "choose 'tulu' or 'none' as 'template' of stage 'dataset'";

/** The marked parts but for those of answers that are not trained. */
function weighed(messages: readonly Message[], marked: readonly Span[]): readonly Span[] {
  const answers = messages.filter(({ role }) => role === 'assistant');
  if (answers.every(({ weight }) => weight !== 0)) return marked;
  if (answers.length === marked.length) return marked.filter((_, i) => answers[i]?.weight !== 0);
  throw new UserError(
    `the model's chat template marks ${marked.length} parts where the record has ${answers.length} answers, of which some are not to be trained: ${others}`,
  );
}

function spansBetween(messages: readonly Message[], template: ChatTemplate, text: string): Span[] {
  return messages.flatMap(({ role, weight }, k) => {
    if (role !== 'assistant' || weight === 0) return [];
    const before = template.render(messages.slice(0, k), { prompts: true }).text;
    const after = template.render(messages.slice(0, k + 1)).text.trimEnd();
    if (text.startsWith(before) && text.startsWith(after)) return [{ start: before.length, end: after.length }];
    throw new UserError(
      `the model's chat template writes message ${k + 1} otherwise where another follows or where the answer is still to come, so that answers cannot be told from prompts: mark them in it with {% generation %}, or ${others}`,
    );
  });
}

/** The texts one after the other, joined by a space unless the seam has white space; each of the assistant's ends with the end token. */
export function encodePlain(messages: readonly Message[], tokenizer: ChatTokenizer): TrainedTokens {
  const eos = eosOf(tokenizer).token;
  const spans: Span[] = [];
  let text = '';
  for (const { role, content, weight } of messages) {
    const seam = text === '' || /\s$/.test(text) || /^\s/.test(content) ? '' : ' ';
    const start = text.length;
    text += seam + content + (role === 'assistant' ? eos : '');
    if (role === 'assistant' && weight !== 0) spans.push({ start, end: text.length });
  }
  return trainSpans(text, spans, tokenizer, true);
}

/** `text` as tokens, of which those with a character of a span are trained. */
function trainSpans(
  text: string,
  spans: readonly Span[],
  tokenizer: ChatTokenizer,
  addSpecialTokens: boolean,
): TrainedTokens {
  const encode = (part: string) => tokenizer.encode(part, { addSpecialTokens });
  const ids = encode(text);
  const added = encode('').length;
  const labels = ids.map(() => ignored as number);
  // the token that a character is in: what stands before it makes the tokens before it, unless a token reaches across the seam; then
  // tokens are turned back into text until the character is there
  const tokenWith = (place: number) => {
    const before = encode(text.slice(0, place));
    let t = 0;
    while (t < before.length && before[t] === ids[t]) t++;
    if (t === before.length) return t;
    while (t < ids.length - 1 && tokenizer.decode(ids.slice(added, t + 1)).length <= place) t++;
    return t;
  };
  for (const { start, end } of spans.filter((span) => span.start < span.end)) {
    const last = tokenWith(end - 1);
    for (let t = tokenWith(start); t <= last; t++) labels[t] = ids[t] ?? ignored;
  }
  return { ids, labels };
}

/** The token that ends an answer; UserError for a tokenizer that has none. */
export function eosOf(tokenizer: ChatTokenizer): { id: number; token: string } {
  const id = tokenizer.eosId;
  if (id === undefined) {
    throw new UserError(`the tokenizer has no end-of-text token, expected 'eos_token' in its tokenizer_config.json`);
  }
  return { id, token: tokenizer.decode([id]) };
}

function named<T>(where: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${where}: ${error.message}`);
    throw error;
  }
}
