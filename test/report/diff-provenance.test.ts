import { expect, test } from 'vitest';
import type { Provenance, ProvenanceUnit } from '../../contract/result.ts';
import { compareSides } from '../../report/diff/diff.ts';
import type { DiffSide } from '../../report/diff/side.ts';
import { specRow } from '../../report/diff/view-spec.ts';
import { planOf, runOf } from './diff-sides.ts';

const unit = (changes: Partial<ProvenanceUnit>): ProvenanceUnit => ({
  ...{ unit: '', key: 'k', version: 1, params: 0, seed: null, numerics: null, sources: {}, inputs: {}, outputs: {} },
  ...changes,
});

/** A checkpoint, two units of slw that share a rank, and the number of every cell. */
function provenanceOf(rank: number, bytes: string): Provenance {
  const node = { cell: '', origin: 'pipeline.yaml:14', origins: { rank: 'table.yaml:20' }, inputs: {} };
  return {
    nodes: [
      { ...node, id: 'base', stage: 'base', use: 'load', origins: { path: 'table.yaml:9' }, units: [0] },
      { ...node, id: 'warm', stage: 'warm', use: 'slw', inputs: { model: 0 }, units: [1, 2] },
      { ...node, id: 'ppl', stage: 'ppl', use: 'perplexity-eval', inputs: { recovery: 1 }, units: [3] },
    ],
    params: [{}, { reference: 3, target: 4, rank }, { reference: 5, target: 6, rank }],
    units: [
      unit({ key: 'base', sources: { path: bytes.repeat(16) } }),
      unit({ key: 'a', unit: '3→4', params: 1, seed: 0 }),
      unit({ key: 'b', unit: '5→6', params: 2, seed: 0 }),
      unit({ key: 'number' }),
    ],
  };
}

async function outcome(label: string, rank: number, bytes: string): Promise<DiffSide> {
  const side = runOf(label, await planOf({}), () => 2);
  const result = side.result as NonNullable<typeof side.result>;
  const cells = result.cells.map((cell) => ({ ...cell, key: 'number' }));
  return { ...side, kind: 'outcome', plan: null, result: { ...result, cells, provenance: provenanceOf(rank, bytes) } };
}

test('two outcomes without plans are compared by what their numbers were made of', async () => {
  const { spec, remarks } = compareSides(await outcome('a', 9, 'abcd'), await outcome('b', 4, 'cdef'));
  expect(remarks).toEqual([]);
  expect(spec.changes.map((change) => Object.values(specRow(change, spec.cells)).join(' | '))).toEqual([
    'warm.rank | 9 → 4 | all 6 cells | table.yaml:20',
    'bytes of base.path | (abcdabcd) → (cdefcdef) | all 6 cells | table.yaml:9',
  ]);
});

test('what they were made of in the same way is no difference', async () => {
  expect(compareSides(await outcome('a', 9, 'abcd'), await outcome('b', 9, 'abcd')).equal).toBe(true);
});
