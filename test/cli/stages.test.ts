import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { editorSchemas } from '../../schemas/editor.ts';
import { editorPipelines } from '../../spec/plan/editor-pipelines.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { lamina } from './in-process.ts';
import { workFolder } from './program.ts';

const folder = workFolder();
afterAll(() => folder.remove());

test('`schemas` writes the schemas for editors', async () => {
  const { code, out } = await lamina(folder.path, 'schemas', '--out', 'json');
  expect(code).toBe(0);
  expect(out).toBe('json/pipeline.schema.json\njson/experiment.schema.json\njson/fragment.schema.json\n');
  for (const [name, schema] of Object.entries(
    editorSchemas(stageRegistry, await editorPipelines(stageRegistry, [], process.cwd())),
  )) {
    const text = readFileSync(join(folder.path, 'json', name), 'utf8');
    expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(schema)));
  }
});

test('`stages` describes a stage: where it comes from, what it takes and gives', async () => {
  const { out } = await lamina(folder.path, 'stages', 'slw');
  expect(out).toContain('SHARP (arXiv 2502.07832)');
  expect(out).toMatch(/^ {2}activations +activations +/m);
  expect(out).toMatch(/^ {2}rank +integer ≥ 1 \| 'scaled' += "scaled"/m);
  expect(out).toMatch(/^ {2}epochs +integer .*= 5\b/m);
});

test('`stages` names every replacement type, and the fields that a cell can name', async () => {
  const types = (await lamina(folder.path, 'stages', 'share-blocks')).out;
  expect(types).toMatch(/^ {2}type +'immediate' \| 'T_next' \| 'T_next2' \| 'T_back' \| .*'T_max'/m);
  const { out } = await lamina(folder.path, 'stages', 'perplexity-eval');
  expect(out).toContain('fields: perplexity, mean_nll, stderr, tokens, examples');
});

test('`check` names an unknown replacement type at its line', async () => {
  const spec = [
    'experiment: mine',
    'pipeline: lamina:sharp',
    'params: { model: lamina:tiny, type: T_nxt }',
    'axes: { method: { values: { sharp: { metric: tuned_ppl.perplexity } } } }',
  ];
  writeFileSync(join(folder.path, 'mine.yaml'), spec.join('\n'));
  const { code, err } = await lamina(folder.path, 'check', 'mine.yaml');
  expect(err).toMatch(
    /^mine\.yaml:3:37 {2}stage 'warm': parameter 'type' expects 'T_next', .*, got 'T_nxt' \(did you mean 'T_next'\?\)$/m,
  );
  expect(code).toBe(2);
});

test('`stages` writes numbers as a spec takes them, and long descriptions below where there is no room beside', async () => {
  const { out } = await lamina(folder.path, 'stages', 'quantize');
  // quantize's own declaration: bits is an enum of numbers, scheme one of texts
  expect(out).toMatch(/^ {2}bits +4 \| 8 +.*= 4$/m);
  expect(out).toMatch(/^ {2}scheme +'float' \| .*= "8da4w"\n {6}float: nothing is rounded/m);
  for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
});

test('the page of the stages names every stage, parameter and default', async () => {
  const { out } = await lamina(folder.path, 'stages', '--markdown');
  for (const name of stageRegistry.keys()) expect(out).toContain(`\n## ${name}\n`);
  expect(out).toContain('| `rank` | integer ≥ 1 \\| \'scaled\' | `"scaled"` | ');
  expect(out).toContain('| `samples` | integer ≥ 1 ≤ 4096 | `128` | ');
});
