// Chat templates as transformers renders them: Jinja with white space cut at blocks, `raise_exception`, and the parts that
// `{% generation %}` marks as the assistant's words. @huggingface/jinja evaluates them, which is made for these templates alone.
import { Template } from '@huggingface/jinja';
import { UserError } from '../../util/errors.ts';
import type { Json } from '../../util/json.ts';
import { type ChatText, cutMarks, hasMarks, holdsMark, markTemplate } from './marks.ts';
import { stripFunctions, withPythonStrips } from './strips.ts';

/** One message as a template sees it. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string | null;
  /** Calls of tools, as the model's template wants them. */
  readonly tool_calls?: Json;
  readonly tool_call_id?: string;
  readonly name?: string;
}

/** A model's way of writing conversations. */
export interface ChatTemplate {
  /** True where the template says itself which words are the assistant's. */
  readonly marks: boolean;
  /** The conversation as text; with `prompts` up to where the assistant's next turn begins. A UserError for what it refuses. */
  render(messages: readonly ChatMessage[], options?: { readonly prompts?: boolean }): ChatText;
}

/** What a template is given beside the messages. */
export interface TemplateSetting {
  /** Texts of tokens by role: `bos_token`, `eos_token`, ... */
  readonly tokens: Readonly<Record<string, string>>;
  /** Whether a template may ask for the date: then its text is another one tomorrow. */
  readonly dated?: boolean;
}

const longestTemplate = 2 ** 20;

/** Parses `source`; `where` begins what is said of it. UserError for one that cannot be parsed. */
export function compileChatTemplate(
  source: string,
  where: string,
  { tokens, dated = false }: TemplateSetting,
): ChatTemplate {
  if (source.length > longestTemplate) throw new UserError(`${where}: it has more than ${longestTemplate} characters`);
  const template = parsed(source, where, dated);
  const globals = { ...tokens, ...stripFunctions, tools: null, documents: null, [ownRaise]: raise };
  return {
    marks: hasMarks(source),
    render(messages, { prompts = false } = {}) {
      for (const [i, message] of messages.entries()) checkContent(message.content ?? '', `${where}: message ${i + 1}`);
      try {
        return cutMarks(template.render({ ...globals, messages, add_generation_prompt: prompts }));
      } catch (error) {
        throw refused(error, source, where);
      }
    },
  };
}

/** A template's own objection to a conversation. */
class Objection extends Error {}

function raise(message: unknown): never {
  throw new Objection(String(message));
}

/** The library's own functions of these names cannot be replaced, so a template calls ours by another one; nothing stands under the second. */
const [ownRaise, noDate] = ['lamina_raise_exception', 'lamina_no_date'];

function parsed(source: string, where: string, dated: boolean): Template {
  const text = markTemplate(source).replace(/\braise_exception\b/g, ownRaise);
  try {
    const template = new Template(dated ? text : text.replace(/\bstrftime_now\b/g, noDate));
    template.parsed = withPythonStrips(template.parsed);
    return template;
  } catch (error) {
    throw new UserError(`${where}: it cannot be parsed (${(error as Error).message}): ${otherTemplates}`);
  }
}

const otherTemplates = "mend it, or choose 'tulu' or 'none'";

function refused(error: unknown, source: string, where: string): unknown {
  if (error instanceof Objection)
    return new UserError(`${where}: it refuses this conversation: ${error.message} (${otherTemplates})`);
  if (!(error instanceof Error)) return error;
  const why = /\bstrftime_now\b/.test(source)
    ? 'it asks for the date, and the same records must give the same tokens tomorrow'
    : error.message;
  return new UserError(`${where}: it cannot be rendered: ${why} (${otherTemplates})`);
}

function checkContent(content: string, where: string): void {
  if (holdsMark(content)) throw new UserError(`${where} has U+FDD0 or U+FDD1, which is no character: take it out`);
}
