// The parameters of the stage `export` as options of a command, read from the stage's own schema: `group_size` is `--group-size`.
import { type Command, Option } from 'commander';
import type { JsonObject, StageDefinition } from '../../contract/stage.ts';
import { compileSchema } from '../../located/json-schema.ts';
import { formatNamed, namedFormats } from '../../stages/export/formats/registry.ts';
import { UserError } from '../../util/errors.ts';
import { isObject, type Json } from '../../util/json.ts';
import { parameterTexts, typeText } from '../common/schema-text.ts';

/** What commander made of the options: texts, and true or false of what is either. */
export type GivenOptions = Readonly<Record<string, unknown>>;

/** Adds an option for each parameter that the command does not have in another way. */
export function addParameters(command: Command, { params }: Pick<StageDefinition, 'params'>): Command {
  const known = new Set(command.options.map((option) => option.attributeName()));
  for (const { name, type, default: preset, description } of parameterTexts(params)) {
    if (known.has(camelCase(name))) continue;
    const flag = `--${name.replaceAll('_', '-')}`;
    const text = `${description}${preset === undefined ? '' : ` (default: ${preset})`}`;
    if (type === 'boolean') {
      command.addOption(new Option(flag, text)).addOption(new Option(flag.replace('--', '--no-'), `not ${flag}`));
    } else command.addOption(new Option(`${flag} <${name.replaceAll('_', '-')}>`, `${type}: ${text}`));
  }
  return command;
}

/**
 * The parameters that the options give, with the stage's defaults; a format that lacks the usual precision gets its first. Throws UserError for
 * values that a parameter cannot have, and for parameters that do not go together.
 */
export function exportParameters(given: GivenOptions, threads: number, stage: StageDefinition): JsonObject {
  const params: Record<string, Json> = {};
  for (const [name, schema] of Object.entries(propertiesOf(stage))) {
    const value = given[camelCase(name)];
    if (value !== undefined) params[name] = parameterValue(value, schema);
  }
  if (typeof params.format === 'string') params.format = formatNamed(params.format)?.format ?? params.format;
  params.threads = threads;
  const usual = usualDtype(params.format);
  if (usual !== undefined) params.dtype ??= usual;
  const complaints = compileSchema(stage.params).check(params);
  const says = complaints.map(
    (each) => `--${(each.path[0] ?? '').replaceAll('_', '-')} ${'says' in each && each.says}`,
  );
  if (says.length > 0) throw new UserError(says.join('; '));
  stage.check?.(params, new Set(['model', 'recovery']));
  return params;
}

/** The first precision of a format that does not have the stage's default. */
function usualDtype(format: Json | undefined): string | undefined {
  const { dtypes } = namedFormats.find((each) => each.format === format) ?? {};
  return dtypes === undefined || 'BF16' in dtypes ? undefined : Object.keys(dtypes)[0];
}

function propertiesOf({ params }: Pick<StageDefinition, 'params'>): Record<string, unknown> {
  const { properties } = params as { properties?: unknown };
  return isObject(properties) ? properties : {};
}

/** A text that is a number is one where the parameter is. */
function parameterValue(value: unknown, schema: unknown): Json {
  if (typeof value !== 'string') return value as Json;
  const isText = typeText(schema).includes("'") || (isObject(schema) && schema.type === 'string');
  const number = value.trim() === '' ? Number.NaN : Number(value);
  return isText || !Number.isFinite(number) ? value : number;
}

function camelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}
