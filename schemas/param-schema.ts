// The part of JSON Schema in which a pipeline describes the values of its parameters.
import { mapOf } from './map-of.ts';
import { Type } from './type.ts';

/** The types that a parameter may have. */
export const valueTypes = ['string', 'number', 'integer', 'boolean', 'object', 'array', 'null'] as const;
export type ValueType = (typeof valueTypes)[number];

/** A JSON Schema of one value, in the keywords that a spec may use; `format: path` marks a file or folder. */
export interface ValueSchema {
  type: ValueType | ValueType[];
  format?: 'path';
  description?: string;
  enum?: unknown[];
  anyOf?: ValueSchema[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: ValueSchema;
  properties?: Record<string, ValueSchema>;
  required?: string[];
  additionalProperties?: boolean;
}

/** A parameter: the schema of its value, and the value when nobody gives one. */
export interface ParamSchema extends ValueSchema {
  default?: unknown;
}

/** A reference to the definition below; the schema that uses it carries `paramDefinitions` as its `$defs`. */
export const paramSchema = Type.Unsafe<ParamSchema>({ $ref: '#/$defs/param' });
const valueSchema = Type.Unsafe<ValueSchema>({ $ref: '#/$defs/value' });

const valueType = Type.Enum([...valueTypes]);
const count = () => Type.Optional(Type.Integer({ minimum: 0 }));
const bound = () => Type.Optional(Type.Number());

const valueKeywords = {
  type: Type.Union([valueType, Type.Array(valueType, { minItems: 1 })], { description: 'the type of the value' }),
  format: Type.Optional(
    Type.Enum(['path'], {
      description: 'path: the value names a file or a folder, relative to the file that it is written in',
    }),
  ),
  description: Type.Optional(Type.String({ description: 'what it is, with its unit' })),
  enum: Type.Optional(Type.Array(Type.Unknown(), { minItems: 1, description: 'the only values allowed' })),
  anyOf: Type.Optional(
    Type.Array(valueSchema, { minItems: 2, description: 'the value is one of these: a number, or one of some words' }),
  ),
  minimum: bound(),
  maximum: bound(),
  exclusiveMinimum: bound(),
  exclusiveMaximum: bound(),
  minLength: count(),
  maxLength: count(),
  minItems: count(),
  maxItems: count(),
  items: Type.Optional(valueSchema),
  properties: Type.Optional(mapOf(valueSchema)),
  required: Type.Optional(Type.Array(Type.String())),
  additionalProperties: Type.Optional(Type.Boolean()),
};

export const paramDefinitions = {
  value: Type.Object(valueKeywords, { additionalProperties: false }),
  param: Type.Object(
    { ...valueKeywords, default: Type.Optional(Type.Unknown({ description: 'the value when nobody gives one' })) },
    { additionalProperties: false },
  ),
};
