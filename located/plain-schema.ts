// Whether a value is valid, for the few keywords that schemas of lamina are written in: what ajv would say, without opening or running ajv.
import { canonicalJson, isObject, type Json, type JsonObject } from '../util/json.ts';

/** True when the value is valid; fills defaults into it, which it therefore changes. */
export type PlainCheck = (value: Json | undefined) => boolean;

/** Where a schema stands: at the top, as a property, in the branch of a union, elsewhere. A default means something in a property alone. */
type Place = 'top' | 'property' | 'branch' | 'inside';

type Schema = Readonly<Record<string, unknown>>;

/**
 * The check of a schema that is known to be right by what it holds; undefined for any other, which ajv has to look at. All that can make ajv refuse
 * a schema in its strict mode (a keyword without the type that it is for, a required key that is not declared, ...) is such an other.
 */
export function plainCheck(schema: unknown, formats: Formats): PlainCheck | undefined {
  try {
    return compileWhole(schema, formats);
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    throw error;
  }
}

/** The formats of texts, by name. */
export type Formats = Readonly<Record<string, (text: string) => boolean>>;

/** What the parts of one schema have in common; the definitions have their checks when all is compiled. */
interface Whole {
  readonly formats: Formats;
  readonly definitions: Map<string, PlainCheck | undefined>;
}

class NotPlain extends Error {}

/** A keyword: the types that it is for, none where it is for all, and its check, which is asked for values of these types alone. */
interface Keyword {
  readonly types: readonly string[];
  make(
    given: unknown,
    schema: Schema,
    inner: (schema: unknown, place?: Place) => PlainCheck,
  ): (value: never) => boolean;
}

const keywords: Readonly<Record<string, Keyword>> = {
  enum: { types: [], make: (values) => isOneOf(values) },
  const: { types: [], make: (value) => isOneOf([value]) },
  anyOf: { types: [], make: (branches, _, inner) => anyOf(branches, inner) },
  minimum: number((limit) => (value) => value >= limit),
  maximum: number((limit) => (value) => value <= limit),
  exclusiveMinimum: number((limit) => (value) => value > limit),
  exclusiveMaximum: number((limit) => (value) => value < limit),
  minLength: count('string', (limit) => (text: string) => [...text].length >= limit),
  maxLength: count('string', (limit) => (text: string) => [...text].length <= limit),
  minItems: count('array', (limit) => (items: Json[]) => items.length >= limit),
  maxItems: count('array', (limit) => (items: Json[]) => items.length <= limit),
  minProperties: count('object', (limit) => (map: JsonObject) => Object.keys(map).length >= limit),
  maxProperties: count('object', (limit) => (map: JsonObject) => Object.keys(map).length <= limit),
  pattern: { types: ['string'], make: (pattern) => matches(pattern) },
  uniqueItems: { types: ['array'], make: (unique) => (unique === true ? areUnique : refuse()) },
  items: {
    types: ['array'],
    make(schema, _, inner) {
      const check = inner(schema);
      return (items: Json[]) => items.every(check);
    },
  },
  required: { types: ['object'], make: (names, schema) => hasAll(names, schema) },
  properties: { types: ['object'], make: (properties, _, inner) => propertiesFit(properties, inner) },
  patternProperties: { types: ['object'], make: (given, schema, inner) => patternsFit(given, schema, inner) },
  additionalProperties: { types: ['object'], make: (given, schema, inner) => othersFit(given, schema, inner) },
  propertyNames: {
    types: ['object'],
    make(schema, _, inner) {
      const check = inner(schema);
      return (map: JsonObject) => Object.keys(map).every(check);
    },
  },
};

/** Words about a schema, which say nothing of values. */
const remarks = new Set(['title', 'description']);

function compileWhole(schema: unknown, formats: Formats): PlainCheck {
  if (!isObject(schema)) return refuse();
  const { $defs = {}, ...top } = schema;
  if (!isObject($defs)) return refuse();
  const definitions = new Map(
    Object.keys($defs).map((name) => [`#/$defs/${name}`, undefined as PlainCheck | undefined]),
  );
  const whole = { formats, definitions };
  // what refers to a definition may be a branch of a union
  for (const [name, each] of Object.entries($defs)) definitions.set(`#/$defs/${name}`, compile(each, 'branch', whole));
  return compile(top, 'top', whole);
}

function compile(schema: unknown, place: Place, whole: Whole): PlainCheck {
  if (!isObject(schema)) return refuse();
  if ('$ref' in schema) return definitionIn(schema, whole);
  const types = typesOf(schema);
  const checks: { types: readonly string[]; check: (value: never) => boolean }[] = [];
  // defaults are filled in before anything is looked at
  for (const [name, given] of Object.entries({ properties: undefined, ...schema })) {
    if (name === 'type' || given === undefined) continue;
    if (remarks.has(name) && typeof given === 'string') continue;
    if (name === 'default' && (place === 'property' || place === 'inside')) continue;
    const keyword =
      name === 'format' ? formatKeyword(whole.formats) : Object.hasOwn(keywords, name) ? keywords[name] : undefined;
    if (keyword === undefined || !applies(keyword, types)) return refuse();
    // what stands in a branch stays in it, however deep: defaults in it would be ignored, and ajv says so
    const inner = (each: unknown, at: Place = 'inside') => compile(each, place === 'branch' ? 'branch' : at, whole);
    checks.push({ types: keyword.types, check: keyword.make(given, schema, inner) });
  }
  if (types !== undefined && 'anyOf' in schema && !narrows(schema.anyOf, types)) return refuse();
  const isRight = typeTest(types);
  const tests = checks.map(({ types: served, check }) => {
    const always = served.length === 0 || (types?.every((type) => isServed(type, served)) ?? false);
    const isFor = typeTest(served);
    return always ? check : (value: never) => !isFor(value) || check(value);
  });
  return (value) => {
    if (!isRight(value)) return false;
    for (const test of tests) if (!test(value as never)) return false;
    return true;
  };
}

/** Whether each branch of a union is for one of the types that are named before it: of others ajv says that they can never be. */
function narrows(branches: unknown, types: readonly string[]): boolean {
  if (!Array.isArray(branches)) return false;
  return branches.every((branch) => isObject(branch) && typeof branch.type === 'string' && types.includes(branch.type));
}

/** Whether a value is of one of the types; of any where none is named. */
function typeTest(types: readonly string[] | undefined): (value: Json | undefined) => boolean {
  if (types === undefined) return () => true;
  const tests = types.map((type) => isA[type] as (value: Json | undefined) => boolean);
  const [only] = tests;
  return tests.length === 1 && only !== undefined ? only : (value) => tests.some((test) => test(value));
}

function isServed(type: string, served: readonly string[]): boolean {
  return served.includes(type === 'integer' ? 'number' : type);
}

function definitionIn(schema: Schema, { definitions }: Whole): PlainCheck {
  const { $ref } = schema;
  if (typeof $ref !== 'string' || Object.keys(schema).length > 1 || !definitions.has($ref)) return refuse();
  return (value) => (definitions.get($ref) as PlainCheck)(value);
}

function refuse(): never {
  throw new NotPlain();
}

function typesOf({ type }: Schema): readonly string[] | undefined {
  if (type === undefined) return undefined;
  const types = typeof type === 'string' ? [type] : type;
  if (!Array.isArray(types) || types.length === 0 || new Set(types).size !== types.length) return refuse();
  return types.every((each) => Object.hasOwn(isA, each)) ? types : refuse();
}

function applies({ types }: Keyword, declared: readonly string[] | undefined): boolean {
  if (types.length === 0) return true;
  return declared?.some((type) => isServed(type, types)) ?? false;
}

const isA: Readonly<Record<string, (value: Json | undefined) => boolean>> = {
  string: (value) => typeof value === 'string',
  number: (value) => Number.isFinite(value),
  integer: (value) => Number.isInteger(value),
  boolean: (value) => typeof value === 'boolean',
  null: (value) => value === null,
  array: (value) => Array.isArray(value),
  object: (value) => isObject(value),
};

function number(make: (limit: number) => (value: number) => boolean): Keyword {
  return { types: ['number'], make: (limit) => make(Number.isFinite(limit) ? (limit as number) : refuse()) };
}

function count<T>(type: string, make: (limit: number) => (value: T) => boolean): Keyword {
  const usable = (limit: unknown) => (Number.isInteger(limit) && (limit as number) >= 0 ? (limit as number) : refuse());
  return { types: [type], make: (limit) => make(usable(limit)) };
}

function formatKeyword(formats: Formats): Keyword {
  return {
    types: ['string'],
    make: (name) => (typeof name === 'string' && Object.hasOwn(formats, name) ? (formats[name] as never) : refuse()),
  };
}

function isOneOf(values: unknown): (value: Json) => boolean {
  if (!Array.isArray(values) || values.length === 0) return refuse();
  if (values.some((value) => typeof value === 'object' && value !== null)) return refuse();
  return (value) => values.includes(value);
}

function anyOf(branches: unknown, inner: (schema: unknown, place: Place) => PlainCheck): PlainCheck {
  if (!Array.isArray(branches) || branches.length === 0) return refuse();
  const checks = branches.map((branch) => inner(branch, 'branch'));
  return (value) => checks.some((check) => check(value));
}

function matches(pattern: unknown): (text: string) => boolean {
  const expression = expressionOf(pattern);
  return (text) => expression.test(text);
}

function expressionOf(pattern: unknown): RegExp {
  try {
    return typeof pattern === 'string' ? new RegExp(pattern, 'u') : refuse();
  } catch {
    return refuse();
  }
}

function areUnique(items: readonly Json[]): boolean {
  return new Set(items.map((item) => canonicalJson(item))).size === items.length;
}

function hasAll(names: unknown, { properties }: Schema): (map: JsonObject) => boolean {
  if (!Array.isArray(names) || new Set(names).size !== names.length || !isObject(properties)) return refuse();
  if (!names.every((name) => typeof name === 'string' && Object.hasOwn(properties, name))) return refuse();
  return (map) => names.every((name) => Object.hasOwn(map, name));
}

function propertiesFit(
  properties: unknown,
  inner: (schema: unknown, place: Place) => PlainCheck,
): (map: JsonObject) => boolean {
  if (!isObject(properties)) return refuse();
  const all = Object.entries(properties as Record<string, Schema>).map(([name, schema]) => ({
    name,
    preset: schema.default as Json | undefined,
    check: inner(schema, 'property'),
  }));
  if (all.some(({ name }) => name === '__proto__')) return refuse();
  return (map) => {
    for (const { name, preset } of all) {
      if (preset !== undefined && map[name] === undefined)
        (map as Record<string, Json>)[name] = typeof preset === 'object' ? structuredClone(preset) : preset;
    }
    for (const { name, check } of all) if (Object.hasOwn(map, name) && !check(map[name])) return false;
    return true;
  };
}

function patternsFit(
  given: unknown,
  schema: Schema,
  inner: (schema: unknown) => PlainCheck,
): (map: JsonObject) => boolean {
  if (!isObject(given) || 'properties' in schema || 'additionalProperties' in schema) return refuse();
  const all = Object.entries(given).map(([pattern, each]) => ({ names: expressionOf(pattern), check: inner(each) }));
  return (map) =>
    Object.entries(map).every(([name, value]) => all.every(({ names, check }) => !names.test(name) || check(value)));
}

function othersFit(
  given: unknown,
  { properties = {} }: Schema,
  inner: (schema: unknown) => PlainCheck,
): (map: JsonObject) => boolean {
  if (given === true) return () => true;
  const check = given === false ? () => false : inner(given);
  const others = (map: JsonObject) => Object.keys(map).filter((name) => !Object.hasOwn(properties as object, name));
  return (map) => others(map).every((name) => check(map[name]));
}
