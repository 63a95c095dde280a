// A backend that does not load is said once, before anything runs: by `plan` as a warning, by `run` as what it cannot start without.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openWork } from '../e2e/small-spec.ts';

const work = openWork();
afterAll(() => work.remove());

/** TensorFlow's package, which says on standard error what the dynamic linker would. */
const folder = join(work.path, '.gpu/tensorflow/node_modules/@tensorflow/tfjs-node');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'package.json'), JSON.stringify({ version: '4.22.0', main: 'index.js' }));
writeFileSync(
  join(folder, 'index.js'),
  "const text = 'libtensorflow_cc.so.2: cannot open shared object file'; require('fs').writeSync(2, text); throw new Error(text);",
);

const sentence =
  "backend 'tensorflow': '@tensorflow/tfjs-node' is installed but does not load: libtensorflow_cc.so.2: cannot open shared object file; " +
  "'lamina doctor --install tensorflow' installs one that loads (the system does not find libtensorflow_cc.so.2)";

describe('a backend that does not load', () => {
  test('is warned of once by plan, which plans all the same', async () => {
    const { code, err, out } = await work.lamina('plan', 'small.yaml', '--backend', 'tensorflow');
    expect(err).toBe(`! ${sentence}\n`);
    expect([code, out]).toEqual([0, expect.stringContaining('original_ppl')]);
  });

  test('stops a run before it begins, once', async () => {
    const { code, err, out } = await work.lamina('run', 'small.yaml', '--backend', 'tensorflow');
    expect([code, out, err]).toEqual([2, '', `error  ${sentence}\n`]);
    expect(existsSync(join(work.path, '.lamina/ac'))).toBe(true); // the store is there, and nothing ran into it
  });

  test('is not asked about where another computes', async () => {
    const { code, err } = await work.lamina('plan', 'small.yaml');
    expect([code, err]).toEqual([0, '']);
  });
});

describe('a precision', () => {
  const remark =
    "! --precision bfloat16: provider 'cpu' has no products of such numbers, so the rounded operands are multiplied as float32: " +
    'the numbers are those of the precision, the time is not\n';

  test('that the device does not multiply in is said by plan', async () => {
    const { code, err } = await work.lamina('plan', 'small.yaml', '--precision', 'bfloat16');
    expect([code, err]).toEqual([0, remark]);
  });

  test('has a key of its own, and numbers of its own', async () => {
    const only = ['--only', 'method=original'];
    const perplexityOf = async (...flags: string[]) => {
      const { code, out, err } = await work.lamina('run', 'small.yaml', ...only, '--json', ...flags);
      expect([code, err]).toEqual([0, flags.length === 0 ? '' : remark]);
      return (JSON.parse(out) as { cells: { value: number }[] }).cells[0]?.value as number;
    };
    const exact = await perplexityOf();
    const rounded = await perplexityOf('--precision', 'bfloat16');
    expect(rounded).not.toBe(exact);
    expect(Math.abs(rounded / exact - 1)).toBeLessThan(0.02);
  });

  test.each([
    [['--backend', 'cpu'], "precision 'bfloat16' is of the backend 'onnx', expected float32 with backend 'cpu'"],
    [
      ['--provider', 'webgpu'],
      "precision 'bfloat16': WebGPU has no such numbers, expected float16 or float32 with provider 'webgpu'",
    ],
  ])('is refused with %j, which does not have it', async (flags, sentence) => {
    const { code, err, out } = await work.lamina('run', 'small.yaml', '--precision', 'bfloat16', ...flags);
    expect([code, out, err]).toEqual([2, '', `error  ${sentence}\n`]);
  });
});
