// The stage lm-eval-tasks on the fixture's small Llama: its files, its numbers, its messages.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { readMetric } from '../../report/result/collect.ts';
import { lmEvalTasks } from '../../stages/lm-eval-tasks/declare.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import type { JsonObject } from '../../util/json.ts';
import { runStage, untyped } from './harness.ts';

const root = resolve(import.meta.dirname, '../..');
const fixtures = join(root, 'test/fixtures/tasks');
const definitions = join(root, 'tasks/definitions');
const records = join(fixtures, 'data');
const folder = mkdtempSync(join(tmpdir(), 'lamina-lm-eval-'));
const model = join(folder, 'model.arrow');

beforeAll(() => importHuggingFace(join(fixtures, 'model'), model));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const run = async (params: object) => {
  const common = { folder: definitions, data: records, batch_size: 8 };
  const { files } = await runStage(lmEvalTasks, { params: { ...common, ...params }, inputs: { model } });
  return files[''] as { metrics: string; samples: string };
};

describe('lm-eval-tasks', () => {
  it('writes what cells can point at, and every answer', async () => {
    const { metrics, samples } = await run({ tasks: ['arc_easy', 'qa4mre'], limit: 5 });
    const numbers = JSON.parse(readFileSync(metrics, 'utf8'));
    expect(Object.keys(numbers.tasks)).toEqual(['arc_easy', 'qa4mre_2011', 'qa4mre_2012', 'qa4mre_2013', 'qa4mre']);
    const cell = readMetric(numbers, 'tasks.arc_easy.acc');
    expect(cell).toEqual({ value: numbers.tasks.arc_easy.acc, stderr: numbers.tasks.arc_easy.acc_stderr, n: 5 });
    expect(cell?.stderr).toBeGreaterThanOrEqual(0);
    const years = [2011, 2012, 2013].map((year) => numbers.tasks[`qa4mre_${year}`].acc as number);
    expect(readMetric(numbers, 'tasks.qa4mre.acc')?.value).toBeCloseTo(years.reduce((a, b) => a + b) / 3, 12);
    expect(readMetric(numbers, 'tasks.qa4mre.acc')?.n).toBe(15);
    expect(numbers.settings).toMatchObject({ bos: 'never', compat: true, harness: '0.4.5', max_length: 512, limit: 5 });
    const lines = readFileSync(samples, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(20);
    expect(lines[0]).toMatchObject({ task: 'arc_easy', record: 0, metrics: { none: { acc: expect.any(Number) } } });
  });

  it('gives equal bytes twice and keeps no tensor', async () => {
    const bytes = async () => readFileSync((await run({ tasks: 'gsm8k', limit: 2, max_gen_toks: 8 })).metrics, 'utf8');
    const first = await bytes();
    const before = tf.memory().numTensors;
    expect(await bytes()).toBe(first);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('warns of prompts that lose their beginning, by task and with how many', async () => {
    const common = { folder: definitions, data: records, batch_size: 8, limit: 3 };
    const warnings = async (params: object) =>
      (await runStage(lmEvalTasks, { params: { ...common, ...params }, inputs: { model } })).warnings;
    const tasks = ['arc_easy', 'gsm8k'];
    expect(await warnings({ tasks: 'arc_easy' })).toEqual([]);
    const found = await warnings({ tasks, max_length: 24, max_gen_toks: 8 });
    expect(found).toEqual([
      expect.stringMatching(
        /^task 'arc_easy': \d+ of 12 requests are longer than 24 tokens and lost their beginning, as in the harness$/,
      ),
      "task 'gsm8k': 3 of 3 requests are longer than 24 tokens and lost their beginning, as in the harness",
    ]);
  });

  const mistakes: [string, object, RegExp][] = [
    ['an unknown task', { tasks: 'arc_eazy' }, /^unknown task 'arc_eazy'.*'arc_easy'/],
    [
      'no data',
      { tasks: 'sciq', data: join(fixtures, 'extra') },
      /task 'sciq' has no data for split 'test'.*sciq\/test.jsonl/,
    ],
    ['too long', { tasks: 'sciq', max_length: 1024 }, /'max_length' is 1024, but the model's context is 512 tokens/],
    ['no room for the prompt', { tasks: 'bbh_cot_fewshot' }, /generates up to 1024 tokens, but 'max_length' is 512/],
  ];
  it.each(mistakes)('says what is wrong: %s', async (_, params, message) => {
    await expect(run(params)).rejects.toThrow(message);
  });

  it.each(mistakes.slice(0, 2))('says it before anything runs: %s', async (_, params, message) => {
    await expect(untyped(lmEvalTasks).preflight?.({ folder: definitions, data: records, ...params })).rejects.toThrow(
      message,
    );
  });

  it('looks for the split of the examples where there are some', async () => {
    const asked = (more: JsonObject) =>
      untyped(lmEvalTasks).preflight?.({ folder: definitions, tasks: 'arc_easy', data: folder, ...more });
    mkdirSync(join(folder, 'arc_easy'));
    writeFileSync(join(folder, 'arc_easy/test.jsonl'), '{}\n');
    await asked({});
    await expect(asked({ num_fewshot: 1 })).rejects.toThrow("task 'arc_easy' has no data for split 'train'");
  });

  const data = '/data';
  const ways = "expected parameter 'data' (a folder) or input 'data' (of stage 'task-data'), got";
  const planned: [string, JsonObject, string[], string | undefined][] = [
    ['a folder', { data }, [], undefined],
    ['an artifact', {}, ['data'], undefined],
    ['no records', {}, ['recovery'], `${ways} neither`],
    ['records twice', { data }, ['data'], `${ways} both`],
    [
      'records on the hub',
      { data: 'hf://datasets/allenai/sciq' },
      [],
      "'data': expected a folder with local copies, got 'hf://datasets/allenai/sciq': stage 'task-data' downloads, see its parameter 'datasets'",
    ],
    [
      'task files on the hub',
      { data, folder: 'hf://org/name' },
      [],
      "'folder': expected a folder with task files, got 'hf://org/name'",
    ],
  ];
  it.each(planned)('is asked about its inputs before anything runs: %s', (_, params, inputs, message) => {
    const check = () => untyped(lmEvalTasks).check?.({ folder: '/tasks', ...params }, new Set(['model', ...inputs]));
    if (message === undefined) check();
    else expect(check).toThrow(new UserError(message));
  });
});
