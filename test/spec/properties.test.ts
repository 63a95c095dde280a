// Properties of plans: topological, blind to layout, linear in the grid, names that never collide.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the specs' interpolations
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import type { Plan } from '../../contract/plan.ts';
import type { StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { cellLabel, cellName, escapeName } from '../../spec/experiment/names.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { registry } from './registry.ts';
import { experiment, numerics, pipeline, planned, specFolder } from './spec-folder.ts';

/** A plan without the places in files, which alone may change with the layout. */
function withoutPlaces(plan: Plan, folder: string): unknown {
  const text = JSON.stringify(plan, (key, value) => (key === 'origin' || key === 'origins' ? undefined : value));
  return JSON.parse(text.replaceAll(folder, ''));
}

test('inputs come before their users, in whatever order a pipeline declares its stages', async () => {
  const [head, body] = pipeline.split('stages:\n') as [string, string];
  const stages = body.trimEnd().split('\n');
  const whole = (await planned(specFolder())).nodes.map((node) => node.id).sort();
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray(stages, { minLength: stages.length }), async (shuffled) => {
      const { nodes } = await planned(specFolder({ 'p.yaml': `${head}stages:\n${shuffled.join('\n')}\n` }));
      const seen = new Set<string>();
      for (const node of nodes) {
        for (const input of Object.values(node.inputs)) expect(seen).toContain(input.node);
        seen.add(node.id);
      }
      expect([...seen].sort()).toEqual(whole);
    }),
    { numRuns: 15 },
  );
});

test('layout, quotes and comments do not change a plan', async () => {
  const folder = specFolder();
  const plain = withoutPlaces(await planned(folder), folder);
  const style = fc.record({
    indent: fc.integer({ min: 1, max: 7 }),
    defaultStringType: fc.constantFrom('PLAIN' as const, 'QUOTE_DOUBLE' as const, 'QUOTE_SINGLE' as const),
    collectionStyle: fc.constantFrom('block' as const, 'flow' as const, 'any' as const),
    comment: fc.constantFrom('', '# a remark\n', '\n\n'),
    newline: fc.constantFrom('\n', '\r\n'),
  });
  await fc.assert(
    fc.asyncProperty(style, async ({ comment, newline, ...options }) => {
      const restyle = (text: string) =>
        `${comment}${parseDocument(text).toString(options)}${comment}`.replaceAll('\n', newline);
      const other = specFolder({ 'p.yaml': restyle(pipeline), 'e.yaml': restyle(experiment) });
      expect(withoutPlaces(await planned(other), other)).toEqual(plain);
    }),
    { numRuns: 15 },
  );
});

test('a name gives its parts back: no two lists of values share a name (P10)', () => {
  const value = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom('a', '-', ',', '=', '%', '[', ']', ' ', '2', 'C') }),
  );
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
      expect(cellName(values).split(',').map(decodeURIComponent)).toEqual(values);
      const pairs = values.map((v) => [v, v] as const);
      const read = cellLabel(pairs)
        .split(',')
        .map((pair) => pair.split('=').map(decodeURIComponent));
      expect(read).toEqual(pairs);
    }),
  );
  expect(escapeName('llama-3.2_3b/x:y')).toBe('llama-3.2_3b/x:y');
});

/** The registry, counting how often a definition's parameters are looked at: once or more for each stage instance. */
function counting(): { registry: StageRegistry; count: () => number } {
  let count = 0;
  const watch = (definition: StageDefinition): StageDefinition =>
    Object.defineProperty({ ...definition }, 'params', {
      get: () => {
        count++;
        return definition.params;
      },
    });
  const watched = new Map([...registry].map(([name, definition]) => [name, watch(definition)]));
  return { registry: watched, count: () => count };
}

test('a grid costs work in proportion to its nodes: ten times the cells, ten times the work', async () => {
  const work = async (ranks: number) => {
    const list = Array.from({ length: ranks }, (_, i) => i + 1).join(', ');
    const file = `experiment: grid\npipeline: p.yaml\nparams: { model: m }\nmetric: tuned_ppl.perplexity\naxes: { rank: [${list}], seed: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10] }\n`;
    const { registry: watched, count } = counting();
    const plan = await loadPlan({ file: 'e.yaml', numerics, cwd: specFolder({ 'e.yaml': file }) }, watched);
    return { nodes: plan.nodes.length, cells: plan.cells.length, count: count() };
  };
  const [small, large] = [await work(10), await work(100)];
  // base, data and acts are shared; warm, tuned and tuned_ppl are made for each cell
  expect(small).toMatchObject({ cells: 100, nodes: 3 + 3 * 100 });
  expect(large).toMatchObject({ cells: 1000, nodes: 3 + 3 * 1000 });
  expect(large.count / small.count).toBeLessThan(10);
});

test('a stage that an axis does not reach is made once, however many cells there are', async () => {
  const list = Array.from({ length: 1000 }, (_, i) => i + 1).join(', ');
  const values = '{ warm: { metric: ppl.perplexity }, tuned: { metric: tuned_ppl.perplexity } }';
  const axes = `{ tuned.epochs: [${list}], after: { values: ${values} } }`;
  const cells = '[{ after: warm }, { after: tuned, tuned.epochs: [1, 2] }]';
  const file = `experiment: grid\npipeline: p.yaml\nparams: { model: m }\naxes: ${axes}\ninclude: ${cells}\n`;
  const { registry: watched, count } = counting();
  const plan = await loadPlan({ file: 'e.yaml', numerics, cwd: specFolder({ 'e.yaml': file }) }, watched);
  expect(plan.cells.length).toBe(1002);
  const ids = plan.nodes.map((node) => node.id);
  expect(ids.filter((id) => !id.startsWith('tuned'))).toEqual(['base', 'data', 'acts', 'warm', 'ppl']);
  expect(ids.length).toBe(5 + 2 * 2);
  expect(count()).toBeLessThan(60);
});
