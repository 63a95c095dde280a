// How a record's fields become the messages (or the plain text) that a model is trained on (methods: data sets).
import { UserError } from '../../util/errors.ts';
import { type Message, readMessages, type TemplateName, wrongType } from './record-messages.ts';

/** The one form of a record inside lamina: a conversation, or plain text. */
export type InstructionRecord =
  | { id: string; messages: Message[]; template?: Exclude<TemplateName, 'tulu'> }
  | { id: string; text: string };

type Fields = Record<string, unknown>;
type Body = { messages: Message[] } | { text: string };
type Form = { needs: readonly string[]; read(fields: Fields, where: string): Body };

/** Wording of the DialogSum instruction; the paper does not give its own. */
const summarize = 'Summarize the following dialogue.';

/** The forms in the order in which `auto` tries them: the first whose fields are all there. */
export const forms: Readonly<Record<string, Form>> = {
  messages: {
    needs: ['messages'],
    read: ({ messages }, where) => ({ messages: readMessages(messages, 'messages', where) }),
  },
  sharegpt: {
    needs: ['conversations'],
    read: ({ conversations, system }, where) => {
      const said = readMessages(conversations, 'conversations', where);
      const before = typeof system === 'string' && said[0]?.role !== 'system' ? systemMessage(system) : [];
      return { messages: [...before, ...said] };
    },
  },
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
  prompt_completion: { needs: ['prompt', 'completion'], read: readCompletion },
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
  ...['summary', 'summary1', 'input', 'context', 'output', 'response', 'system'],
];

/** Our names of fields, and the file's names for them. */
export type Columns = Readonly<Record<string, string>>;

/** The record with its fields under our names; a field that `columns` names and the record lacks is a UserError. */
export function renamed(fields: Fields, columns: Columns | undefined, where: string): Fields {
  if (columns === undefined) return fields;
  const taken = Object.entries(columns).map(([ours, theirs]) => {
    if (Object.hasOwn(fields, theirs)) return [ours, fields[theirs]] as const;
    const got = Object.keys(fields).slice(0, 12).join(', ') || 'no fields';
    throw new UserError(
      `${where}: 'columns' takes '${ours}' from '${theirs}', which the record has not: it has ${got}`,
    );
  });
  const used = new Set(Object.values(columns));
  return {
    ...Object.fromEntries(Object.entries(fields).filter(([name]) => !used.has(name))),
    ...Object.fromEntries(taken),
  };
}

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

/** TRL's two forms: texts, or messages of which those of the prompt are not trained. */
function readCompletion(fields: Fields, where: string): Body {
  if (!Array.isArray(fields.prompt) && !Array.isArray(fields.completion))
    return pair('prompt', 'completion')(fields, where);
  const prompt = readMessages(fields.prompt, 'prompt', where);
  const completion = readMessages(fields.completion, 'completion', where);
  const asked = prompt.map((message): Message => (message.role === 'assistant' ? { ...message, weight: 0 } : message));
  return { messages: [...asked, ...completion] };
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
