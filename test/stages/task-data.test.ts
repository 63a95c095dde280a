// Task data: generated in the layouts of the real data sets, copied from a folder, downloaded from a hub; read by the task files.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readRecords } from '../../formats/records/records.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { lmEvalTasks } from '../../stages/lm-eval-tasks/declare.ts';
import { taskData } from '../../stages/task-data/declare.ts';
import { sha256 } from '../../store/digest.ts';
import { selectTasks } from '../../tasks/files/groups.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { DocumentReader } from '../../tasks/score/document.ts';
import { type EvaluateOptions, prepareTask, scoredSplit } from '../../tasks/score/prepare.ts';
import { splitsInArtifact } from '../../tasks/score/task-data-file.ts';
import { tinyTasks } from '../../tiny/tasks/tiny-tasks.ts';
import type { JsonObject } from '../../util/json.ts';
import { type HubWorld, openHubWorld } from '../hub/hub-world.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

const root = resolve(import.meta.dirname, '../..');
const definitions = join(root, 'tasks/definitions');
const copies = join(root, 'test/fixtures/tasks/data');
/** The columns of Table 6. */
const columns = [
  ...['sciq', 'boolq', 'piqa', 'arc_easy', 'arc_challenge', 'winogrande', 'medmcqa', 'bbh_cot_fewshot', 'gsm8k'],
  ...['mathqa', 'mutual', 'lambada_openai', 'commonsense_qa', 'qa4mre'],
];

interface Line {
  task: string;
  split: string;
  record: Record<string, unknown>;
}
const make = async (params: object) => (await runStage(taskData, { params: { ...params } })).files['']?.data as string;
const digestOf = (path: string) => sha256(readFileSync(path));
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const selected = async (names: string[]) => (await selectTasks(await TaskFolder.open(definitions), names)).tasks;
const options: EvaluateOptions = {
  ...{ num_fewshot: undefined, limit: undefined, compat: true, fewshot_seed: 1234, bootstrap: 0 },
  harness: '0.4.5',
};

let small: string;
let lines: Line[];
beforeAll(async () => {
  small = await make({ generate: 'tiny_world', records: 60, example_records: 8 });
  lines = linesOf(small);
});

describe('generated task data', () => {
  /** `choices: { text: [string] }` and so on: the names of columns and what is in them; an empty column may hold either. */
  function shape(value: unknown): unknown {
    if (Array.isArray(value)) return [...new Set(value.map((item) => JSON.stringify(shape(item))))];
    if (value === null) return 'string';
    if (typeof value !== 'object') return typeof value;
    return Object.fromEntries(
      Object.entries(value)
        .sort()
        .map(([key, item]) => [key, shape(item)]),
    );
  }

  // the fixture's files were written in the layouts of the hub's data sets, and lm_eval's own task files read them (make.py)
  it.each(tinyTasks.map(({ task, scored }) => [task, scored]))(
    '%s has the columns of the real data set',
    async (task, scored) => {
      const [file = ''] = readdirSync(join(copies, task)).filter((name) => name.startsWith(scored));
      const shapes = new Set<string>();
      for await (const { value } of readRecords(join(copies, task, file))) shapes.add(JSON.stringify(shape(value)));
      const own = new Set(
        lines.filter((line) => line.task === task).map(({ record }) => JSON.stringify(shape(record))),
      );
      expect([...own]).toEqual([...shapes]);
    },
  );

  it('is the same for the same seed, whatever the number of records, and another for another', async () => {
    expect(digestOf(await make({ generate: 'tiny_world', records: 60, example_records: 8 }))).toBe(digestOf(small));
    const fewer = linesOf(await make({ generate: 'tiny_world', records: 5, example_records: 2 }));
    const texts = new Set(lines.map((line) => JSON.stringify(line)));
    expect(fewer.filter((line) => !texts.has(JSON.stringify(line)))).toEqual([]);
    const other = linesOf(await make({ generate: 'tiny_world', generate_seed: 2, records: 60 }));
    expect(other.filter((line) => texts.has(JSON.stringify(line))).length).toBeLessThan(lines.length / 20);
  });

  it('is what planning expects', async () => {
    const { facts } = await runStage(taskData, { params: { generate: 'tiny_world', records: 3 } });
    expect(facts['']).toEqual({ records: 51, tasks: 17 });
    expect(await untyped(taskData).expect?.({ generate: 'tiny_world', records: 3 }, {})).toEqual(facts['']);
  });

  it('is read by every task file of Table 6: one right answer, and choices that differ', async () => {
    const tasks = await selected(columns);
    expect(tasks.map(({ task }) => task).sort()).toEqual(tinyTasks.map(({ task }) => task).sort());
    for (const config of tasks) {
      const { docs, columns: names } = await splitsInArtifact(small)(config, scoredSplit(config));
      const { records, num_fewshot } = await prepareTask(config, splitsInArtifact(small), options);
      expect([config.task, records.length, num_fewshot]).toEqual([config.task, 60, config.num_fewshot ?? 0]);
      if (config.output_type !== 'multiple_choice') continue;
      const reader = new DocumentReader(config, names);
      const places = docs.map((doc) => {
        const choices = reader.choices(doc);
        expect(new Set(choices).size, config.task).toBe(choices.length);
        const target = config.task === 'winogrande' ? reader.text(doc) : reader.target(doc);
        const place = typeof target === 'number' ? target : choices.indexOf(String(target));
        expect(choices[place], `${config.task}: ${JSON.stringify(doc)}`).toBeDefined();
        return place;
      });
      const all = config.task === 'sciq' ? [3] : reader.choices(docs[0] as never).map((_, i) => i);
      expect([...new Set(places)].sort(), config.task).toEqual(all);
    }
  });

  const of = (task: string) => lines.filter((line) => line.task === task).map(({ record }) => record);

  it('tells the truth where the records themselves can be asked', () => {
    for (const { support, correct_answer } of of('sciq')) expect(support).toContain(correct_answer as string);
    for (const { document_str, correct_answer_str, answer_options, correct_answer_id } of of('qa4mre_2012')) {
      expect(document_str).toContain(correct_answer_str as string);
      const { answer_str } = answer_options as { answer_str: string[] };
      expect(answer_str[Number(correct_answer_id) - 1]).toBe(correct_answer_str);
    }
    for (const { passage, question, label } of of('boolq')) {
      const said = String(question).split(' ').at(-1) as string;
      expect(new RegExp(`\\b${said}\\.`).test(String(passage)), String(question)).toBe(label === 1);
    }
    for (const { input, target } of of('bbh_cot_fewshot_boolean_expressions')) {
      const words: Record<string, string> = { and: '&&', or: '||', not: '!', True: 'true', False: 'false', is: '' };
      const code = String(input).replace(/[a-z]+/gi, (word) => words[word] as string);
      expect(/^[()&|!a-z ]+$/.test(code)).toBe(true);
      expect(Function(`return ${code}`)()).toBe(target === 'True');
    }
    const count: Record<string, number> = { a: 1, two: 2, three: 3, four: 4, five: 5 };
    for (const { input, target } of of('bbh_cot_fewshot_object_counting')) {
      const things =
        String(input)
          .slice('I have '.length)
          .split('.')[0]
          ?.split(/, | and /) ?? [];
      expect(things.reduce((sum, thing) => sum + (count[thing.split(' ')[0] as string] ?? Number.NaN), 0)).toBe(
        Number(target),
      );
    }
    for (const { answer } of of('gsm8k')) expect(answer).toMatch(/\b(\d+)\b\D*\n#### \1$/);
  });
});

describe('task data from a folder', () => {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-task-data-'));
  const model = join(folder, 'model.arrow');
  beforeAll(() => importHuggingFace(join(root, 'test/fixtures/tasks/model'), model));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const tasks = ['arc_easy', 'mutual', 'gsm8k', 'qa4mre'];
  const run = async (params: object, data?: string) => {
    const inputs = { model, ...(data !== undefined && { data }) };
    const common = { folder: definitions, limit: 3, max_gen_toks: 8, batch_size: 8 };
    return (await runStage(lmEvalTasks, { params: { ...common, tasks, ...params }, inputs })).files['']
      ?.metrics as string;
  };

  it('gives lm-eval-tasks the numbers, and the hashes, of the folder itself', async () => {
    const artifact = await make({ path: copies, folder: definitions, tasks });
    const splits = new Set(linesOf(artifact).map(({ task, split }) => `${task} ${split}`));
    const years = [2011, 2012, 2013].map((year) => `qa4mre_${year} train`);
    expect([...splits]).toEqual(['arc_easy test', 'mutual validation', 'gsm8k test', 'gsm8k train', ...years]);
    expect(readFileSync(await run({}, artifact), 'utf8')).toBe(readFileSync(await run({ data: copies }), 'utf8'));
  });

  it('keeps the line separators of Unicode within a record', async () => {
    const odd = join(folder, 'odd');
    cpSync(join(copies, 'boolq'), join(odd, 'boolq'), { recursive: true });
    const file = join(odd, 'boolq', 'validation.jsonl');
    const [first = '', ...others] = readFileSync(file, 'utf8').trim().split('\n');
    const passage = 'one\u2028two\u2029three\u0085four';
    writeFileSync(file, [JSON.stringify({ ...JSON.parse(first), passage }), ...others].join('\n'));
    const artifact = await make({ path: odd, folder: definitions, tasks: 'boolq' });
    const [config] = await selected(['boolq']);
    const { docs } = await splitsInArtifact(artifact)(config as NonNullable<typeof config>, 'validation');
    expect(docs.length).toBe(others.length + 1);
    expect(JSON.stringify(docs[0])).toContain(passage);
  });

  it('has the examples of other tasks when they are asked for', async () => {
    const bare = await make({ path: copies, folder: definitions, tasks: 'arc_easy' });
    await expect(run({ tasks: 'arc_easy', num_fewshot: 2 }, bare)).rejects.toThrow(
      "the task data has no records for split 'train' of task 'arc_easy'",
    );
    const whole = await make({ path: copies, folder: definitions, tasks: 'arc_easy', fewshot: true });
    const metrics = JSON.parse(readFileSync(await run({ tasks: 'arc_easy', num_fewshot: 2 }, whole), 'utf8'));
    expect(metrics.tasks.arc_easy.num_fewshot).toBe(2);
  });

  const planned: [string, JsonObject, RegExp][] = [
    ['no source', {}, /^expected one of 'generate', 'path' and 'datasets', got none$/],
    ['two sources', { generate: 'tiny_world', path: copies }, /got 'generate' and 'path'$/],
    ['no tasks', { path: copies, folder: definitions }, /^'path' needs 'folder' \(task files\) and 'tasks'/],
  ];
  it.each(planned)('says what is wrong before anything runs: %s', (_, params, message) => {
    expect(() => untyped(taskData).check?.(params, new Set())).toThrow(message);
  });

  const mistakes: [string, object, RegExp][] = [
    [
      'a data set that is not named',
      { datasets: { 'allenai/sciq': copies }, folder: definitions, tasks: 'gsm8k' },
      /task 'gsm8k' reads 'openai\/gsm8k', which 'datasets' does not name: add 'openai\/gsm8k: hf:\/\/datasets\/openai\/gsm8k'/,
    ],
    [
      'a split that is not there',
      { datasets: { 'allenai/sciq': copies }, folder: definitions, tasks: 'sciq' },
      /task 'sciq' has no data for split 'test'/,
    ],
  ];
  it.each(mistakes)('says what is wrong: %s', async (_, params, message) => {
    await expect(make(params)).rejects.toThrow(message);
  });

  it.each([
    ['a task that is not there', { path: copies, tasks: 'sciqq' }, /^unknown task 'sciqq'/],
    ['a split that is not there', { path: join(copies, 'sciq'), tasks: 'sciq' }, /no data for split 'test'/],
  ])('says it before anything runs: %s', async (_, params, message) => {
    await expect(untyped(taskData).preflight?.({ folder: definitions, fewshot: false, ...params })).rejects.toThrow(
      message,
    );
  });

  it('is asked for once, by the parameter or by the input', async () => {
    await expect(run({})).rejects.toThrow("expected parameter 'data' (a folder) or input 'data'");
    await expect(run({ data: copies }, small)).rejects.toThrow(/got both$/);
  });
});

describe('task data from a hub', () => {
  let world: HubWorld;
  beforeEach(async () => {
    world = await openHubWorld();
    world.enter();
  });
  afterEach(() => world.close());

  const parquet = (task: string, split: string) => readFileSync(join(copies, task, `${split}-00000-of-00001.parquet`));
  const jsonl = (task: string, split: string) => readFileSync(join(copies, task, `${split}.jsonl`));
  const fetched = (datasets: Record<string, string>, tasks: string[]) => make({ datasets, folder: definitions, tasks });
  const local = (tasks: string[]) => make({ path: copies, folder: definitions, tasks });
  const name = (repo: string) => `hf://datasets/${repo}`;

  it('equals that of a folder, in each layout of a repository', async () => {
    const test = 'test-00000-of-00001.parquet';
    const sources: Record<string, Record<string, Buffer | string>> = {
      'allenai/ai2_arc': {
        'README.md': '# card',
        [`ARC-Easy/${test}`]: parquet('arc_easy', 'test'),
        'ARC-Easy/train-00000-of-00001.parquet': parquet('arc_easy', 'train'),
        [`ARC-Challenge/${test}`]: parquet('arc_challenge', 'test'),
      },
      'tau/commonsense_qa': {
        'data/validation-00000-of-00001.parquet': parquet('commonsense_qa', 'validation'),
      },
      'allenai/sciq': { 'test.jsonl': jsonl('sciq', 'test') },
      'mirror/arc': { 'ARC-Easy/test/0000.parquet': parquet('arc_easy', 'test') },
    };
    const tasks = ['arc_easy', 'arc_challenge', 'commonsense_qa', 'sciq'];
    const pinned = Object.fromEntries(
      Object.entries(sources).map(([repo, files]) => [
        repo,
        `${name(repo)}@${world.hub.commit('datasets', repo, files)}`,
      ]),
    );
    const expected = digestOf(await local(tasks));
    expect(digestOf(await fetched(pinned, tasks))).toBe(expected);
    expect(world.hub.rangesOf('ARC-Easy/train-00000-of-00001.parquet')).toEqual([]); // only what is scored
    const mirror = await fetched({ 'allenai/ai2_arc': name('mirror/arc') }, ['arc_easy']);
    expect(digestOf(mirror)).toBe(digestOf(await local(['arc_easy'])));

    world.enter({ HF_HUB_OFFLINE: '1' });
    expect(digestOf(await fetched(pinned, tasks))).toBe(expected);
  });

  it('equals that of a folder with the files of one repository', async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, 'ARC-Easy/test'), { recursive: true });
    writeFileSync(join(folder, 'ARC-Easy/test/0000.parquet'), parquet('arc_easy', 'test'));
    const expected = digestOf(await local(['arc_easy']));
    expect(digestOf(await fetched({ 'allenai/ai2_arc': folder }, ['arc_easy']))).toBe(expected);
    const whole = temporaryFolder();
    cpSync(folder, join(whole, 'allenai/ai2_arc'), { recursive: true });
    expect(digestOf(await make({ path: whole, folder: definitions, tasks: 'arc_easy' }))).toBe(expected);
  });

  it('says what to do where it cannot be had', async () => {
    world.hub.commit('datasets', 'allenai/sciq', { 'sciq.py': 'import datasets' });
    const sciq = { 'allenai/sciq': name('allenai/sciq') };
    await expect(fetched(sciq, ['sciq'])).rejects.toThrow(
      /allenai\/sciq@[0-9a-f]+ has no file for split 'test', expected 'data\/test-.*try '@refs\/convert\/parquet'/,
    );
    world.hub.faults.gated = true;
    world.hub.commit('datasets', 'allenai/sciq', { 'test.jsonl': jsonl('sciq', 'test') });
    await expect(fetched(sciq, ['sciq'])).rejects.toThrow(/HF_TOKEN|token/);
    world.hub.faults.gated = false;
    world.enter({ HF_HUB_OFFLINE: '1' });
    await expect(fetched({ 'openai/gsm8k': name('openai/gsm8k') }, ['gsm8k'])).rejects.toThrow(
      /offline|HF_HUB_OFFLINE/i,
    );
  });
});
