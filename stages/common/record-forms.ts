// How a record's fields become the messages (or the plain text) that a model is trained on (methods: data sets).
import { UserError } from '../../util/errors.ts';
import { briefly } from '../../util/shown.ts';

export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

/** The one form of a record inside lamina: a conversation, or plain text. */
export type InstructionRecord = { id: string; messages: Message[] } | { id: string; text: string };

type Fields = Record<string, unknown>;
type Body = { messages: Message[] } | { text: string };
type Form = { needs: readonly string[]; read(fields: Fields, where: string): Body };

/** Wording of the DialogSum instruction; the paper does not give its own. */
const summarize = 'Summarize the following dialogue.';

/** The forms in the order in which `auto` tries them: the first whose fields are all there. */
export const forms: Readonly<Record<string, Form>> = {
  messages: { needs: ['messages'], read: readMessages },
  openorca: {
    needs: ['system_prompt', 'question', 'response'],
    read: (fields, where) => ({
      messages: [
        ...systemMessage(text(fields, 'system_prompt', where)),
        ...exchange(text(fields, 'question', where), text(fields, 'response', where)),
      ],
    }),
  },
  question_answer: { needs: ['question', 'answer'], read: pair('question', 'answer') },
  prompt_completion: { needs: ['prompt', 'completion'], read: pair('prompt', 'completion') },
  dialogsum: {
    needs: ['dialogue'],
    read: (fields, where) => {
      const summary = 'summary' in fields ? 'summary' : 'summary1';
      const question = `${summarize}\n\n${text(fields, 'dialogue', where)}`;
      return { messages: exchange(question, text(fields, summary, where)) };
    },
  },
  instruction: { needs: ['instruction'], read: readInstruction },
  text: { needs: ['text'], read: (fields, where) => ({ text: text(fields, 'text', where) }) },
};

/** Every field that a form looks at. */
export const formFields: readonly string[] = [
  ...Object.values(forms).flatMap(({ needs }) => needs),
  ...['summary', 'summary1', 'input', 'context', 'output', 'response'],
];

/** Reads one record, named `id`; `where` (`file:line`) goes into the message when a field is missing or not text. */
export function toRecord(fields: Fields, form: string, where: string, id = lastPart(where)): InstructionRecord {
  const chosen = form === 'auto' ? detectForm(fields, where) : (forms[form] as Form);
  return { id, ...chosen.read(fields, where) };
}

function lastPart(where: string): string {
  return where.slice(Math.max(where.lastIndexOf('/'), where.lastIndexOf('\\')) + 1);
}

function detectForm(fields: Fields, where: string): Form {
  const found = Object.values(forms).find((form) => form.needs.every((name) => name in fields));
  if (found !== undefined) return found;
  const got = Object.keys(fields).slice(0, 12).join(', ') || 'no fields';
  const known = Object.entries(forms).map(([name, form]) => `${name} (${form.needs.join(', ')})`);
  throw new UserError(`${where}: no known record form fits, got ${got}, expected one of ${known.join('; ')}`);
}

function pair(question: string, answer: string): Form['read'] {
  return (fields, where) => ({ messages: exchange(text(fields, question, where), text(fields, answer, where)) });
}

/** Alpaca (instruction, input, output) and Dolly (instruction, context, response). */
function readInstruction(fields: Fields, where: string): Body {
  const extra = fields.input ?? fields.context ?? '';
  if (typeof extra !== 'string') throw wrongType(where, 'input', extra);
  const instruction = text(fields, 'instruction', where);
  const question = extra.trim() === '' ? instruction : `${instruction}\n\n${extra}`;
  return { messages: exchange(question, text(fields, 'output' in fields ? 'output' : 'response', where)) };
}

function readMessages(fields: Fields, where: string): Body {
  const list = fields.messages;
  if (!Array.isArray(list) || list.length === 0) throw wrongType(where, 'messages', list, 'a list of messages');
  return { messages: list.map((entry: unknown, i) => readMessage(entry, `${where}: message ${i + 1}`)) };
}

function readMessage(entry: unknown, where: string): Message {
  const { role, content } = (typeof entry === 'object' && entry !== null ? entry : {}) as Fields;
  if (role !== 'system' && role !== 'user' && role !== 'assistant') {
    throw wrongType(where, 'role', role, "'system', 'user' or 'assistant'");
  }
  if (typeof content !== 'string') throw wrongType(where, 'content', content);
  return { role, content };
}

function systemMessage(content: string): Message[] {
  return content.trim() === '' ? [] : [{ role: 'system', content }];
}

function exchange(question: string, answer: string): Message[] {
  return [
    { role: 'user', content: question },
    { role: 'assistant', content: answer },
  ];
}

function text(fields: Fields, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw wrongType(where, name, value);
  return value;
}

function wrongType(where: string, name: string, value: unknown, expected = 'text'): UserError {
  return new UserError(`${where}: field '${name}' expects ${expected}, got ${briefly(value)}`);
}
