// Records -> token ids and labels: as open-instruct did for Tulu 2 (methods A.7, open-instruct@f745360f finetune.py), in the model's own
// template, or in none.
import { UserError } from '../../util/errors.ts';
import { type Example, ignored } from './batches.ts';
import { type ChatTokenizer, encodeOwn, encodePlain, eosOf, type TrainedTokens } from './chat-spans.ts';
import { type Message, parseRecord } from './record.ts';

/**
 * The example that `record` makes, cut to `max_length` tokens; null when no token of it would be trained.
 * `where` names the record in messages ("dolly.jsonl, record 12").
 */
export function encodeExample(
  record: unknown,
  tokenizer: ChatTokenizer,
  options: { readonly max_length: number },
  where = 'record',
): Example | null {
  const parsed = parseRecord(record, where);
  const { max_length } = options;
  const { ids, labels, ...rest } =
    'messages' in parsed
      ? encodeConversation(parsed, tokenizer, max_length, where)
      : 'prompt' in parsed
        ? encodeCompletion(parsed.prompt, parsed.completion, tokenizer, max_length)
        : encodeText(parsed.text, tokenizer, max_length);
  // the first token is predicted by nothing, so it alone trains nothing either
  return labels.some((label, t) => t > 0 && label !== ignored) ? { ids, labels, ...rest } : null;
}

function encodeConversation(
  { messages, template }: { readonly messages: readonly Message[]; readonly template: string },
  tokenizer: ChatTokenizer,
  maxLength: number,
  where: string,
): Example {
  if (template === 'own') return cutBoth(encodeOwn(messages, tokenizer, where), maxLength);
  if (messages.some(({ role, tool_calls }) => role === 'tool' || tool_calls !== undefined)) {
    throw new UserError(
      `${where}: the template '${template}' has no place for tools, expected 'own' as 'template' of stage 'dataset'`,
    );
  }
  if (template === 'none') return cutBoth(encodePlain(messages, tokenizer), maxLength);
  return encodeMessages(messages, tokenizer, maxLength);
}

/** The conversation in Tulu's template, before the tokenizer; an assistant's turn ends with `eosToken`. */
export function renderChat(messages: readonly Message[], eosToken = ''): string {
  return messages
    .map(({ role, content }) => `<|${role}|>\n${content.trim()}${role === 'assistant' ? eosToken : ''}\n`)
    .join('');
}

/**
 * Every message but the assistant's (of a weight) is masked, with the assistant's tag after it. Where a message begins and ends is the
 * token count of the text up to it, tokenised anew: at a boundary that merges this can be off by one, as it was in open-instruct.
 */
function encodeMessages(messages: readonly Message[], tokenizer: ChatTokenizer, maxLength: number): Example {
  const eos = eosOf(tokenizer).token;
  const count = (text: string) => Math.min(maxLength, tokenizer.encode(text).length);
  const { ids, ...rest } = cut(tokenizer.encode(renderChat(messages, eos).trim()), maxLength);
  const labels = ids.slice();
  for (const [k, { role, weight }] of messages.entries()) {
    if (role === 'assistant' && weight !== 0) continue;
    const start = k === 0 ? 0 : count(renderChat(messages.slice(0, k), eos));
    const answered = messages[k + 1]?.role === 'assistant';
    const end = count(renderChat(messages.slice(0, k + 1), eos) + (answered ? '<|assistant|>\n' : ''));
    labels.fill(ignored, start, end);
    if (end >= maxLength) break;
  }
  return { ids, labels, ...rest };
}

/** Prompt and completion joined by a space unless the seam has white space; the prompt's tokens are masked. */
function encodeCompletion(prompt: string, completion: string, tokenizer: ChatTokenizer, maxLength: number): Example {
  const seam = /[ \n\t]$/.test(prompt) || /^[ \n\t]/.test(completion) ? '' : ' ';
  const { ids, ...rest } = cut(tokenizer.encode(prompt + seam + completion + eosOf(tokenizer).token), maxLength);
  return { ids, labels: ids.slice().fill(ignored, 0, tokenizer.encode(prompt).length), ...rest };
}

/** BOS, the text, EOS; every token is trained. */
function encodeText(text: string, tokenizer: ChatTokenizer, maxLength: number): Example {
  const { ids, ...rest } = cut([...tokenizer.encode(text), eosOf(tokenizer).id], maxLength);
  return { ids, labels: ids.slice(), ...rest };
}

function cutBoth({ ids, labels }: TrainedTokens, maxLength: number): Example {
  const { ids: kept, ...rest } = cut(ids, maxLength);
  return { ids: kept, labels: Int32Array.from(labels.slice(0, maxLength)), ...rest };
}

function cut(ids: number[], maxLength: number): Pick<Example, 'ids' | 'is_cut'> {
  if (ids.length <= maxLength) return { ids: Int32Array.from(ids) };
  return { ids: Int32Array.from(ids.slice(0, maxLength)), is_cut: true };
}
