// Files that `npm run docs` writes are committed and must be what the code says today.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { stagesPage } from '../../cli/common/stages-page.ts';
import { editorSchemas } from '../../schemas/editor.ts';
import { editorPipelines } from '../../spec/plan/editor-pipelines.ts';
import { checkSpec } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(root, path), 'utf8');

describe('generated files (npm run docs)', async () => {
  const schemas = Object.entries(editorSchemas(stageRegistry, await editorPipelines(stageRegistry, [], root)));

  it('there is one schema for each kind of spec', () => {
    expect(readdirSync(join(root, 'schemas/json')).sort()).toEqual(schemas.map(([name]) => name).sort());
  });

  it.each(schemas)('%s is what the schemas say', (name, schema) => {
    expect(JSON.parse(read(`schemas/json/${name}`))).toEqual(schema);
  });

  it('docs/stages.md is what the registry says', () => {
    expect(read('docs/stages.md')).toBe(stagesPage([...stageRegistry.values()]));
  });
});

describe('shipped specs', () => {
  const specs = ['pipelines', 'experiments', 'experiments/common'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((name) => name.endsWith('.yaml'))
      .map((name) => `${folder}/${name}`),
  );

  it("are one for each of the paper's tables and figures with results, and more", () => {
    const tables = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11].map((number) => `experiments/table-${number}.yaml`);
    const figures = ['2-left', '2-right', '3', '4'].map((name) => `experiments/figure-${name}.yaml`);
    expect(specs).toEqual(expect.arrayContaining([...tables, ...figures, 'experiments/quickstart.yaml']));
  });

  it.each(specs)('%s has no mistakes', async (spec) => {
    expect(await checkSpec(join(root, spec), stageRegistry)).toEqual([]);
  });
});
