// The JSON Schemas for editors: they accept what lamina accepts, and underline what it does not.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { editorSchemas } from '../../schemas/editor.ts';
import { registry } from '../spec/registry.ts';
import { experiment, pipeline } from '../spec/spec-folder.ts';

const schemas = editorSchemas(registry);
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addFormat('path', true);
const validators = {
  pipeline: ajv.compile(schemas['pipeline.schema.json'] as object),
  experiment: ajv.compile(schemas['experiment.schema.json'] as object),
};

/** Where a text is wrong; nothing when it is right. */
function mistakes(kind: keyof typeof validators, text: string): string[] {
  const validate = validators[kind];
  return validate(parse(text)) ? [] : [...new Set(validate.errors?.map((error) => error.instancePath))];
}

const stage = (text: string) => mistakes('pipeline', `pipeline: p\nstages:\n  s: ${text}\n`);
const shipped = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

test('right specs are accepted', () => {
  expect(mistakes('pipeline', pipeline)).toEqual([]);
  expect(mistakes('experiment', experiment)).toEqual([]);
  expect(mistakes('experiment', shipped('experiments/quickstart.yaml'))).toEqual([]);
});

test('an interpolation may stand for a value of any type, at any depth, and for all parameters', () => {
  const input = 'in: { model: a, recovery: b, data: c }';
  expect(
    stage(`{ use: sft, ${input}, with: { lr: "\${lr}", schedule: { name: "\${s.name}", warmup_ratio: 0.1 } } }`),
  ).toEqual([]);
  expect(stage(`{ use: sft, ${input}, with: "\${tuning}" }`)).toEqual([]);
});

test.each([
  ['{ use: slww }', '/stages/s/use'],
  ['{ use: load, with: { pth: x } }', '/stages/s/with'],
  ['{ use: sft, in: { model: a, recovery: b, data: c }, with: { lr: fast } }', '/stages/s/with/lr'],
  ['{ use: sft, in: { model: a, recovery: b, data: c }, with: { schedule: { nme: x } } }', '/stages/s/with/schedule'],
  ['{ use: share, in: { modle: a } }', '/stages/s/in'],
  ['{ use: share }', '/stages/s'],
  ['{ use: load, wiht: {} }', '/stages/s'],
])('%s is underlined at %s', (text, path) => {
  expect(stage(text)).toContain(path);
});

test('every stage is offered with its summary, every parameter with its default', () => {
  const text = JSON.stringify(schemas['pipeline.schema.json']);
  for (const { name, summary } of registry.values())
    expect(text).toContain(`{"const":"${name}","description":"${summary}"}`);
  expect(text).toContain('"lr":{"default":0.001,"anyOf":[{"type":"number","exclusiveMinimum":0},');
});

describe('of the pipeline that it names an experiment is offered', () => {
  const rules = editorSchemas(registry, [
    {
      name: 'p',
      params: {
        type: { schema: { enum: ['T_next', 'T_back'], description: 'replacement type' } as object },
        tuning: { schema: { description: 'of sft' }, use: 'slw' },
      },
      stages: { warm: { use: 'slw', params: { type: 'object', properties: { lr: { type: 'number' } } } } },
      metrics: ['ppl.perplexity'],
    },
  ])['experiment.schema.json'] as Record<string, unknown>;
  const { definitions } = rules as { definitions: Record<string, Record<string, unknown>> };
  const then = (rules.allOf as { then: { properties: Record<string, { properties: object }> } }[])[0]?.then;

  test('its parameters, in the experiment and in profiles, with the values that the stage takes', () => {
    expect(Object.keys(definitions['p params']?.properties as object)).toEqual(['type', 'tuning', 'seed']);
    expect(JSON.stringify(definitions['p params'])).toContain('"enum":["T_next","T_back"]');
    expect(JSON.stringify(definitions['p params'])).toContain(
      '"tuning":{"description":"of sft","anyOf":[{"$ref":"#/definitions/with slw"},{}]}',
    );
    expect(then?.properties.params).toEqual({ $ref: '#/definitions/p params' });
    expect(JSON.stringify(then?.properties.profiles)).toContain('{"$ref":"#/definitions/p params"}');
  });

  test('its stages, with the parameters of what they use', () => {
    expect(JSON.stringify(definitions['p stages'])).toContain(
      '"warm":{"anyOf":[{"$ref":"#/definitions/with slw"},{}]}',
    );
    expect(JSON.stringify(definitions['with slw'])).toContain('"lr"');
  });

  test('its parameters and the seed as axes, and its metrics', () => {
    expect(Object.keys(then?.properties.axes?.properties ?? {})).toEqual(['type', 'tuning', 'seed']);
    expect(definitions['p metric']).toEqual({ anyOf: [{ enum: ['ppl.perplexity'] }, { type: 'string' }] });
  });

  test('and nothing is underlined that names another pipeline, or something of its own', () => {
    const compiled = ajv.compile(rules);
    const wider = experiment.replace('axes:', 'axes:\n  own.thing: [1, "${x}"]\n  rank: ["${rank}", 4]');
    for (const text of [experiment, wider, experiment.replace('p.yaml', 'q.yaml')])
      expect(compiled(parse(text)), JSON.stringify(compiled.errors)).toBe(true);
  });
});

test('the schemas are plain JSON, the same each time', () => {
  expect(JSON.stringify(editorSchemas(registry))).toBe(JSON.stringify(schemas));
  expect(JSON.parse(JSON.stringify(schemas))).toEqual(schemas);
});
