// What users are told about their mistakes, whole: which thing, what was expected, what was got, the way out.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, realProgram } from '../cli/program.ts';
import { copyModel, openWork, skip, smallSpec, type Work } from './small-spec.ts';

let work: Work;
beforeAll(() => {
  work = openWork();
});
afterAll(() => work?.remove());

/** The whole of standard error, with the folder of the test as DIR; never a stack trace. A count of tokens is the tokenizer's. */
function messageOf({ err }: Ended): string {
  expect(err).not.toMatch(/^ {4}at /m);
  return err.replaceAll(work.path, 'DIR').replace(/over \d+ tokens/, 'over N tokens');
}

async function expectMessage(args: string[], code: number, message: string): Promise<void> {
  const ended = await work.lamina(...args);
  expect(messageOf(ended)).toBe(message);
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
    await expectMessage(
      ['run', 'wrong.yaml'],
      2,
      `wrong.yaml:9:13  parameter 'rank' expects an integer or 'scaled', got 'four'
    9 |       rank: four
      |             ~~~~
wrong.yaml:13:70  stage 'tuned': unknown parameter 'save_evry' (did you mean 'save_every'?)
   13 |       tuned: { lr: 1.0e-3, batch_size: 4, micro_batch: 4, epochs: 1, save_evry: 1 }
      |                                                                      ~~~~~~~~~
wrong.yaml:18:24  metric 'tuned_ppl.perplexty': stage 'tuned_ppl' (perplexity-eval) has no metric 'perplexty' (did you mean 'perplexity'?)
   18 |       sharp: { metric: tuned_ppl.perplexty }
      |                        ~~~~~~~~~~~~~~~~~~~
`,
    );
  });

  it('a misspelt key of a spec, without what follows from it', async () => {
    work.write('key.yaml', smallSpec.replace('profiles:', 'profils:'));
    await expectMessage(
      ['run', 'key.yaml'],
      2,
      `key.yaml:3:1  unknown key 'profils' (did you mean 'profiles'?)
    3 | profils:
      | ~~~~~~~
`,
    );
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
    await expectMessage(
      ['check', 'cycle.yaml'],
      2,
      `cycle.yaml:6:49  dependency cycle: one -> two -> one
    6 |   two: { use: sft, in: { model: base, recovery: one, data: data.train } }
      |                                                 ~~~

1 mistake in 1 spec
`,
    );
  });

  it('a spec that is not there', async () => {
    await expectMessage(
      ['run', 'smal.yaml'],
      2,
      `smal.yaml  the spec 'smal.yaml' does not exist (did you mean 'small.yaml'?)
`,
    );
  });

  it('a model folder that is not there, with the line that names it', async () => {
    work.write('gone.yaml', smallSpec.replace('model: model', 'model: modle'));
    await expectMessage(
      ['run', 'gone.yaml'],
      2,
      `error  stage 'base', parameter 'path': 'DIR/modle' does not exist (did you mean 'model'?) (given at gone.yaml:7:14)
`,
    );
  });

  it('a data file that is not there', async () => {
    await expectMessage(
      ['run', 'small.yaml', '--set', 'data={path: gone.jsonl}'],
      2,
      `error  stage 'data', parameter 'path': 'DIR/gone.jsonl' does not exist (given by --set)
`,
    );
  });

  it('the mistakes of the flags, all at once', async () => {
    const flags = ['--profile=tyni', '--only=method=shrp', '--only=mehtod=sharp', '--force=wram'];
    const sets = ['--set=tunde.lr=1', '--set=tuned.lr=fast', '--set=tuned.rate=1'];
    await expectMessage(
      ['run', 'small.yaml', ...flags, ...sets],
      2,
      `--profile tyni  unknown profile 'tyni', expected 'tiny'
--set tunde.lr=1  unknown parameter 'tunde' (did you mean 'tuned'?)
--set tuned.lr=fast  stage 'tuned': parameter 'lr' expects a number, got 'fast'
--set tuned.rate=1  stage 'tuned': unknown parameter 'rate', expected 'fraction', 'max_length', 'epochs', 'max_steps', 'batch_size', 'micro_batch', 'lr', 'schedule', 'warmup_ratio', 'weight_decay', 'clip_norm', 'save_every' or 5 more
--only mehtod=sharp  unknown axis 'mehtod' (did you mean 'method'?)
--only method=shrp  unknown value 'shrp' of axis 'method' (did you mean 'sharp'?)
--force wram  unknown stage 'wram' (did you mean 'warm'?)
`,
    );
  });

  it('a flag with a value that it cannot have', async () => {
    await expectMessage(
      ['run', 'small.yaml', '--threads', '0'],
      2,
      `error  option '--threads <number>' argument '0' is invalid: expected a whole number of at least 1
`,
    );
  });

  it.each(['file', 'file/store'])("a store where a file is: '%s'", async (store) => {
    work.write('file', 'x');
    const message = `error  the store 'DIR/${store}' cannot be there: expected a folder, but 'DIR/file' is a file; choose another --store\n`;
    await expectMessage([store === 'file' ? 'plan' : 'run', 'small.yaml', '--store', store], 2, message);
  });

  it('a store in a folder of other things', async () => {
    await expectMessage(
      runOriginal('--store', 'model'),
      2,
      `error  'DIR/model' is neither empty nor a lamina store (it holds 'config.json'); choose another --store
`,
    );
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
    const message = messageOf(ended).replace(/\b\d+:\d\d\b/g, '0:00');
    expect(message.replace(/small\/[\dTZ-]+\//, 'small/RUN/')).toBe(`small · tiny · 1 cell · 3 units: 0 cached, 3 to run
[0:00] base: started
[0:00] base: failed after 0:00
[0:00] data: started
[0:00] data: done in 0:00
✗ 1 of 3 · 1 failed, 1 not reached · 0:00
✗ stage 'base': safetensors file 'DIR/broken/model.safetensors' is cut short: expected ${whole} bytes, got 1000000; copy or download the file again
broken-store/runs/small/RUN/result.json · lamina show small@1
`);
    expect(ended.code).toBe(1);
  });

  it('a safetensors header that lies about a shape', async () => {
    breakModel(() => editHeader(join(work.path, safetensors), '"shape":[96]', '"shape":[95]'));
    await expectMessage(
      withModel(),
      1,
      `✗ stage 'base': safetensors file 'DIR/broken/model.safetensors': tensor 'model.layers.0.input_layernorm.weight': expected 190 bytes for BF16 of [95], got 192; copy or download the file again
`,
    );
  });

  it('weights that do not fit config.json', async () => {
    breakModel((folder) => edit(join(folder, 'config.json'), /"num_hidden_layers": \d+/, '"num_hidden_layers": 13'));
    await expectMessage(
      withModel(),
      1,
      `✗ stage 'base': 'DIR/broken' does not match its config:
  tensor 'model.layers.12.input_layernorm.weight' is missing, expected [96]
  tensor 'model.layers.12.self_attn.q_proj.weight' is missing, expected [96, 96]
  tensor 'model.layers.12.self_attn.k_proj.weight' is missing, expected [96, 96]
  tensor 'model.layers.12.self_attn.v_proj.weight' is missing, expected [96, 96]
  tensor 'model.layers.12.self_attn.o_proj.weight' is missing, expected [96, 96]
  tensor 'model.layers.12.post_attention_layernorm.weight' is missing, expected [96]
  tensor 'model.layers.12.mlp.gate_proj.weight' is missing, expected [256, 96]
  tensor 'model.layers.12.mlp.up_proj.weight' is missing, expected [256, 96]
  and 1 more
`,
    );
  });

  it('a model without tokenizer.json', async () => {
    breakModel((folder) => rmSync(join(folder, 'tokenizer.json')));
    await expectMessage(
      withModel(),
      1,
      `✗ stage 'base': model folder 'DIR/broken': expected 'tokenizer.json', got none; copy the model's own there
`,
    );
  });

  it('a tokenizer.json that was cut', async () => {
    breakModel((folder) => truncateSync(join(folder, 'tokenizer.json'), 1000));
    await expectMessage(
      withModel(),
      1,
      `✗ stage 'base': tokenizer 'DIR/broken/tokenizer.json': expected JSON, got text that ends too early
`,
    );
  });

  it('weights that are not numbers', async () => {
    breakModel((folder) => overwriteEmbedding(join(folder, 'model.safetensors')));
    await expectMessage(
      withModel(),
      1,
      `✗ stage 'original_ppl': the perplexity over N tokens is NaN, expected a finite number: look for NaN or very large values in the weights of its model and recovery parameters
`,
    );
  });

  it.each<[title: string, line: string, message: string]>([
    [
      'a broken line',
      '{"question":"2+2?",',
      `✗ stage 'data': DIR/data.jsonl:2: expected a JSON object, got text that ends too early; mend or remove it
`,
    ],
    [
      'a field of another type',
      '{"question":"2+2?","answer":4}',
      `✗ stage 'data': DIR/data.jsonl:2: field 'answer' expects text, got 4
`,
    ],
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
    await expectMessage(
      ['run', 'diverges.yaml', '--json', '--only', 'method=absurd'],
      1,
      `✗ stage 'tuned' (method=absurd): the loss is NaN at step 2 of 14 with learning rate 9.285714285714286: lower 'lr', or raise 'warmup_ratio' or set 'clip_norm'
`,
    );
  });
});

describe('a store that cannot be written', () => {
  /** Runs the small spec with the store on a file system of its own. */
  function runOn(options: string, ...flags: string[]): Ended {
    const script = 'mount -t tmpfs -o "$1" none "$2" && shift 2 && exec "$@"';
    const args = [process.execPath, realProgram, ...runOriginal('-j', '1', '--store', 'disk/store', ...flags)];
    const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
    delete env.LAMINA_STORE;
    const found = spawnSync('unshare', ['-rm', 'sh', '-c', script, 'sh', options, join(work.path, 'disk'), ...args], {
      cwd: work.path,
      env,
      encoding: 'utf8',
    });
    return { code: found.status, out: found.stdout, err: found.stderr };
  }

  it('because the disk is full', (context) => {
    if (!canMount()) skip(context, 'unshare cannot mount a small file system here');
    const refused = runOn('size=1m');
    expect(refused.err).toMatch(
      /^error {2}this run is estimated to write 3\.14 MB of outputs, and 268 MB have to stay free, but the disk of the store has 1\.0\d MB: choose a --store on another disk, or run it all the same with --no-disk-check\n$/,
    );
    expect(refused.code).toBe(2);
    const ended = runOn('size=1m', '--no-disk-check');
    expect(
      messageOf(ended),
    ).toBe(`✗ stage 'base': the disk is full while writing into the store 'DIR/disk/store': free space there, or choose another folder with --store
`);
    expect(ended.code).toBe(1);
  });

  it('because the disk is read-only', (context) => {
    if (!canMount()) skip(context, 'unshare cannot mount a read-only file system here');
    const ended = runOn('ro');
    expect(
      messageOf(ended),
    ).toBe(`error  cannot write anything into the store 'DIR/disk/store': the file system is read-only; choose another folder with --store
`);
    expect(ended.code).toBe(2);
  });
});

function canMount(): boolean {
  mkdirSync(join(work.path, 'disk'), { recursive: true });
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

/** Fills the embedding with NaN: 0x7fc0 in bfloat16, and NaN in float16 and float32 too when repeated. */
function overwriteEmbedding(path: string): void {
  const bytes = readFileSync(path);
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, start)) as Record<string, { data_offsets: [number, number] }>;
  const [begin, end] = header['model.embed_tokens.weight']?.data_offsets ?? [0, 0];
  bytes.fill(Buffer.of(0xc0, 0x7f), start + begin, start + end);
  writeFileSync(path, bytes);
}
