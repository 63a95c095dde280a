// Validation by JSON Schema (2020-12): ajv finds the mistakes, the words for them are ours.
import type { ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Json } from '../util/json.ts';
import type { Complaint } from './schema-complaints.ts';
import { complaintsOf } from './schema-complaints.ts';

/** A compiled schema: what is wrong with a value, and the value with its defaults filled in. */
export interface JsonSchema {
  /** What is wrong; nothing when the value is valid. Fills defaults into `value`, which it therefore changes. */
  check(value: Json): Complaint[];
}

const ajv = new Ajv2020({
  allErrors: true,
  verbose: true,
  strict: true,
  allowUnionTypes: true,
  useDefaults: true,
  ownProperties: true,
  addUsedSchema: false,
  logger: false,
  code: { optimize: false }, // the code runs a few times, and to polish it takes half of the time of compiling
});
ajv.addFormat('path', { type: 'string', validate: isPath });

/** True for a text that can name a file. */
export function isPath(text: string): boolean {
  return text !== '' && !text.includes('\0');
}

const compiled = new WeakMap<object, JsonSchema>();

/** Compiles a schema, once. Throws an Error that says what is wrong with the schema itself. */
export function compileSchema(schema: object): JsonSchema {
  let known = compiled.get(schema);
  if (known === undefined) {
    known = wrap(ajv.compile(schema));
    compiled.set(schema, known);
  }
  return known;
}

function wrap(validate: ValidateFunction): JsonSchema {
  return { check: (value) => (validate(value) ? [] : complaintsOf((validate.errors ?? []) as ErrorObject[])) };
}
