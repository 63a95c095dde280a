// A record of a data set as it is encoded: checked, since a data set is a file that anybody may have made.
import type { ChatMessage } from '../../python/chat/chat-template.ts';
import { UserError } from '../../util/errors.ts';
import { isObject, type Json } from '../../util/json.ts';
import { briefly } from '../../util/shown.ts';

const roles = ['system', 'user', 'assistant', 'tool'] as const;

/** One turn of a conversation. */
export interface Message extends ChatMessage {
  readonly role: (typeof roles)[number];
  readonly content: string;
  /** 0: an answer that is read and not trained. */
  readonly weight?: 0;
}

/** How conversations become text: in Tulu 2's template, in the model's own, or in none. */
export const templates = ['tulu', 'own', 'none'] as const;
export type TemplateName = (typeof templates)[number];

/** A record in one of its three forms: a conversation, a prompt with its completion, or plain text. */
export type ChatRecord =
  | { readonly messages: readonly Message[]; readonly template: TemplateName }
  | { readonly prompt: string; readonly completion: string }
  | { readonly text: string };

/** `record` checked; a UserError, which begins with `where`, when it has none of the three forms. */
export function parseRecord(record: unknown, where: string): ChatRecord {
  if (isObject(record)) {
    if (Array.isArray(record.messages)) {
      const messages = record.messages.map((message, i) => parseMessage(message, i, where));
      return { messages, template: parseTemplate(record.template, where) };
    }
    if (typeof record.prompt === 'string' && typeof record.completion === 'string') {
      return { prompt: record.prompt, completion: record.completion };
    }
    if (typeof record.text === 'string') return { text: record.text };
  }
  throw new UserError(`${where}: expected 'messages', 'prompt' with 'completion', or 'text', got ${keysOf(record)}`);
}

function parseTemplate(value: unknown, where: string): TemplateName {
  const found = templates.find((name) => name === (value ?? 'tulu'));
  if (found !== undefined) return found;
  throw new UserError(`${where}: 'template' must be ${quoted(templates)}, got ${briefly(value)}`);
}

function parseMessage(message: unknown, index: number, where: string): Message {
  const place = `${where}: message ${index + 1}`;
  if (!isObject(message)) {
    throw new UserError(`${place}: expected an object with 'role' and 'content', got ${briefly(message)}`);
  }
  const role = roles.find((known) => known === message.role);
  if (!role) throw new UserError(`${place}: 'role' must be ${quoted(roles)}, got ${briefly(message.role)}`);
  if (typeof message.content !== 'string') {
    throw new UserError(`${place}: 'content' must be a text, got ${briefly(message.content)}`);
  }
  const { tool_calls, tool_call_id, name, weight } = message;
  return {
    role,
    content: message.content,
    ...(tool_calls !== undefined && { tool_calls: tool_calls as Json }),
    ...(typeof tool_call_id === 'string' && { tool_call_id }),
    ...(typeof name === 'string' && { name }),
    ...(weight === 0 && { weight }),
  };
}

function quoted(names: readonly string[]): string {
  return names.map((name) => `'${name}'`).join(', ');
}

function keysOf(record: unknown): string {
  return isObject(record) ? `the fields ${Object.keys(record).slice(0, 8).join(', ') || '(none)'}` : briefly(record);
}
