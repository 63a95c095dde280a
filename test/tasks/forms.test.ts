// Differential test: task files in every form against what lm_eval 0.4.5 made of them (test/fixtures/tasks/python/forms.py).
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { selectTasks } from '../../tasks/files/groups.ts';
import type { Scorer } from '../../tasks/files/scorer.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { Encoder, type TaskTokenizer } from '../../tasks/score/encode.ts';
import { evaluateTasks } from '../../tasks/score/evaluate.ts';
import { prepareTask } from '../../tasks/score/prepare.ts';
import type { Request } from '../../tasks/score/requests.ts';
import { splitsIn } from '../../tasks/score/task-data.ts';
import { UserError } from '../../util/errors.ts';
import { temporaryFolder } from '../stages/harness.ts';

type Records = Record<string, object[]>;
interface Case {
  name: string;
  files: Record<string, string>;
  records?: Records;
  requests?: string[][];
  /** Filter, record, metrics. */
  scores?: [string, number, Record<string, unknown>][];
  values?: Record<string, number>;
  /** Why the harness gave nothing. */
  refused?: string;
}
const { records, answers, cases } = JSON.parse(
  readFileSync(join(import.meta.dirname, '../fixtures/tasks/python/forms.json'), 'utf8'),
) as { records: Records; answers: string[]; cases: Case[] };

/** One token per character; BOS is 1, the end token 2. */
const letters: TaskTokenizer = {
  encode: (text) => Array.from(text, (one) => one.codePointAt(0) as number),
  decode: (ids) => ids.map((id) => (id < 3 ? '' : String.fromCodePoint(id))).join(''),
  bosId: 1,
  eosId: 2,
};
/** The made-up model of forms.py. */
const scorer: Scorer = {
  loglikelihoods: async (requests) =>
    requests.map(({ context, continuation }) => {
      const crc = crc32(letters.decode(context) + letters.decode(continuation));
      return { logprob: -(crc % 997) / 16, is_greedy: crc % 3 === 0 };
    }),
  generate: async (requests) =>
    requests.map(({ prompt }) => answers[crc32(letters.decode(prompt)) % answers.length] as string),
};
const options = {
  ...{ num_fewshot: undefined, limit: undefined, compat: true, fewshot_seed: 1234, bootstrap: 0 },
  harness: '0.4.5' as const,
};

/** What lamina makes of a case, in the form of the fixture. */
async function own({ name, files, records: given = records }: Case): Promise<Partial<Case>> {
  const root = temporaryFolder();
  const put = (path: string, text: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  for (const [file, text] of Object.entries(files)) put(join('tasks', file.replace('task.yaml', `${name}.yaml`)), text);
  for (const [split, rows] of Object.entries(given)) {
    put(`data/${name}/${split}.jsonl`, rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
  }
  try {
    const selection = await selectTasks(await TaskFolder.open(join(root, 'tasks')), [name]);
    const read = splitsIn(join(root, 'data'));
    const [config] = selection.tasks;
    if (config === undefined) throw new Error('no task');
    const prepared = await prepareTask(config, read, options);
    const encoder = new Encoder(letters, { bos: 'never', max_length: 100_000 });
    const { tasks, samples } = await evaluateTasks(selection, read, { scorer, encoder }, options);
    const numbers = tasks[name] as Record<string, number>;
    const scores = config.filters.flatMap(({ name: filter }) =>
      samples.map(({ record, metrics }): [string, number, Record<string, unknown>] => [
        filter,
        record,
        metrics[filter] ?? {},
      ]),
    );
    const keys = scores.flatMap(([filter, , metrics]) => Object.keys(metrics).map((metric) => `${metric},${filter}`));
    return {
      requests: prepared.records.flatMap(({ requests }) => requests.map(textsOf)),
      scores,
      values: Object.fromEntries(keys.map((key) => [key, numbers[key.replace(/,none$/, '')] as number])),
    };
  } catch (error) {
    if (error instanceof UserError) return { refused: error.message };
    throw error;
  }
}

function textsOf(request: Request): string[] {
  if (request.kind === 'rolling') return [request.text];
  return request.kind === 'generate' ? [request.context] : [request.context, request.continuation];
}

/** What the harness runs and lamina refuses, with lamina's reason. */
const stricter: Record<string, RegExp> = {
  choice_unanswered: /the answer of no record of split 'test' is one of its choices/, // the harness counts all as wrong
  match_pattern_text: /'regexes_to_ignore': expected a list of texts/, // Python takes each letter for a pattern
  filter_no_first: /expected 'take_first' at the end of 'filter'/, // the harness compares a list with a text
  delimiter_null: /'target_delimiter': expected text, got null/, // the harness writes None
};

describe('a task file', () => {
  let compared = 0;
  afterAll(() =>
    console.log(
      `task files in ${cases.length} forms against lm_eval 0.4.5: ${compared} with equal requests and scores`,
    ),
  );

  it.each(cases.map((one) => [one.name, one] as const))('%s', async (name, one) => {
    const found = await own(one);
    if (one.refused !== undefined || Object.hasOwn(stricter, name)) {
      expect(found.refused, JSON.stringify(found)).toMatch(stricter[name] ?? /./);
      return;
    }
    const { requests, scores, values } = one;
    expect(found.refused).toBeUndefined();
    expect(found.requests).toEqual(requests);
    expect(found.scores).toEqual(scores);
    expect(Object.keys(found.values ?? {}).sort()).toEqual(Object.keys(values ?? {}).sort());
    for (const [key, value] of Object.entries(values ?? {})) {
      expect(Math.abs((found.values?.[key] as number) / value - 1) || 0, key).toBeLessThan(1e-12);
    }
    compared++;
  });
});
