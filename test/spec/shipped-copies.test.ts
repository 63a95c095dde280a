// Copies of a profile's own model and data, for every experiment that is shipped: said in one way, and never off the spec's grid.
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { numerics } from './spec-folder.ts';

const root = resolve(import.meta.dirname, '../..');
const profile = 'smollm2-135m';
/** Has no such profile: it makes the embedded models. */
const without = ['pretrain-tiny.yaml'];
const files = readdirSync(join(root, 'experiments')).filter(
  (name) => name.endsWith('.yaml') && !without.includes(name),
);
const plan = (name: string, set: string[]) =>
  loadPlan({ file: join(root, 'experiments', name), numerics, cwd: root, profile, set }, stageRegistry);

test('all are looked at', () => expect(files).toHaveLength(32));

describe.each(files)('%s', (name) => {
  test('takes a local copy of the model, and is the spec all the same', async () => {
    const { copies, overrides, nodes, claims } = await plan(name, ['model=mine.gguf']);
    expect({ copies, overrides }).toEqual({ copies: ['--set model=mine.gguf'], overrides: [] });
    const loaded = nodes.filter(({ use, stage }) => use === 'load' && stage === 'base');
    expect(loaded).not.toEqual([]);
    expect(loaded.map(({ params }) => params.path)).toEqual(loaded.map(() => join(root, 'mine.gguf')));
    expect(claims).toEqual((await plan(name, [])).claims);
  });
});
