// What is said of values without ajv is what ajv says: verdicts and defaults, of lamina's own schemas and of schemas made for it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { isPath, validator } from '../../located/json-schema.ts';
import { plainCheck } from '../../located/plain-schema.ts';
import { experimentFile, fragmentFile } from '../../schemas/experiment.ts';
import { pipelineFile } from '../../schemas/pipeline.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { isObject, type Json } from '../../util/json.ts';

const plain = (schema: object) => plainCheck(schema, { path: isPath });
const own: [string, object][] = [
  ...[...stageRegistry.values()].map(({ name, params }): [string, object] => [name, params]),
  ['experiment file', experimentFile],
  ['fragment', fragmentFile],
  ['pipeline file', pipelineFile],
];

/** Verdict and value after it, by both. */
function both(schema: object, value: Json) {
  const [ours, theirs] = [structuredClone(value), structuredClone(value)];
  const check = plain(schema);
  if (check === undefined) throw new Error('not plain');
  const [valid, expected] = [check(ours), validator(schema)(theirs)];
  return { ours: { valid, value: valid ? ours : null }, theirs: { valid: expected, value: expected ? theirs : null } };
}

/** Values that a schema may well take, or nearly: its own keys, numbers around its limits, its names. */
function near(schema: object): fc.Arbitrary<Json> {
  const texts = new Set<string>(['', 'auto', 'a/b', '\0']);
  const numbers = new Set<number>([0, -1, 0.5]);
  const keys = new Set<string>(['other', 'constructor']);
  const visit = (each: unknown): void => {
    if (typeof each === 'string') texts.add(each.slice(0, 40));
    if (typeof each === 'number') for (const number of [each, each - 1, each + 1, each / 2]) numbers.add(number);
    if (isObject(each)) for (const key of Object.keys((each.properties as object | undefined) ?? {})) keys.add(key);
    if (typeof each === 'object' && each !== null) Object.values(each).forEach(visit);
  };
  visit(schema);
  const { value } = fc.letrec<{ value: Json }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<Json>(null, true, false, ...texts, ...numbers),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...keys), tie('value'), { maxKeys: 5 }),
    ),
  }));
  return value;
}

describe("lamina's own schemas", () => {
  it.each(own)('%s is plain, and ajv agrees about values', (_, schema) => {
    expect(plain(schema)).toBeDefined();
    fc.assert(
      fc.property(near(schema), (value) => {
        const { ours, theirs } = both(schema, value);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 150 },
    );
  });

  it.each([...stageRegistry.values()].map(({ name, params }): [string, object] => [name, params]))(
    'parameters of %s that are right but for one are judged alike, and get the same defaults',
    (_, schema) => {
      const properties = (schema as { properties?: Record<string, object> }).properties ?? {};
      const values = Object.fromEntries(
        Object.entries(properties).map(([name, each]) => [name, likely(each as Record<string, Json>)]),
      );
      const entry = fc.tuple(fc.constantFrom('none', ...Object.keys(properties)), near(schema));
      const kept = fc.subarray(Object.keys(properties));
      fc.assert(
        fc.property(kept, entry, (names, [changed, value]) => {
          const given = Object.fromEntries(
            names.map((name) => [name, name === changed ? value : (values[name] as Json)]),
          );
          const { ours, theirs } = both(schema, given);
          expect(ours).toEqual(theirs);
        }),
        { numRuns: 150 },
      );
    },
  );
});

describe('the parameters of a pipeline that is shipped', () => {
  const folder = join(import.meta.dirname, '../../pipelines');
  const schemas = readdirSync(folder).flatMap((name) => {
    const { params = {} } = parse(readFileSync(join(folder, name), 'utf8')) as { params?: Record<string, object> };
    return Object.entries(params).map(([param, { default: _, ...schema }]: [string, { default?: unknown }]) => {
      return [`${name}: ${param}`, schema] as [string, object];
    });
  });
  it.each(schemas)('%s is plain, so that no start opens ajv for it, and ajv agrees', (_, schema) => {
    expect(plain(schema)).toBeDefined();
    fc.assert(
      fc.property(near(schema), (value) => {
        const { ours, theirs } = both(schema, value);
        expect(ours).toEqual(theirs);
      }),
      { numRuns: 50 },
    );
  });
});

/** A value that fits the first thing its schema says. */
function likely(schema: Record<string, Json>): Json {
  if (schema.default !== undefined) return schema.default as Json;
  if (Array.isArray(schema.enum)) return schema.enum[0] as Json;
  const samples: Record<string, Json> = {
    string: 'text',
    integer: 8,
    number: 0.5,
    boolean: true,
    array: [],
    object: {},
  };
  return samples[String(schema.type)] ?? null;
}

describe('schemas that ajv refuses, or that say what is not known here', () => {
  const refused: object[] = [
    { type: 'object', required: ['a'] },
    { type: 'object', required: ['a'], properties: {} },
    { minimum: 1 },
    { type: 'string', minimum: 1 },
    { type: 'integer', default: 4 },
    { type: 'string', pattern: '(' },
    { type: 'string', format: 'date' },
    { enum: [] },
    { type: 'text' },
    { type: ['integer', 'integer'] },
    {
      type: 'object',
      properties: { a: { anyOf: [{ type: 'object', properties: { b: { type: 'null', default: null } } }] } },
    },
    { type: 'number', minimum: '1' },
    { type: 'array', minItems: -1 },
    { $ref: '#/$defs/none' },
    { tpye: 'string' },
    { type: ['integer', 'string'], anyOf: [{ type: 'integer' }, { type: 'boolean' }] },
  ];
  it.each(refused.map((schema): [string, object] => [JSON.stringify(schema), schema]))('%s', (_, schema) => {
    expect(plain(schema)).toBeUndefined();
    expect(() => validator(schema)).toThrow();
  });
  it.each([{ not: { type: 'null' } }, { type: 'number', multipleOf: 2 }, { allOf: [] as object[] }])(
    '%j is left to ajv',
    (schema) => {
      expect(plain(schema)).toBeUndefined();
    },
  );
});
