// Schemas made tolerant for editors: an interpolation may stand for any value, and nothing is required.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs

export type Schema = Readonly<Record<string, unknown>>;

/** Text with an interpolation, which may stand for a value of any type. */
export const interpolation: Schema = {
  type: 'string',
  pattern: '\\$\\{',
  description: 'an interpolation: ${name}',
};

/** A schema in which every value may be an interpolation, at any depth, and no key is required: others may give it. */
export function open(schema: Schema, top = false): Schema {
  const result: Record<string, unknown> = { ...schema };
  delete result.required;
  if (isSchema(schema.properties)) {
    const properties = Object.entries(schema.properties).map(([key, value]) => [key, open(value as Schema)]);
    result.properties = Object.fromEntries(properties);
  }
  for (const key of ['items', 'additionalProperties'])
    if (isSchema(schema[key])) result[key] = open(schema[key] as Schema);
  if (top || isFreeText(schema)) return result;
  const { description, default: preset, ...rest } = result;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, interpolation],
  };
}

/** True when any text is allowed anyway. */
function isFreeText(schema: Schema): boolean {
  const keywords = ['enum', 'const', 'pattern', 'maxLength'];
  return schema.type === 'string' && !keywords.some((keyword) => keyword in schema);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON that a schema is, without what typebox keeps beside it, and without a value twice in an enum, which JSON Schema forbids. */
export function plain(schema: object): Schema {
  const once = (key: string, value: unknown) => (key === 'enum' && Array.isArray(value) ? [...new Set(value)] : value);
  return JSON.parse(JSON.stringify(schema, once)) as Schema;
}
