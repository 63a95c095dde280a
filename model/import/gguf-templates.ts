// The chat templates of a GGUF file as the files that a model folder would have.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import type { Fields } from '../architecture/config-fields.ts';
import { type Companions, isCompanion, templateFolder } from '../checkpoint/companions.ts';

const key = 'tokenizer.chat_template';
const mostTemplates = 64;

/** The template without a name, and those that `tokenizer.chat_templates` names. */
export function ggufTemplates(fields: Fields): Companions {
  const companions: Record<string, string> = {};
  const plain = fields.raw(key);
  if (plain !== undefined) companions['chat_template.jinja'] = textAt(fields, key);
  for (const name of namesOf(fields)) {
    const path = `${templateFolder}/${name}.jinja`;
    if (!isCompanion(path)) {
      throw new UserError(
        `${fields.source}: '${key}s' must name templates by letters, digits, - and _, got ${shown(name)}`,
      );
    }
    companions[path] = textAt(fields, `${key}.${name}`);
  }
  return companions;
}

function namesOf(fields: Fields): readonly string[] {
  const names = fields.raw(`${key}s`) ?? [];
  const isList =
    Array.isArray(names) && names.length <= mostTemplates && names.every((name) => typeof name === 'string');
  if (isList) return names;
  throw new UserError(
    `${fields.source}: '${key}s' must be a list of at most ${mostTemplates} names, got ${shown(names)}`,
  );
}

function textAt(fields: Fields, name: string): string {
  const text = fields.text(name);
  if (text !== undefined) return text;
  throw new UserError(`${fields.source}: '${name}' must be a text, got ${shown(fields.raw(name))}`);
}
