// Conversations as data sets write them: OpenAI's messages with tools and content parts, ShareGPT's `from` and `value`.
import type { Message, TemplateName } from '../../model/forward/record.ts';
import { UserError } from '../../util/errors.ts';
import { isObject, type Json } from '../../util/json.ts';
import { briefly } from '../../util/shown.ts';

export type { Message, TemplateName };

/** What ShareGPT and those who followed it call the speakers. */
const speakers: Readonly<Record<string, Message['role']>> = {
  ...{ system: 'system', human: 'user', user: 'user', gpt: 'assistant', assistant: 'assistant', chatgpt: 'assistant' },
  ...{ tool: 'tool', observation: 'tool', function_response: 'tool' },
};
const roles = ['system', 'user', 'assistant', 'tool'] as const;

/** The messages of field `name`: objects with `role` and `content`, or with ShareGPT's `from` and `value`. */
export function readMessages(list: unknown, name: string, where: string): Message[] {
  if (!Array.isArray(list) || list.length === 0) throw wrongType(where, name, list, 'a list of messages');
  return list.map((entry: unknown, i) => {
    const place = `${where}: message ${i + 1}`;
    const fields = isObject(entry) ? entry : {};
    return fields.role === undefined && fields.from !== undefined
      ? readTurn(fields, place)
      : readMessage(fields, place);
  });
}

function readTurn({ from, value }: Record<string, unknown>, where: string): Message {
  const role = typeof from === 'string' && Object.hasOwn(speakers, from) ? speakers[from] : undefined;
  if (role === undefined) throw wrongType(where, 'from', from, `one of ${Object.keys(speakers).join(', ')}`);
  return { role, content: contentOf(value, 'value', where) };
}

function readMessage(fields: Record<string, unknown>, where: string): Message {
  const { content, tool_calls, tool_call_id, name, weight } = fields;
  const role = roles.find((known) => known === fields.role);
  if (role === undefined) throw wrongType(where, 'role', fields.role, "'system', 'user', 'assistant' or 'tool'");
  const calls = Array.isArray(tool_calls) && tool_calls.length > 0 ? { tool_calls: tool_calls as Json } : {};
  const isCall = 'tool_calls' in calls && (content === null || content === undefined);
  return {
    role,
    content: isCall ? '' : contentOf(content, 'content', where),
    ...calls,
    ...(typeof tool_call_id === 'string' && { tool_call_id }),
    ...(typeof name === 'string' && { name }),
    ...(weight === 0 && { weight }),
  };
}

/** A text, or a list of parts that are texts, one below the other. */
function contentOf(content: unknown, name: string, where: string): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content) || content.length === 0) throw wrongType(where, name, content);
  const parts = content.map((part: unknown, i) => {
    const { type = 'text', text } = isObject(part) ? part : {};
    if (type === 'text' && typeof text === 'string') return text;
    throw wrongType(where, name, isObject(part) ? type : part, `parts of type 'text' with a 'text' (part ${i + 1})`);
  });
  return parts.join('\n');
}

/** The mistake of a field that holds something else. */
export function wrongType(where: string, name: string, value: unknown, expected = 'text'): UserError {
  return new UserError(`${where}: field '${name}' expects ${expected}, got ${briefly(value)}`);
}
