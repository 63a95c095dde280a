// Records that are not what a task expects: each message names the task file's line, the record and its place.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selectTasks } from '../../tasks/files/groups.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { Encoder } from '../../tasks/score/encode.ts';
import { evaluateTasks } from '../../tasks/score/evaluate.ts';
import { prepareTask } from '../../tasks/score/prepare.ts';
import { splitsIn } from '../../tasks/score/task-data.ts';
import { temporaryFolder } from '../stages/harness.ts';

const yaml = `task: a
output_type: multiple_choice
test_split: test
doc_to_text: "{{question}}"
doc_to_target: label
doc_to_choice: "{{choices.text}}"
`;
const good = { question: 'x', label: 0, choices: { text: ['a', 'b'] } };
const lines = (...rows: object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const options = {
  ...{ num_fewshot: undefined, limit: undefined, compat: true, fewshot_seed: 1234, bootstrap: 0 },
  harness: '0.4.5' as const,
};

async function open(data: string, more = '', train?: string) {
  const root = temporaryFolder();
  mkdirSync(join(root, 't'));
  mkdirSync(join(root, 'd/a'), { recursive: true });
  writeFileSync(join(root, 't/a.yaml'), yaml + more);
  writeFileSync(join(root, 'd/a/test.jsonl'), data);
  if (train !== undefined) writeFileSync(join(root, 'd/a/train.jsonl'), train);
  return {
    selection: await selectTasks(await TaskFolder.open(join(root, 't')), ['a']),
    read: splitsIn(join(root, 'd')),
  };
}

async function prepare(data: string, more?: string, train?: string) {
  const { selection, read } = await open(data, more, train);
  return prepareTask(selection.tasks[0] as never, read, options);
}

describe('records', () => {
  const mistakes: [string, string, RegExp][] = [
    ['no records', '', /test\.jsonl': expected at least one record, got none$/],
    ['no mapping', `${lines(good)}[1]\n`, /test\.jsonl:2: expected a JSON object, got a list of 1$/],
    ['half a record', `${lines(good)}{"question": "x`, /test\.jsonl:2: expected a JSON object/],
    [
      'a column of another kind',
      lines(good, { ...good, choices: 3 }),
      /^t\/a\.yaml:6: .* the value 3 has no 'text' \(record 2 of split 'test', .*test\.jsonl:2\)$/,
    ],
    [
      'no choices',
      lines(good, { ...good, choices: { text: [] } }),
      /a\.yaml:6: 'doc_to_choice': .*an empty list \(record 2/,
    ],
    ['an empty choice', lines(good, { ...good, choices: { text: ['a', null] } }), /got nothing \(null\) \(record 2/],
    [
      'no answer',
      lines(good, { ...good, label: null }),
      /a\.yaml:5: 'doc_to_target': expected .* from column 'label', got nothing \(null\) \(record 2/,
    ],
    [
      'a number too large',
      lines(good).replace('"x"', '12345678901234567890'),
      /too large to be kept exactly.* \(record 1/,
    ],
    ['half a character', lines(good).replace('"x"', '"\\ud800"'), /half of a surrogate pair.* \(record 1/],
    ['hidden answers', lines({ ...good, label: -1 }, { ...good, label: 5 }), /the answer of no record of split 'test'/],
  ];
  it.each(mistakes)('are refused with their place: %s', async (_, data, message) => {
    await expect(prepare(data)).rejects.toThrow(message);
  });

  it('that are examples are named as such', async () => {
    const more = 'training_split: train\nnum_fewshot: 1\nfewshot_config: { sampler: first_n }\n';
    await expect(prepare(lines(good), more, lines({ ...good, label: 9 }))).rejects.toThrow(
      /a\.yaml:5: .*expected the index of one of 2 choices.*got '9' \(example 1 of 1\) \(record 1 of split 'test'/,
    );
  });

  it('may have a byte order mark and line ends of any system, and be the same twice', async () => {
    const { records } = await prepare(`\ufeff${lines(good, good).replaceAll('\n', '\r\n')}`);
    expect(records).toHaveLength(2);
    expect(records[0]?.requests[0]).toEqual({ kind: 'loglikelihood', context: 'x', continuation: ' a' });
  });

  it('whose answer is none of their choices count as wrong, and are counted', async () => {
    const { selection, read } = await open(lines(good, { ...good, label: 7 }));
    const tokenizer = { encode: (text: string) => [...text].map(() => 3), decode: () => '', bosId: 1, eosId: 2 };
    const scorer = {
      loglikelihoods: async (requests: readonly unknown[]) =>
        requests.map((_, i) => ({ logprob: -i, is_greedy: false })),
      generate: async () => [],
    };
    const encoder = new Encoder(tokenizer, { bos: 'never', max_length: 100 });
    const { tasks } = await evaluateTasks(selection, read, { scorer, encoder }, options);
    expect(tasks.a).toMatchObject({ acc: 0.5, n: 2, unanswered: 1 });
  });
});
