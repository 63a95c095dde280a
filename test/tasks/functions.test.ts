// Functions of task files: those of the harness against what its Python gives (test/fixtures/tasks/make_functions.py), and a user's own.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Doc } from '../../python/value.ts';
import { commonFunctions } from '../../tasks/files/common-functions.ts';
import { selectTasks } from '../../tasks/files/groups.ts';
import { loadFunctions } from '../../tasks/files/own-functions.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import type { Answer, TaskFunction } from '../../tasks/files/task-function.ts';
import { prepareTask } from '../../tasks/score/prepare.ts';
import { scoreRecord } from '../../tasks/score/score-record.ts';
import { splitsIn } from '../../tasks/score/task-data.ts';

interface Case {
  args: Doc | [Doc, (number | [number, boolean])[]];
  gives: unknown;
}
const fixture = resolve(import.meta.dirname, '../fixtures/tasks/functions.json');
const made: { cases: Record<string, Case[]> } = JSON.parse(readFileSync(fixture, 'utf8'));

const folder = mkdtempSync(join(tmpdir(), 'lamina-functions-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): string {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
}

const answerOf = (answer: number | [number, boolean]): Answer =>
  typeof answer === 'number' ? answer : { logprob: answer[0], is_greedy: answer[1] };

function called(found: TaskFunction, args: Case['args']): unknown {
  if (!Array.isArray(args)) return found.kind === 'process_results' ? undefined : (found.call(args) ?? null);
  return found.kind === 'process_results' ? found.call(args[0], args[1].map(answerOf), true) : undefined;
}

describe('a function of the harness gives what its Python gives', () => {
  it.each(Object.entries(made.cases))('%s', (name, cases) => {
    const found = commonFunctions[name] as TaskFunction;
    for (const { args, gives } of cases) {
      if (name.endsWith('mc2')) {
        const { acc } = called(found, args) as { acc: number };
        expect(acc).toBeCloseTo((gives as { acc: number }).acc, 12);
      } else expect(called(found, args)).toEqual(gives);
    }
  });

  it('of which there is a case for each kind', () => {
    const subjects = Object.keys(commonFunctions).filter((name) => name.startsWith('mmlu_pro/utils.process_'));
    expect(subjects).toHaveLength(14);
    const others = Object.keys(commonFunctions).filter((name) => !subjects.includes(name));
    expect(
      Object.keys(made.cases)
        .filter((name) => !subjects.includes(name))
        .sort(),
    ).toEqual(others.sort());
  });

  it.each<[string, Doc, string]>([
    [
      'hellaswag/utils.process_docs',
      { ctx_a: 'a', ctx_b: 'b', activity_label: 'c', endings: ['d'], label: '' },
      "'label'",
    ],
    [
      'race/preprocess_race.doc_to_text',
      { article: 'a', problems: 'import os' },
      "in Python's notation, in 'problems'",
    ],
    ['mmlu_pro/utils.doc_to_text', { question: 'q', options: Array(17).fill('x') }, "at most 16 texts in 'options'"],
    ['wikitext/preprocess_wikitext.wikitext_detokenizer', {}, "expected a text in 'page'"],
  ])('%s refuses %j', (name, record, message) => {
    expect(() => called(commonFunctions[name] as TaskFunction, record)).toThrow(message);
  });
});

describe("a user's own function", () => {
  const task = `task: mine
dataset_path: mine
test_split: test
output_type: multiple_choice
process_docs: !function utils.clean
doc_to_text: !function utils.ask
doc_to_target: 0
doc_to_choice: [x, y]
process_results: !function utils.judge
metric_list: [{ metric: margin }]
`;
  write('tasks/mine/mine.yaml', task);
  write('data/mine/test.jsonl', '{"q":"a","n":1.5}\n{"q":"","n":2}\n{"q":"c","n":3}\n');
  const open = async (source: string) => {
    const path = write(`${source.length}.mjs`, source);
    return selectTasks(await TaskFolder.open(join(folder, 'tasks'), await loadFunctions(path)), ['mine']);
  };
  const options = {
    num_fewshot: 0,
    limit: undefined,
    compat: true,
    harness: '0.4.5',
    fewshot_seed: 1,
    bootstrap: 0,
  } as const;
  const prepare = async (source: string) => {
    const [config] = (await open(source)).tasks;
    if (config === undefined) throw new Error('the task is missing');
    return prepareTask(config, splitsIn(join(folder, 'data')), options);
  };
  const good = `export default {
  'mine/utils.clean': (doc) => (doc.q === '' ? null : { ...doc, q: doc.q.toUpperCase(), n: doc.n * 2 }),
  'mine/utils.ask': (doc) => doc.q + ' ' + doc.n + ':',
  'mine/utils.judge': (doc, [a, b]) => ({ margin: a.logprob - b.logprob }),
};`;

  it('stands where the task file names it, and may leave records out', async () => {
    const prepared = await prepare(good);
    const contexts = prepared.records.map(({ requests: [first] }) => first?.kind === 'loglikelihood' && first.context);
    expect(contexts).toEqual(['A 3:', 'C 6:']);
    const pairs = [-1, -3].map((logprob) => ({ logprob, is_greedy: false }));
    const scored = scoreRecord({ ...prepared, compat: true }, prepared.records[0]?.doc as Doc, pairs);
    expect(scored).toEqual({ margin: 2 });
  });

  it('is missing: the sentence says under which name it is wanted', async () => {
    await expect(selectTasks(await TaskFolder.open(join(folder, 'tasks')), ['mine'])).rejects.toThrow(
      "unknown function 'utils.judge': lamina runs no Python, and 'mine/utils.judge' is none of the",
    );
  });

  it.each<[string, string]>([
    [good.replace('doc.q +', 'doc.nothing.deep +'), "'mine/utils.ask' fails: "],
    [good.replace("doc.q + ' ' + doc.n + ':'", '() => 1'), "'mine/utils.ask' gives "],
    [good.replace('? null', '? null : true ? null'), "'process_docs' of task 'mine' leaves out every record"],
    ['export default 5;', 'expected an object of functions as its default export'],
    ['export default { clean: () => 1 };', "expected functions named 'folder/module.function', got 'clean'"],
    ["import './other.mjs';\nexport default {};", 'it imports a file beside it, whose changes no key would show'],
    ['export default {', 'it cannot be loaded: '],
  ])('%s', async (source, message) => {
    await expect(prepare(source)).rejects.toThrow(message);
  });

  it('in a module that is not there', async () => {
    await expect(loadFunctions(join(folder, 'none.mjs'))).rejects.toThrow('there is no such file, expected a module');
  });
});
