import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { editorSchemas } from '../../cli/editor-schemas.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { lamina, workFolder } from './program.ts';

const root = resolve(import.meta.dirname, '../..');
const written = editorSchemas(stageRegistry);

function check(schema: string, value: unknown): string[] {
  const validate = new Ajv2020({ strict: false, allErrors: true }).compile(written[schema] as object);
  validate(value);
  return (validate.errors ?? []).map((error) => `${error.instancePath} ${error.message}`);
}

function spec(path: string): unknown {
  return parse(readFileSync(join(root, path), 'utf8'));
}

describe('the schemas for editors', () => {
  test.each(['pipelines/sharp.yaml', 'pipelines/pretrain.yaml'])('accept %s', (path) => {
    expect(check('pipeline.schema.json', spec(path))).toEqual([]);
  });

  test.each(['experiments/quickstart.yaml', 'experiments/pretrain-tiny.yaml'])('accept %s', (path) => {
    expect(check('experiment.schema.json', spec(path))).toEqual([]);
  });

  test('know the stages, their inputs and their parameters', () => {
    const pipeline = (stage: object) => ({ pipeline: 'p', stages: { warm: stage } });
    expect(check('pipeline.schema.json', pipeline({ use: 'slw', with: { rank: 8, lr: '${lr}' } }))).toEqual([]);
    expect(check('pipeline.schema.json', pipeline({ use: 'slww' }))).toContain(
      '/stages/warm/use must be equal to one of the allowed values',
    );
    expect(check('pipeline.schema.json', pipeline({ use: 'slw', with: { rnk: 8 } }))).not.toEqual([]);
    expect(check('pipeline.schema.json', pipeline({ use: 'slw', in: { mdel: 'base' } }))).not.toEqual([]);
  });
});

describe('lamina schemas', () => {
  const folder = workFolder();
  afterAll(() => folder.remove());

  test('writes them', async () => {
    const { code, out } = await lamina(folder.path, 'schemas', '--out', 'json');
    expect(code).toBe(0);
    expect(out).toBe('json/pipeline.schema.json\njson/experiment.schema.json\n');
    const text = readFileSync(join(folder.path, 'json/pipeline.schema.json'), 'utf8');
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(written['pipeline.schema.json'])));
  });
});

test('the page of the stages names every stage, parameter and default', async () => {
  const { out } = await lamina(root, 'stages', '--markdown');
  for (const name of stageRegistry.keys()) expect(out).toContain(`\n## ${name}\n`);
  expect(out).toContain('| `rank` | integer ≥ 1 | `400` | rank of AB |');
});
