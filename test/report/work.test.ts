// What all took that a stage is made of, added up over its units and theirs, each once.
import { describe, expect, test } from 'vitest';
import type { Plan } from '../../contract/plan.ts';
import { type MadeUnit, madeBy, workMetrics } from '../../report/result/work.ts';

const digest = '0'.repeat(64);
const blob = { digest, size: 1 };
const one = blob as unknown as MadeUnit['preimage']['inputs'][string];
const several = (...names: string[]) =>
  ({
    units: Object.fromEntries(names.map((name) => [name, blob])),
  }) as unknown as MadeUnit['preimage']['inputs'][string];
const unit = (key: string, flops: number, inputs: MadeUnit['preimage']['inputs'] = {}): MadeUnit => ({
  key,
  preimage: { inputs },
  duration_ms: 3_600_000,
  work: { flops, moved_bytes: 0 },
});

/** A model that two stages read, one of which has units; what comes of both is measured. */
const nodes = [
  { id: 'base', inputs: {} },
  { id: 'pairs', inputs: { model: { node: 'base' } } },
  { id: 'tuned', inputs: { model: { node: 'base' }, pairs: { node: 'pairs' } } },
  { id: 'other', inputs: { model: { node: 'base' } } },
] as unknown as Plan['nodes'];
const units = new Map<string, ReadonlyMap<string, MadeUnit>>([
  ['base', new Map([['', unit('b', 1)]])],
  [
    'pairs',
    new Map([
      ['1', unit('p1', 10, { model: one })],
      ['2', unit('p2', 100, { model: one })],
      ['3', unit('p3', 1000, { model: one })],
    ]),
  ],
  ['tuned', new Map([['', unit('t', 10_000, { model: one, pairs: several('1', '2') })]])],
  ['other', new Map([['', unit('o', 100_000, { model: one })]])],
]);
const made = madeBy({ nodes }, (node) => units.get(node) ?? new Map());

describe('the work of a stage', () => {
  test('is that of its units and of those alone that they read, each once', () => {
    expect(workMetrics(made('tuned'))).toEqual({ hours: 4, operations: 10_111, units: 4 });
    expect(workMetrics(made('pairs'))).toEqual({ hours: 4, operations: 1111, units: 4 });
    expect(workMetrics(made('base'))).toEqual({ hours: 1, operations: 1, units: 1 });
  });

  test('has no operations where one record does not say', () => {
    const { work: _, ...silent } = unit('s', 1);
    expect(workMetrics([...made('other'), silent])).toEqual({ hours: 3, units: 3 });
  });
});
