// A run in another precision, from its flag to what is read back of it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { engineRemarks } from '../../cli/common/remarks.ts';
import { lamina } from './in-process.ts';
import { workFolder } from './program.ts';

const spec = `experiment: rounded
title: One perplexity
pipeline: lamina:sharp
metric: original_ppl.perplexity
params:
  model: lamina:tiny
  data: { generate: dialogsum, generate_seed: 2, records: 40, eval_fraction: 0.2 }
  max_length: 128
`;

test('is said to be no faster where the device has no such products, and of a planned device what that has', () => {
  const precision = 'bfloat16';
  expect(engineRemarks({ precision })).toHaveLength(1);
  expect(engineRemarks({ precision, device: 'cpu' })).toEqual(engineRemarks({ precision }));
  expect(engineRemarks({ precision, device: 'h100' })).toEqual([]);
  expect(engineRemarks({ precision, provider: 'cuda' })).toEqual([]);
  expect(engineRemarks({ device: 'h100' })).toEqual([]);
});

describe('--precision', () => {
  const folder = workFolder();
  const say = (...args: string[]) => lamina(folder.path, ...args);
  const outcome = () => join(folder.path, 'results/rounded/default');
  beforeAll(() => writeFileSync(join(folder.path, 'rounded.yaml'), spec));
  afterAll(() => folder.remove());

  test.each(['bfloat16', 'float16'])(
    '%s: the run is kept and told, and is no outcome of the spec',
    async (precision) => {
      const { code, err } = await say('run', 'rounded.yaml', '--precision', precision);
      expect(err).toContain(`--precision ${precision}: provider 'cpu' has no products of such numbers`);
      expect(code).toBe(0);
      expect(existsSync(outcome())).toBe(false);
      const shown = await say('show', 'rounded', '--json');
      expect({ code: shown.code, err: shown.err }).toEqual({ code: 0, err: '' });
      expect(JSON.parse(shown.out).cells[0].value).toBeGreaterThan(1);
    },
  );

  test('another precision is another key, and the spec as it is written makes the outcome', async () => {
    const { err } = await say('run', 'rounded.yaml');
    expect(err).toContain('3 units: 2 cached, 1 to run');
    expect(readFileSync(join(outcome(), 'cells.json'), 'utf8')).toContain('"experiment": "rounded"');
  });

  test('runs that differ in it are listed with it, and nothing of them is damaged', async () => {
    const { out, err } = await say('runs');
    expect(err).toBe('');
    expect(out).toContain('precision=bfloat16');
    expect(out).toContain('precision=float16');
    const { out: diff, code } = await say('diff', 'rounded@1', 'rounded@3');
    expect(diff).toContain('numerics.precision');
    expect(code).toBe(0);
  });
});
