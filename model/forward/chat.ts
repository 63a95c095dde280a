// Records -> token ids and labels, as open-instruct did for Tulu 2 (methods A.7, open-instruct@f745360f finetune.py).
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { briefly } from '../../util/shown.ts';
import { type Example, ignored } from './batches.ts';

/** What this file needs of a tokenizer. */
export type ChatTokenizer = Pick<Tokenizer, 'encode' | 'decode' | 'eosId'>;

const roles = ['system', 'user', 'assistant'] as const;

/** One turn of a conversation. */
export interface Message {
  readonly role: (typeof roles)[number];
  readonly content: string;
}

/** A record in one of its three forms: a conversation, a prompt with its completion, or plain text. */
export type ChatRecord =
  | { readonly messages: readonly Message[] }
  | { readonly prompt: string; readonly completion: string }
  | { readonly text: string };

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
  const encoded =
    'messages' in parsed
      ? encodeMessages(parsed.messages, tokenizer, max_length)
      : 'prompt' in parsed
        ? encodeCompletion(parsed.prompt, parsed.completion, tokenizer, max_length)
        : encodeText(parsed.text, tokenizer, max_length);
  // the first token is predicted by nothing, so it alone trains nothing either
  return encoded.labels.some((label, t) => t > 0 && label !== ignored) ? encoded : null;
}

/** `record` checked; a UserError when it has none of the three forms. */
export function parseRecord(record: unknown, where: string): ChatRecord {
  if (isObject(record)) {
    if (Array.isArray(record.messages)) return { messages: record.messages.map((m, i) => parseMessage(m, i, where)) };
    if (typeof record.prompt === 'string' && typeof record.completion === 'string') {
      return { prompt: record.prompt, completion: record.completion };
    }
    if (typeof record.text === 'string') return { text: record.text };
  }
  throw new UserError(`${where}: expected 'messages', 'prompt' with 'completion', or 'text', got ${keysOf(record)}`);
}

/** The conversation as the model sees it, before the tokenizer; an assistant's turn ends with `eosToken`. */
export function renderChat(messages: readonly Message[], eosToken = ''): string {
  return messages
    .map(({ role, content }) => `<|${role}|>\n${content.trim()}${role === 'assistant' ? eosToken : ''}\n`)
    .join('');
}

/**
 * Every message but the assistant's is masked, with the assistant's tag after it. Where a message begins and ends is the
 * token count of the text up to it, tokenised anew: at a boundary that merges this can be off by one, as it was in open-instruct.
 */
function encodeMessages(messages: readonly Message[], tokenizer: ChatTokenizer, maxLength: number): Example {
  const eos = eosOf(tokenizer).token;
  const count = (text: string) => Math.min(maxLength, tokenizer.encode(text).length);
  const { ids, ...rest } = cut(tokenizer.encode(renderChat(messages, eos).trim()), maxLength);
  const labels = ids.slice();
  for (const [k, { role }] of messages.entries()) {
    if (role === 'assistant') continue;
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

function cut(ids: number[], maxLength: number): Pick<Example, 'ids' | 'is_cut'> {
  if (ids.length <= maxLength) return { ids: Int32Array.from(ids) };
  return { ids: Int32Array.from(ids.slice(0, maxLength)), is_cut: true };
}

function eosOf(tokenizer: ChatTokenizer): { id: number; token: string } {
  const id = tokenizer.eosId;
  if (id === undefined) {
    throw new UserError(`the tokenizer has no end-of-text token, expected 'eos_token' in its tokenizer_config.json`);
  }
  return { id, token: tokenizer.decode([id]) };
}

function parseMessage(message: unknown, index: number, where: string): Message {
  const place = `${where}: message ${index + 1}`;
  if (!isObject(message))
    throw new UserError(`${place}: expected an object with 'role' and 'content', got ${briefly(message)}`);
  const role = roles.find((known) => known === message.role);
  if (!role)
    throw new UserError(
      `${place}: 'role' must be ${roles.map((r) => `'${r}'`).join(', ')}, got ${briefly(message.role)}`,
    );
  if (typeof message.content !== 'string')
    throw new UserError(`${place}: 'content' must be a text, got ${briefly(message.content)}`);
  return { role, content: message.content };
}

function keysOf(record: unknown): string {
  return isObject(record) ? `the fields ${Object.keys(record).slice(0, 8).join(', ') || '(none)'}` : briefly(record);
}
