// Validation by JSON Schema (2020-12): ajv finds the mistakes, the words for them are ours. It is opened where there is a mistake to find.
import { createRequire } from 'node:module';
import type { Ajv2020, ErrorObject, ValidateFunction } from 'ajv/dist/2020.js';
import type { Json } from '../util/json.ts';
import { plainCheck } from './plain-schema.ts';
import type { Complaint } from './schema-complaints.ts';
import { complaintsOf } from './schema-complaints.ts';

/** A compiled schema: what is wrong with a value, and the value with its defaults filled in. */
export interface JsonSchema {
  /** What is wrong; nothing when the value is valid. Fills defaults into `value`, which it therefore changes. */
  check(value: Json): Complaint[];
}

/** True for a text that can name a file. */
export function isPath(text: string): boolean {
  return text !== '' && !text.includes('\0');
}

const formats = { path: isPath };
const compiled = new WeakMap<object, JsonSchema>();
let opened: Ajv2020 | undefined;

/** Compiles a schema, once. Throws an Error that says what is wrong with the schema itself. */
export function compileSchema(schema: object): JsonSchema {
  let known = compiled.get(schema);
  if (known === undefined) {
    known = compile(schema);
    compiled.set(schema, known);
  }
  return known;
}

function compile(schema: object): JsonSchema {
  const isValid = plainCheck(schema, formats);
  if (isValid === undefined) return { check: complaintsBy(validator(schema)) };
  let complaints: JsonSchema['check'] | undefined;
  return {
    check(value) {
      if (isValid(value)) return [];
      complaints ??= complaintsBy(validator(schema));
      return complaints(value);
    },
  };
}

/** What ajv makes of a schema, whether it is plain or not. */
export function validator(schema: object): ValidateFunction {
  opened ??= open();
  return opened.compile(schema);
}

function complaintsBy(validate: ValidateFunction): JsonSchema['check'] {
  return (value) => (validate(value) ? [] : complaintsOf((validate.errors ?? []) as ErrorObject[]));
}

function open(): Ajv2020 {
  const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js');
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
  for (const [name, validate] of Object.entries(formats)) ajv.addFormat(name, { type: 'string', validate });
  return ajv;
}
