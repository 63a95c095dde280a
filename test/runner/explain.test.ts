import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../contract/stage.ts';
import { explain, lineage } from '../../runner/explain/explain.ts';
import { emptyFolder } from '../store/drafts.ts';
import { toyRegistry } from './fixtures/toy-stages.mjs';
import { openToy } from './harness.ts';
import { node, plan } from './toy-plan.ts';

const origins = { '/optimizer': { file: 'toy.yaml', line: 41, column: 15 } };

function training(lr: number, value: number, path: string) {
  const params: JsonObject = { steps: 1, step_ms: 0, optimizer: { lr, beta: 0.9 } };
  return plan(
    node('r', 'read', { path }, {}, { paths: ['/path'] }),
    node('v', 'value', { value }),
    node('c', 'constant', {}, { a: 'v' }),
    node('sft[k=1]', 'chain', params, { a: 'c', r: 'r' }, { origins }),
  );
}

describe('why', () => {
  it('names the parameter that changed, where it was written, and the inputs that did not change', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'x');
    await toy.run(training(2e-5, 1, path));
    await toy.run(training(2e-5, 2, path));
    const changed = training(1e-5, 2, path);
    const [reason] = await explain(changed, toyRegistry, toy.store, { node: 'sft[k=1]' });
    expect(reason).toMatchObject({
      status: 'run',
      stage: 'sft',
      cell: 'k=1',
      same_inputs: ['a', 'r'],
      open_inputs: [],
    });
    expect(reason?.differences).toEqual([
      {
        kind: 'param',
        name: 'optimizer.lr',
        pointer: '/optimizer/lr',
        before: 2e-5,
        after: 1e-5,
        origin: origins['/optimizer'],
      },
    ]);
  });

  it('says of a stage that waits what is known already', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'x');
    await toy.run(training(2e-5, 1, path));
    writeFileSync(path, 'y');
    const [reason] = await explain(training(2e-5, 1, path), toyRegistry, toy.store, { node: 'sft[k=1]' });
    expect(reason).toMatchObject({
      status: 'depends',
      key: null,
      same_inputs: ['a'],
      open_inputs: ['r'],
      differences: [],
    });
    const [source] = await explain(training(2e-5, 1, path), toyRegistry, toy.store, { node: 'r' });
    expect(source?.differences).toMatchObject([{ kind: 'source', name: 'path', pointer: '/path' }]);
  });

  it('knows of no earlier record where there is none', async () => {
    const toy = await openToy();
    const [reason] = await explain(plan(node('v', 'value', { value: 1 })), toyRegistry, toy.store, { node: 'v' });
    expect(reason).toMatchObject({ status: 'run', earlier: null, differences: [] });
  });

  it('prefers the earlier record of the same unit', async () => {
    const toy = await openToy();
    await toy.run(plan(node('s', 'split', { parts: 3 })));
    const next = plan(node('v', 'value', { value: 2 }), node('s', 'split', { parts: 3 }, { a: 'v' }));
    const reasons = await explain(next, toyRegistry, toy.store, { node: 's', unit: 'part 2' });
    expect(reasons.map((each) => each.earlier?.about.unit)).toEqual(['part 2']);
    await expect(explain(next, toyRegistry, toy.store, { node: 's', unit: 'part 9' })).rejects.toThrow(
      "'s' has no unit 'part 9', expected one of 'part 1', 'part 2', 'part 3'",
    );
  });

  it('prefers what another cell made to a record of its own that has little in common', async () => {
    const toy = await openToy();
    const chain = (id: string, lr: number, beta: number, step_ms: number) =>
      plan(
        node('v', 'value', { value: 1 }),
        node(id, 'chain', { steps: 1, step_ms, optimizer: { lr, beta } }, { a: 'v' }),
      );
    await toy.run(chain('sft[k=1]', 1, 0.1, 1));
    await toy.run(chain('sft[k=2]', 2e-5, 0.9, 0));
    const [reason] = await explain(chain('sft[k=1]', 1e-5, 0.9, 0), toyRegistry, toy.store, { node: 'sft[k=1]' });
    expect(reason?.differences).toMatchObject([{ name: 'optimizer.lr', before: 2e-5, after: 1e-5 }]);
  });

  it('follows a number down to its sources', async () => {
    const toy = await openToy();
    const path = join(emptyFolder(), 'data');
    writeFileSync(path, 'x');
    const whole = training(2e-5, 1, path);
    await toy.run(whole);
    const steps = await lineage(whole, toyRegistry, toy.store, { node: 'sft[k=1]' });
    expect(steps.map((step) => step.node)).toEqual(['sft[k=1]', 'c', 'r', 'v']);
    expect(steps[2]?.sources.path).toMatchObject({ path, size: 1 });
    expect(steps[0]?.inputs.a).toEqual([{ node: 'c', stage: 'c', cell: '', unit: '' }]);
    expect(steps.every((step) => step.record?.key === step.key)).toBe(true);
  });
});
