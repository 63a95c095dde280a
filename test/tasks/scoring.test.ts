// Scoring by hand: encoding, windows, metrics with and without the harness's mistakes, errors and groups.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { selectTasks } from '../../tasks/files/groups.ts';
import type { Loglikelihood, Scorer } from '../../tasks/files/scorer.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import { aggregate, aggregateParts, standardError } from '../../tasks/score/aggregate.ts';
import { cutAt, Encoder, type TaskTokenizer } from '../../tasks/score/encode.ts';
import { evaluateTasks } from '../../tasks/score/evaluate.ts';
import type { EvaluateOptions } from '../../tasks/score/prepare.ts';
import { splitsIn } from '../../tasks/score/task-data.ts';
import { temporaryFolder } from '../stages/harness.ts';

/** One token per character; BOS is 1, the end token 2. */
const letters: TaskTokenizer = {
  encode: (text, { addSpecialTokens }) => [
    ...(addSpecialTokens ? [1] : []),
    ...[...text].map((one) => one.codePointAt(0) as number),
  ],
  decode: (ids) => ids.map((id) => (id < 3 ? '' : String.fromCodePoint(id))).join(''),
  bosId: 1,
  eosId: 2,
};
const codes = (text: string) => letters.encode(text, { addSpecialTokens: false });

/** A model whose score of a continuation is what `score` says of the joined text. */
function scorerOf(score: (continuation: string, context: string) => [number, boolean], text = ''): Scorer {
  return {
    loglikelihoods: async (requests) =>
      requests.map(({ context, continuation }): Loglikelihood => {
        const [logprob, is_greedy] = score(letters.decode(continuation), letters.decode(context));
        return { logprob, is_greedy };
      }),
    generate: async (requests) => requests.map(() => text),
  };
}

interface Case {
  yaml: string;
  rows: object[];
  file?: string;
  split?: string;
  options?: Partial<EvaluateOptions>;
  scorer: Scorer;
}

async function run({ yaml, rows, file = 'own/a.yaml', split = 'test', options = {}, scorer }: Case) {
  const root = temporaryFolder();
  const name = /^task: (\w+)$/m.exec(yaml)?.[1] as string;
  for (const [path, text] of [
    [join('tasks', file), yaml],
    [`data/${name}/${split}.jsonl`, rows.map((row) => `${JSON.stringify(row)}\n`).join('')],
  ] as const) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const defaults = { num_fewshot: undefined, limit: undefined, compat: true, fewshot_seed: 1234, bootstrap: 1000 };
  const { tasks } = await evaluateTasks(
    await selectTasks(await TaskFolder.open(join(root, 'tasks')), [name]),
    splitsIn(join(root, 'data')),
    { scorer, encoder: new Encoder(letters, { bos: 'never', max_length: 1000 }) },
    { ...defaults, harness: '0.4.5', ...options },
  );
  return tasks[name] as Record<string, unknown>;
}

describe('encoding', () => {
  const encoder = (bos: 'never' | 'tokenizer', max_length = 100) => new Encoder(letters, { bos, max_length });

  it('moves white space from the end of the context to the continuation', () => {
    expect(encoder('never').pair('a b \n', 'c')).toEqual({ context: codes('a b'), continuation: codes(' \nc') });
  });

  it('puts BOS before an empty context, and everywhere when the tokenizer does', () => {
    expect(encoder('never').pair('', 'c').context).toEqual([1]);
    expect(encoder('tokenizer').pair('a', 'c')).toEqual({ context: [1, ...codes('a')], continuation: codes('c') });
    expect(encoder('tokenizer').pair('', 'c')).toEqual({ context: [1], continuation: codes('c') });
  });

  it('keeps the last max_length + 1 tokens', () => {
    expect(encoder('never', 4).pair('abcdef', 'xy')).toEqual({ context: codes('def'), continuation: codes('xy') });
    expect(() => encoder('never', 2).pair('a', 'xyz')).toThrow(/3 tokens, expected at most 2/);
  });

  it('counts contexts and prompts that lost their beginning', () => {
    const counting = encoder('never', 4);
    counting.pair('abc', 'xy'); // all of it fits
    counting.windows('abcdefgh');
    expect(counting.cuts).toBe(0);
    counting.pair('abcd', 'xy');
    counting.prompt('abc', { until: [], max_gen_toks: 2 });
    counting.prompt('ab', { until: [], max_gen_toks: 2 });
    expect(counting.cuts).toBe(2);
  });

  // lm_eval.utils: make_disjoint_window over get_rolling_token_windows([1..7], prefix, max_seq_len 3, context_len 1)
  it('reads a long text in disjoint windows', () => {
    const windows = encoder('never', 3).windows('abcdefg');
    expect(windows.map(({ context, continuation }) => [letters.decode(context), letters.decode(continuation)])).toEqual(
      [
        ['', 'abc'],
        ['c', 'def'],
        ['def', 'g'],
      ],
    );
    expect(windows[0]?.context).toEqual([1]);
  });

  it('leaves room for what is generated', () => {
    expect(encoder('never', 6).prompt('abcdef', { until: ['Q'], max_gen_toks: 2 }).prompt).toEqual(codes('cdef'));
    expect(() => encoder('never', 6).prompt('a', { until: [], max_gen_toks: 6 })).toThrow(
      /nothing is left for the prompt/,
    );
  });

  it('cuts a text at each stop, in order', () => expect(cutAt('a Q b\n\nc', ['', '\n\n', 'Q'])).toBe('a '));
});

describe('multiple choice', () => {
  const yaml = `task: a
output_type: multiple_choice
test_split: test
doc_to_text: "{{q}}"
doc_to_target: "{{gold}}"
doc_to_choice: "{{choices}}"
metric_list: [{ metric: acc }, { metric: acc_norm }, { metric: acc_bytes }, { metric: exact_match }]
`;
  const by = (table: Record<string, number>) => scorerOf((text) => [table[text.trim()] as number, text.trim() === 'c']);

  it('divides by code points, or by bytes', async () => {
    // '😀😀' has 2 code points, 4 UTF-16 units, 8 bytes: -6/2 = -3 loses to -8/3, -6/8 wins against -8/3
    const row = { q: 'x', choices: ['😀😀', 'abc'], gold: 1 };
    const found = await run({ yaml, rows: [row], scorer: by({ '😀😀': -6, abc: -8 }) });
    expect(found).toMatchObject({ acc: 0, acc_norm: 1, acc_bytes: 0, exact_match: 0, n: 1, acc_stderr: null });
  });

  it('takes the first of equal choices, and a gold that is no choice as wrong', async () => {
    const rows = [
      { q: 'x', choices: ['a', 'b'], gold: 0 },
      { q: 'x', choices: ['a', 'b'], gold: 5 },
      { q: 'x', choices: ['c', 'b'], gold: 'c' },
    ];
    const found = await run({ yaml, rows, scorer: by({ a: -1, b: -1, c: -1 }) });
    expect(found).toMatchObject({ acc: 2 / 3, exact_match: 1 / 3 });
    expect(found.acc_stderr).toBeCloseTo(Math.sqrt(1 / 3) / Math.sqrt(3), 12);
  });

  it('reads the scores without context where they are, or in turns as the harness does', async () => {
    const info = yaml.replace(/metric_list.*/, 'metric_list: [{ metric: acc }, { metric: acc_mutual_info }]');
    const rows = [{ q: 'x', choices: ['a', 'b'], gold: 1 }];
    // with context a -1, b -2; without a -1, b -9: b gains 7 where a gains 0
    const scorer = scorerOf((text, context) => [
      { xa: -1, xb: -2, a: -1, b: -9 }[context + text.trim()] as number,
      false,
    ]);
    expect(await run({ yaml: info, rows, scorer, options: { compat: false } })).toMatchObject({
      acc: 0,
      acc_mutual_info: 1,
    });
    // in turns: choices (xa -1, a -1), without context (xb -2, b -9): a gains 1, b gains 8
    expect(await run({ yaml: info, rows, scorer })).toMatchObject({ acc: 0, acc_mutual_info: 1 });
  });
});

describe('mutual', () => {
  const yaml = `task: mutual
output_type: multiple_choice
validation_split: validation
doc_to_text: "{{article}}"
doc_to_target: "{{['A', 'B', 'C', 'D'].index(answers)}}"
doc_to_choice: "{{options}}"
process_docs: !function utils.process_docs
process_results: !function utils.process_results
metric_list: [{ metric: r@1 }, { metric: r@2 }, { metric: mrr }]
`;
  const rows = ['A', 'B', 'C', 'D'].map((answers) => ({
    answers,
    article: 'm : well .',
    options: ['w', 'x', 'y', 'z'],
  }));
  // z is best, then w, x, y
  const scorer = scorerOf((text) => [{ w: -2, x: -3, y: -4, z: -1 }[text.trim()] as number, false]);
  const setup = { yaml, rows, file: 'mutual/mutual.yaml', split: 'validation', scorer };

  it("gives the harness's r@1, the share of B, and the right acc beside it", async () => {
    expect(await run(setup)).toMatchObject({
      'r@1': 1 / 4,
      'r@2': 2 / 4,
      mrr: (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4,
      acc: 1 / 4,
    });
    const bestIsA = scorerOf((text) => [text.trim() === 'w' ? -1 : -2, false]);
    const found = await run({ ...setup, rows: rows.map((row) => ({ ...row, answers: 'A' })), scorer: bestIsA });
    expect(found).toMatchObject({ 'r@1': 0, 'r@2': 0, mrr: 1, acc: 1 });
  });

  it('gives the right r@1 and r@2 without compat', async () => {
    expect(await run({ ...setup, options: { compat: false } })).toMatchObject({
      'r@1': 1 / 4,
      'r@2': 2 / 4,
      acc: 1 / 4,
    });
  });
});

describe('generated answers', () => {
  const yaml = `task: a
test_split: test
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
metric_list: [{ metric: exact_match, ignore_case: true, ignore_punctuation: true, ignore_numbers: true, regexes_to_ignore: [" +"] }]
filter_list:
  - { name: first, filter: [{ function: regex, regex_pattern: "is (.*)" }, { function: take_first }] }
  - { name: last, filter: [{ function: regex, regex_pattern: "(\\\\w+)", group_select: -1 }, { function: take_first }] }
`;
  it('are compared by filter, and the first filter also has the bare name', async () => {
    const found = await run({
      yaml,
      rows: [{ q: 'x', a: "it's 2 B." }],
      scorer: scorerOf(() => [0, false], 'it is Its  b\n\nmore'),
    });
    expect(found).toMatchObject({
      'exact_match,first': 1,
      'exact_match,last': 0,
      exact_match: 1,
      'exact_match_stderr,first': null,
    });
  });
});

describe('numbers', () => {
  it('perplexity has a bootstrap error that does not depend on when it is drawn', () => {
    const items = [-1, -2, -3, -2.5];
    expect(aggregate('perplexity', items)).toBeCloseTo(Math.exp(8.5 / 4), 12);
    expect(standardError('perplexity', items, 3000)).toBe(standardError('perplexity', items, 3000));
    expect(standardError('perplexity', [-1], 1000)).toBeNull();
    expect(
      standardError(
        'weighted_perplexity',
        [
          [1, 2],
          [2, 3],
        ],
        1000,
      ),
    ).toBeNull();
  });

  it('groups weigh by size or alike, and pool their errors (methods D.4)', () => {
    const parts = [
      { value: 0.5, stderr: 0.1, n: 10 },
      { value: 0.8, stderr: 0.2, n: 30 },
    ];
    expect(aggregateParts(parts, true).value).toBeCloseTo((0.5 * 10 + 0.8 * 30) / 40, 12);
    expect(aggregateParts(parts, false).value).toBeCloseTo(0.65, 12);
    const pooled = Math.sqrt((9 * 0.01 * 10 + 29 * 0.04 * 30) / (40 - 2) / 40);
    expect(aggregateParts(parts, true)).toMatchObject({ n: 40, stderr: expect.closeTo(pooled, 12) });
    expect(aggregateParts([{ ...parts[0], stderr: null } as never], true).stderr).toBeNull();
  });
});

describe('few-shot examples', () => {
  const yaml = `task: a
test_split: test
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
fewshot_config: { sampler: first_n, samples: [{ q: q1, a: "" }, { q: q2, a: a2 }] }
output_type: loglikelihood
num_fewshot: 2
`;
  const contexts = async (harness: '0.4.3' | '0.4.5') => {
    const seen: string[] = [];
    const scorer = scorerOf((_, context) => {
      seen.push(context);
      return [-1, true];
    });
    await run({ yaml, rows: [{ q: 'now', a: 'x' }], scorer, options: { harness } });
    return seen;
  };

  it('with an empty target have delimiters in 0.4.3 and none in 0.4.5', async () => {
    expect(await contexts('0.4.5')).toEqual(['q1q2 a2\n\nnow']);
    expect(await contexts('0.4.3')).toEqual(['q1 \n\nq2 a2\n\nnow']);
  });

  it('too many are a mistake', async () => {
    const scorer = scorerOf(() => [-1, true]);
    const given = { yaml: yaml.replace('num_fewshot: 2', 'num_fewshot: 3'), rows: [{ q: 'now', a: 'x' }], scorer };
    await expect(run(given)).rejects.toThrow(/own\/a.yaml:1|needs 3 few-shot examples, but its data have 2/);
  });
});
