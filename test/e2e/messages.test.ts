// What users are told about their mistakes, whole, by the real program: which thing, what was expected, what was got, the way out.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, realProgram } from '../cli/program.ts';
import { copyModel, openWork, smallSpec, type Work } from './small-spec.ts';

let work: Work;
beforeAll(() => {
  work = openWork();
});
afterAll(() => work?.remove());

/** The whole of standard error, with the folder of the test as DIR; never a stack trace. */
function messageOf({ err }: Ended): string {
  expect(err).not.toMatch(/^ {4}at /m);
  return err.replaceAll(work.path, 'DIR');
}

import { appendFileSync } from 'node:fs';
function same(a: string, b: string) { appendFileSync('/tmp/lamina/e2e/rec', JSON.stringify([expect.getState().currentTestName, a]) + '\n'); expect(a).toBe(b); }
async function expectMessage(args: string[], code: number, message: string): Promise<void> {
  const ended = await work.lamina(...args);
  same(messageOf(ended),message);
  expect(ended.code).toBe(code);
}

/** Runs the small spec's first number, so that little else runs beside what is wrong. */
const runOriginal = (...args: string[]): string[] => [
  'run',
  'small.yaml',
  '--json',
  '--only',
  'method=original',
  ...args,
];

describe('before anything runs, with exit code 2', () => {
  it('the mistakes of a spec, all at once', async () => {
    const text = smallSpec
      .replace('save_every', 'save_evry')
      .replace('rank: 4', 'rank: four')
      .replace('tuned_ppl.perplexity', 'tuned_ppl.perplexty');
    work.write('wrong.yaml', text);
    await expectMessage(['run', 'wrong.yaml'], 2, `TODO`);
  });

  it('a misspelt key of a spec, without what follows from it', async () => {
    work.write('key.yaml', smallSpec.replace('profiles:', 'profils:'));
    await expectMessage(['run', 'key.yaml'], 2, `TODO`);
  });

  it('a cycle in the pipeline', async () => {
    work.write(
      'cycle.yaml',
      `pipeline: cycle
stages:
  base: { use: load, with: { path: model } }
  data: { use: dataset, with: { generate: arxiv_math } }
  one: { use: sft, in: { model: base, recovery: two, data: data.train } }
  two: { use: sft, in: { model: base, recovery: one, data: data.train } }
`,
    );
    await expectMessage(['check', 'cycle.yaml'], 2, `TODO`);
  });

  it('a spec that is not there', async () => {
    await expectMessage(['run', 'smal.yaml'], 2, `TODO`);
  });

  it('a model folder that is not there, with the line that names it', async () => {
    work.write('gone.yaml', smallSpec.replace('model: model', 'model: modle'));
    await expectMessage(['run', 'gone.yaml'], 2, `TODO`);
  });

  it('a data file that is not there', async () => {
    await expectMessage(['run', 'small.yaml', '--set', 'data={path: gone.jsonl}'], 2, `TODO`);
  });

  it('the mistakes of the flags, all at once', async () => {
    const flags = ['--profile=tyni', '--only=method=shrp', '--only=mehtod=sharp', '--force=wram'];
    const sets = ['--set=tunde.lr=1', '--set=tuned.lr=fast', '--set=tuned.rate=1'];
    await expectMessage(['run', 'small.yaml', ...flags, ...sets], 2, `TODO`);
  });

  it('a flag with a value that it cannot have', async () => {
    await expectMessage(['run', 'small.yaml', '--threads', '0'], 2, `TODO`);
  });

  it.each(['file', 'file/store'])("a store where a file is: '%s'", async (store) => {
    work.write('file', 'x');
    const message = `error  the store 'DIR/${store}' cannot be there: expected a folder, but 'DIR/file' is a file; choose another --store\n`;
    await expectMessage([store === 'file' ? 'plan' : 'run', 'small.yaml', '--store', store], 2, message);
  });

  it('a store in a folder of other things', async () => {
    await expectMessage(runOriginal('--store', 'model'), 2, 'TODO');
  });
});

describe('within a run, with exit code 1', () => {
  const safetensors = join('broken', 'model.safetensors');
  const withModel = (...args: string[]) => runOriginal('--set', 'model=broken', '--store', 'broken-store', ...args);

  /** A copy of the model to break. */
  function breakModel(how: (folder: string) => void): void {
    for (const name of ['broken', 'broken-store']) rmSync(join(work.path, name), { recursive: true, force: true });
    copyModel(join(work.path, 'broken'));
    how(join(work.path, 'broken'));
  }

  it('a safetensors file that was cut, with all that a watcher sees', async () => {
    const whole = readFileSync(join(work.path, 'model/model.safetensors')).byteLength;
    breakModel(() => truncateSync(join(work.path, safetensors), 1_000_000));
    const ended = await work.lamina(...withModel('-j', '1').filter((arg) => arg !== '--json'));
    const message = messageOf(ended).replace(/\b\d:\d\d\b/g, '0:00');
    same(message.replace(/small\/[\dTZ-]+\//, 'small/RUN/'), `TODO`);
    expect(ended.code).toBe(1);
  });

  it('a safetensors header that lies about a shape', async () => {
    breakModel(() => editHeader(join(work.path, safetensors), '"shape":[96]', '"shape":[95]'));
    await expectMessage(withModel(), 1, 'TODO');
  });

  it('weights that do not fit config.json', async () => {
    breakModel((folder) => edit(join(folder, 'config.json'), /"num_hidden_layers": \d+/, '"num_hidden_layers": 13'));
    await expectMessage(withModel(), 1, 'TODO');
  });

  it('a model without tokenizer.json', async () => {
    breakModel((folder) => rmSync(join(folder, 'tokenizer.json')));
    await expectMessage(withModel(), 1, 'TODO');
  });

  it('a tokenizer.json that was cut', async () => {
    breakModel((folder) => truncateSync(join(folder, 'tokenizer.json'), 1000));
    await expectMessage(withModel(), 1, 'TODO');
  });

  it('weights that are not numbers', async () => {
    breakModel((folder) => overwriteEmbedding(join(folder, 'model.safetensors')));
    await expectMessage(withModel(), 1, 'TODO');
  });

  it.each<[title: string, line: string, message: string]>([
    ['a broken line', '{"question":"2+2?",', 'TODO'],
    ['a field of another type', '{"question":"2+2?","answer":4}', 'TODO'],
  ])('a data set with %s', async (_, line, message) => {
    work.write('data.jsonl', `{"question":"1+1?","answer":"2"}\n${line}\n`);
    const args = runOriginal('--set', 'data={path: data.jsonl}', '--store', 'data-store', '--force', 'data');
    await expectMessage(args, 1, message);
  });

  it('a training that diverges: stage, cell, step and the way out', async () => {
    const text = smallSpec
      .replace('sharp: { metric: tuned_ppl.perplexity }', 'absurd: { metric: tuned_ppl.perplexity }')
      .replace(
        'original: { metric: original_ppl.perplexity }',
        'sane: { metric: tuned_ppl.perplexity, with: { tuned: { lr: 1.0e-4 } } }',
      );
    work.write(
      'diverges.yaml',
      text.replace('absurd: {', 'absurd: { with: { tuned: { lr: 10, weight_decay: 1.0e+38 } },'),
    );
    await expectMessage(['run', 'diverges.yaml', '--json', '--only', 'method=absurd'], 1, 'TODO');
  });
});

describe('a store that cannot be written', () => {
  /** Runs the small spec with the store on a file system of its own. */
  function runOn(options: string): Ended {
    const script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"';
    const args = [process.execPath, realProgram, ...runOriginal('-j', '1', '--store', 'disk/store')];
    const env = { ...process.env, NO_COLOR: '1' };
    const found = spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', options, join(work.path, 'disk'), ...args], {
      cwd: work.path,
      env,
      encoding: 'utf8',
    });
    return { code: found.status, out: found.stdout, err: found.stderr };
  }

  it('because the disk is full', (context) => {
    if (!canMount()) context.skip('unshare cannot mount a small file system here');
    const ended = runOn('size=1m');
    same(messageOf(ended), 'TODO');
    expect(ended.code).toBe(1);
  });

  it('because the disk is read-only', (context) => {
    if (!canMount()) context.skip('unshare cannot mount a read-only file system here');
    const ended = runOn('ro');
    same(messageOf(ended), 'TODO');
    expect(ended.code).toBe(2);
  });
});

function canMount(): boolean {
  execFileSync('mkdir', ['-p', join(work.path, 'disk')]);
  const script = 'mount -t tmpfs -o size=1m none "$1"';
  return spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', join(work.path, 'disk')]).status === 0;
}

function edit(path: string, before: RegExp, after: string): void {
  writeFileSync(path, readFileSync(path, 'utf8').replace(before, after));
}

/** Changes the first `before` in a safetensors header to a text of the same length. */
function editHeader(path: string, before: string, after: string): void {
  const bytes = readFileSync(path);
  const at = bytes.indexOf(before);
  bytes.write(after, at);
  writeFileSync(path, bytes);
}

/** Fills the data of the first tensor with NaN (0x7fc0 in bfloat16, and NaN in float16 and float32 too). */
function overwriteEmbedding(path: string): void {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  bytes.fill(Buffer.of(0xc0, 0x7f), start, start + 196_608); // 1024 tokens of 96 values in bfloat16
  writeFileSync(path, bytes);
}
