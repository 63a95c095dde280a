// The JSON Schemas that lamina's own declarations are written in: typebox's types, without its 370 files that each command would open at its start.
import type { Type as TypeBox } from 'typebox';

type Simple = 'Boolean' | 'Integer' | 'Null' | 'Number' | 'String' | 'Unknown';
type Builders = Pick<typeof TypeBox, Simple | 'Array' | 'Enum' | 'Object' | 'Optional' | 'Record' | 'Union' | 'Unsafe'>;

type Schema = Readonly<Record<string, unknown>>;

/** Marks an optional property beside the schema, as typebox does: JSON does not show it. */
const optional = '~optional';

const simple = (type: string) => (options?: Schema) => ({ type, ...options });

const builders = {
  Boolean: simple('boolean'),
  Integer: simple('integer'),
  Null: simple('null'),
  Number: simple('number'),
  String: simple('string'),
  Unknown: (options?: Schema) => ({ ...options }),
  Array: (items: Schema, options?: Schema) => ({ type: 'array', items, ...options }),
  Enum: (values: readonly unknown[], options?: Schema) => ({ enum: values, ...options }),
  Object: objectOf,
  Optional: (schema: Schema) => Object.defineProperty({ ...schema }, optional, { value: true }),
  Record: (key: Schema, value: Schema, options?: Schema) => ({
    type: 'object',
    patternProperties: { [String(key.pattern ?? '^.*$')]: value },
    ...options,
  }),
  Union: (anyOf: readonly Schema[], options?: Schema) => ({ anyOf, ...options }),
  Unsafe: (schema: Schema) => ({ ...schema }),
};

/** The part of typebox's `Type` that lamina uses, which gives the same JSON; the keys of a `Record` are texts, and `Enum` takes a list. */
export const Type = builders as unknown as Builders;

function objectOf(properties: Readonly<Record<string, Schema>>, options?: Schema): Schema {
  const required = Object.keys(properties).filter((name) => !Object.hasOwn(properties[name] as Schema, optional));
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...options };
}
