// Exports through the command line: run, copied out of the store as folders, and a compact one read back by another spec.
import { cpSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { realProgram, start, workFolder } from '../cli/program.ts';
import { modelFolder } from './small-spec.ts';

const pipeline = `pipeline: out
params:
  model: { type: string }
  with: { type: object }
stages:
  base: { use: load, with: { path: "\${model}" } }
  shared: { use: share, in: { model: base }, with: { rank: 4 } }
  out: { use: export, in: { model: base, recovery: shared }, with: "\${with}" }
`;

const sizes = `experiment: sizes
pipeline: out.yaml
profiles:
  tiny: { default: true, params: { model: model } }
axes:
  form:
    values:
      compact: { params: { with: { layout: compact } } }
      onnx: { params: { with: { format: onnx, dtype: INT4 } } }
      peft: { params: { with: { format: peft, dtype: F16 } } }
metric: out.unique_bytes
table: { rows: [form], metric: bytes, better: lower }
`;

const again = `pipeline: again
params:
  model: { type: string }
stages:
  base: { use: load, with: { path: "\${model}" } }
  out: { use: export, in: { model: base, recovery: base } }
`;

const back = `experiment: back
pipeline: again.yaml
profiles:
  tiny: { default: true }
axes:
  from:
    values:
      folder: { params: { model: model } }
      compact: { params: { model: copied/form=compact } }
metric: out.unique_bytes
table: { rows: [from], metric: bytes, better: lower }
`;

const folder = workFolder();
const lamina = (...args: string[]) => start(realProgram, folder.path, ...args).ended;
const valuesOf = (out: string) => (JSON.parse(out) as { cells: { value: number }[] }).cells.map(({ value }) => value);

beforeAll(() => {
  cpSync(modelFolder, join(folder.path, 'model'), { recursive: true });
  const specs = { 'out.yaml': pipeline, 'sizes.yaml': sizes, 'again.yaml': again, 'back.yaml': back };
  for (const [name, text] of Object.entries(specs)) writeFileSync(join(folder.path, name), text);
});
afterAll(() => folder.remove());

it('is copied out as folders, and a compact one is loaded with its recovery where another has none', async () => {
  const run = await lamina('run', 'sizes.yaml', '--json');
  expect(run.code, run.err).toBe(0);
  const copied = await lamina('copy', 'sizes.yaml', 'out', '--to', 'copied');
  expect(copied.code, copied.err).toBe(0);
  const found = readdirSync(join(folder.path, 'copied'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(join(folder.path, 'copied').length + 1));
  const ofBoth = ['README.md', 'metrics.json'];
  const compact = [...ofBoth, 'config.json', 'sharp.json', 'shared.safetensors', 'tokenizer.json'];
  const onnx = [...ofBoth, 'config.json', 'model.onnx', 'model.onnx.data', 'tokenizer.json'];
  const base = ['config.json', 'model.safetensors', 'tokenizer.json'].map((name) => `base/${name}`);
  const peft = [...ofBoth, ...base, 'adapter_config.json', 'adapter_model.safetensors'];
  const expected = Object.entries({ compact, onnx, peft }).flatMap(([form, names]) =>
    names.map((name) => `form=${form}/${name}`),
  );
  expect(found.toSorted()).toEqual(expected.toSorted());

  const loaded = await lamina('run', 'back.yaml', '--json');
  expect(loaded.code, loaded.err).toBe(0);
  const [whole = 0, shared = 0] = valuesOf(loaded.out);
  expect(shared).toBe(valuesOf(run.out)[0]); // bfloat16 as before: the same tensors and the same recovery
  expect(whole).toBeGreaterThan(shared);
});
