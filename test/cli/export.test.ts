// `lamina export`: which model a name means, what it writes and prints, and that nothing half-written stays.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Target } from '../../cli/export/target.ts';
import { namedFormats } from '../../stages/export/formats/registry.ts';
import { lamina } from './in-process.ts';
import { type Ended, realProgram, start, workFolder } from './program.ts';

const tiny = join(resolve(import.meta.dirname, '../..'), 'models/tiny');
const folder = workFolder();
const at = (...parts: string[]) => join(folder.path, ...parts);
const exported = (...args: string[]): Promise<Ended> => lamina(folder.path, 'export', ...args);
const namesIn = (name: string) => readdirSync(at(name)).sort();
/** What lamina left beside what it made. */
const leftovers = () => readdirSync(folder.path).filter((name) => name.endsWith('.tmp'));
/** Whether two files have the same bytes. */
const isSame = (a: string, b: string) => readFileSync(at(a)).equals(readFileSync(at(b)));
afterAll(() => folder.remove());

const pipeline = `pipeline: sharing
params: { model: { type: string, format: path } }
stages:
  base: { use: load, with: { path: "\${model}" } }
  shared: { use: share, in: { model: base }, with: { type: T_next, rank: 2, candidate: g0 } }
  out: { use: export, in: { model: base, recovery: shared }, with: { format: gguf, dtype: F16 } }
`;
const spec = `experiment: sharing
pipeline: pipeline.yaml
profiles: { tiny: { default: true, params: { model: ${JSON.stringify(tiny)} } } }
targets: [shared]
`;

describe('a model by itself', () => {
  test('is written for another program, with sizes and with how it is loaded', async () => {
    const { code, out, err } = await exported(tiny, '--format', 'gguf', '--dtype', 'Q8_0', '--to', 'gguf/q8');
    expect(code).toBe(0);
    expect(err).toContain('load: done');
    expect(namesIn('gguf/q8')).toEqual(['README.md', 'metrics.json', 'model.gguf']);
    expect(out).toMatch(/^gguf\/q8\/model\.gguf +1\.66 MB$/m);
    expect(out).toContain(`${tiny} as gguf in Q8_0: 3 files, 1.66 MB\nload it with\n`);
    expect(out).toMatch(/\n {2}llama-cli -m gguf\/q8\/model\.gguf -p "\.\.\."\n$/);
    expect(readFileSync(at('gguf/q8/model.gguf')).subarray(0, 4).toString()).toBe('GGUF');
  });

  test('is not loaded or written again, and an empty folder is a place for it', async () => {
    mkdirSync(at('empty'));
    const args = ['--format', 'gguf', '--dtype', 'Q8_0', '--to', 'empty', '--json'];
    const { code, out, err } = await exported(tiny, ...args);
    expect([code, err]).toEqual([0, '']);
    const { cached, model, params, files, warnings } = JSON.parse(out);
    expect([cached, model, params.format, params.dtype]).toEqual([true, tiny, 'gguf', 'Q8_0']);
    expect(files.map(({ path }: { path: string }) => path).sort()).toEqual(
      namesIn('empty').map((name) => `empty/${name}`),
    );
    expect(warnings.join()).toContain('the model has no chat template');
    expect(isSame('empty/model.gguf', 'gguf/q8/model.gguf')).toBe(true);
  });

  test('goes by the short name of a format, and takes the first precision of one that lacks the usual one', async () => {
    const hf = JSON.parse((await exported('lamina:tiny', '--format', 'hf', '--to', 'hf', '--json')).out);
    expect([hf.params.format, hf.params.dtype]).toEqual(['huggingface', 'BF16']);
    const { out } = await exported('lamina:tiny', '--format', 'onnx', '--to', "o'n", '--json');
    expect(JSON.parse(out).params.dtype).toBe('F32');
    const text = (await exported('hf', '--format', 'hf', '--to', "it's", '--dtype', 'F32')).out;
    expect(text).toContain("  model = AutoModelForCausalLM.from_pretrained('it\\'s')\n");
  });

  test("takes the options of the format's own", async () => {
    const args = ['--format', 'onnx', '--dtype', 'INT4', '--group-size', '16', '--head', '--accuracy-level', '4'];
    const { out } = await exported(tiny, ...args, '--name', 'mine', '--to', 'int4', '--json');
    expect(JSON.parse(out).params).toMatchObject({ group_size: 16, head: true, accuracy_level: 4, name: 'mine' });
    expect(readFileSync(at('int4/README.md'), 'utf8')).toContain('# mine\n');
  });
});

describe('a model of a spec', () => {
  beforeAll(() => {
    writeFileSync(at('pipeline.yaml'), pipeline);
    writeFileSync(at('sharing.yaml'), spec);
    writeFileSync(at('with-export.yaml'), spec.replace('[shared]', '[out]'));
  });

  test('must have been run, and is the checkpoint with what the stage puts on it', async () => {
    const before = await exported('sharing.yaml', 'shared', '--format', 'peft', '--to', 'adapter');
    expect(before.err).toContain(
      "error  'shared' has no result in the store yet: run it first with 'lamina run sharing.yaml'\n",
    );
    expect([before.code, existsSync(at('adapter'))]).toEqual([2, false]);
    expect((await lamina(folder.path, 'run', 'sharing.yaml')).code).toBe(0);
    const { code, out } = await exported(
      'sharing.yaml',
      'shared',
      '--format',
      'peft',
      '--dtype',
      'F32',
      '--to',
      'adapter',
    );
    expect(code).toBe(0);
    expect(out).toContain('shared on base as peft in F32: ');
    expect(namesIn('adapter')).toEqual([
      'README.md',
      'adapter_config.json',
      'adapter_model.safetensors',
      'base',
      'metrics.json',
    ]);
    expect(out).toContain("  model = PeftModel.from_pretrained(base, 'adapter')\n");
  });

  test("has the key of the spec's own export, and its bytes", async () => {
    expect((await lamina(folder.path, 'run', 'with-export.yaml')).code).toBe(0);
    const args = ['--format', 'gguf', '--dtype', 'F16', '--json'];
    for (const part of ['shared', 'out']) {
      const made = JSON.parse((await exported('with-export.yaml', part, ...args, '--to', `gguf-${part}`)).out);
      expect([part, made.cached]).toEqual([part, true]);
    }
    expect((await lamina(folder.path, 'copy', 'with-export.yaml', 'out', '--to', 'copied')).code).toBe(0);
    expect(isSame('gguf-out/model.gguf', 'copied/model.gguf')).toBe(true);
  });

  test('is named by a run too, and follows --set', async () => {
    const byRun = await exported('sharing@1', 'base', '--format', 'gguf', '--dtype', 'F16', '--to', 'by-run');
    expect([byRun.code, namesIn('by-run')]).toEqual([0, ['README.md', 'metrics.json', 'model.gguf']]);
    const other = await exported('sharing.yaml', 'shared', '--set', 'shared.rank=1', '--to', 'other');
    expect(other.err).toContain("run it first with 'lamina run sharing.yaml --set shared.rank=1'\n");
  });

  test('in a compact folder is loaded with its recovery', async () => {
    expect(
      (await exported('sharing.yaml', 'shared', '--layout', 'compact', '--dtype', 'F32', '--to', 'small')).code,
    ).toBe(0);
    const args = ['--format', 'gguf', '--dtype', 'F16'];
    expect((await exported('small', ...args, '--to', 'from-small')).code).toBe(0);
    expect(isSame('from-small/model.gguf', 'gguf-shared/model.gguf')).toBe(true);
  });
});

describe('a mistake is named with the way out, and writes nothing', () => {
  beforeAll(() => {
    mkdirSync(at('full'));
    writeFileSync(at('full/mine.txt'), 'mine');
    writeFileSync(at('file'), '');
    symlinkSync(at('nowhere'), at('dangling'));
  });

  test.each<[string[], string]>([
    [[tiny], "'lamina export' expects --to <folder>, got none (see 'lamina export --help')"],
    [[tiny, '--to', 'full'], "--to 'full' is not empty, expected a folder that is not there yet, or an empty one"],
    [[tiny, '--to', 'file'], "--to 'file' is a file, expected a folder that is not there yet, or an empty one"],
    [[tiny, '--to', 'file/in'], 'is not a folder'],
    [[tiny, '--to', '/proc/x'], "error  cannot write into '/proc/x': "],
    [[tiny, '--to', '.'], "--to '.' is the folder that lamina works in: name one in it"],
    [[tiny, '--to', '..'], "--to '..' is the folder that lamina works in: name one in it"],
    [[tiny, '--to', '.lamina/x'], "--to '.lamina/x' is a part of the store '.lamina': name another"],
    [
      [tiny, '--to', 'q', '--format', 'ggfu'],
      "--format expects 'huggingface', 'peft', 'onnx' or 'gguf', got 'ggfu' (did you",
    ],
    [[tiny, '--to', 'q', '--dtype', 'Q9'], "'Q8_0' or 'Q4_0', got 'Q9'"],
    [
      [tiny, '--to', 'q', '--dtype', 'Q8_0'],
      'dtype: Q8_0 is of format: gguf, expected F32, F16, BF16 or STORED for format: huggingface',
    ],
    [[tiny, '--to', 'q', '--format', 'gguf', '--layout', 'compact'], 'layout: compact is of format: huggingface'],
    [
      [tiny, '--to', 'q', '--format', 'onnx', '--group-size', 'x'],
      "--group-size expects 16, 32, 64, 128 or 256, got 'x'",
    ],
    [[tiny, '--to', 'q', '--name', ''], '--name expects text that is not empty'],
    [[tiny, '--to', 'q', '--formt', 'gguf'], "unknown option '--formt' (did you mean '--format'?)"],
    [[tiny, 'tuned', '--to', 'q'], "is a model by itself, so 'tuned' names nothing in it"],
    [[tiny, '--to', 'q', '--set', 'a=b'], '--set is for specs'],
    [
      ['nowhere', '--to', 'q'],
      "there is no model 'nowhere': expected a model folder, a GGUF file, an 'hf://' name, or a spec",
    ],
    [['full', '--to', 'q'], "has no config.json, expected a folder in Hugging Face's layout"],
    [['hf://x', '--to', 'q'], "'hf://x' does not name a repository as 'org/name'"],
    [['lamina:quickstart', '--to', 'q'], "'lamina:quickstart' is a spec: name one of its stages"],
    [['lamina:quickstart', 'shrp', '--to', 'q'], "'quickstart' has no stage and no cell 'shrp'"],
    [['lamina:quickstart', 'sharp,dialogsum', '--to', 'q'], "run it first with 'lamina run lamina:quickstart'"],
    [['nope@3', 'x', '--to', 'q'], "experiment 'nope' has no run '3'"],
  ])('%j', async (args, message) => {
    const { code, out, err } = await exported(...args);
    expect(err).toContain(message);
    expect(err).not.toContain('    at ');
    expect(err).not.toContain('started'); // before anything runs
    expect([code, out, existsSync(at('q')), leftovers()]).toEqual([2, '', false, []]);
  });

  test('a model that the format cannot hold fails its stage, and a copied checkpoint is no model to load', async () => {
    const peft = await exported(tiny, '--format', 'peft', '--to', 'q');
    expect(peft.err).toContain(
      "stage 'export': format: peft needs recovery parameters for its adapter, got none: join a",
    );
    expect([peft.code, existsSync(at('q')), leftovers()]).toEqual([1, false, []]);
    writeFileSync(at('model.arrow'), 'x');
    const copied = await exported('model.arrow', '--to', 'q');
    expect(copied.err).toBe(
      "error  'model.arrow' is a checkpoint out of a store: name the spec and the stage that made it\n",
    );
  });
});

test('Ctrl-C ends it with 130, says how to go on, and leaves nothing in the place or beside it', async () => {
  const args = ['export', tiny, '--format', 'gguf', '--dtype', 'F32', '--to', 'stopped', '--store', 'another'];
  const { child, ended } = start(realProgram, folder.path, ...args);
  child.stderr?.on('data', (text: string) => {
    if (text.includes('load: started')) child.kill('SIGINT');
  });
  const { code, out, err } = await ended;
  expect([code, out]).toEqual([130, '']);
  expect(err).toMatch(/stopped after .* go on with\n {2}lamina export .* --to stopped --store another\n$/);
  expect([existsSync(at('stopped')), leftovers()]).toEqual([false, []]);
});

test('a folder is in its place when it is whole, and another that came there meanwhile is kept', () => {
  const half = new Target(at('new/half'));
  writeFileSync(join(half.unfinished, 'a'), 'a');
  half.drop();
  expect(namesIn('new')).toEqual([]);
  const whole = new Target(at('new/whole'));
  writeFileSync(join(whole.unfinished, 'a'), 'a');
  expect(namesIn('new')).not.toContain('whole');
  whole.finish();
  whole.drop();
  expect([namesIn('new'), namesIn('new/whole')]).toEqual([['whole'], ['a']]);
  const late = new Target(at('new/late'));
  mkdirSync(at('new/late'));
  writeFileSync(at('new/late/mine'), 'mine');
  expect(() => late.finish()).toThrow(`cannot write '${at('new/late')}': `);
  late.drop();
  expect([namesIn('new'), namesIn('new/late')]).toEqual([['late', 'whole'], ['mine']]);
});

test('the help names every format and option of the stage', async () => {
  const helps = [await exported('--help'), await lamina(folder.path, 'help', 'export')];
  expect(helps[0]?.out).toBe(helps[1]?.out);
  const { out = '' } = helps[0] ?? {};
  for (const { format, options = {} } of namedFormats) {
    expect(out).toContain(`'${format}'`);
    for (const name of Object.keys(options)) expect(out).toContain(`--${name.replaceAll('_', '-')}`);
  }
});
