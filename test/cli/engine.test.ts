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
