// What a parameter may be, read from its JSON Schema, in the few words that help and the docs show.
import { isObject } from '../../util/json.ts';

/** One parameter of a stage, ready to print. */
export interface ParameterText {
  name: string;
  /** `integer ≥ 1`, `'mlp' | 'projection'`, `path`. */
  type: string;
  /** As YAML would give it; undefined when there is none. */
  default: string | undefined;
  required: boolean;
  description: string;
}

/** The parameters of an object schema, in its order. */
export function parameterTexts(schema: unknown): ParameterText[] {
  if (!isObject(schema) || !isObject(schema.properties)) return [];
  const required = Array.isArray(schema.required) ? schema.required : [];
  return Object.entries(schema.properties).map(([name, property]) => {
    const fields = isObject(property) ? property : {};
    const preset = 'default' in fields ? JSON.stringify(fields.default) : undefined;
    const description = typeof fields.description === 'string' ? fields.description : '';
    return {
      name,
      type: typeText(fields),
      default: preset,
      required: required.includes(name) && preset === undefined,
      description,
    };
  });
}

/** The type that a schema allows, in a few words. */
export function typeText(schema: unknown): string {
  if (!isObject(schema)) return 'anything';
  if ('const' in schema) return valueText(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map(valueText).join(' | ');
  const either = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(either)) return either.map(typeText).join(' | ');
  if (schema.format === 'path') return 'path';
  if (schema.type === 'array') return `list of ${typeText(schema.items)}`;
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : String(schema.type ?? 'anything');
  return [type, ...boundTexts(schema)].join(' ');
}

function valueText(value: unknown): string {
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

function boundTexts(schema: Record<string, unknown>): string[] {
  const bounds = [
    ['exclusiveMinimum', '>'],
    ['minimum', '≥'],
    ['exclusiveMaximum', '<'],
    ['maximum', '≤'],
  ] as const;
  return bounds.flatMap(([field, sign]) => (typeof schema[field] === 'number' ? [`${sign} ${schema[field]}`] : []));
}
