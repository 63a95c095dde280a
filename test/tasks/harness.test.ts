// Differential test: the same tasks on the same model as lm-evaluation-harness 0.4.5 ran them (test/fixtures/tasks/make.py).
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadTokenizer, type Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { loadModel, openStored } from '../../model/checkpoint/checkpoint.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { generateAll } from '../../model/generate/generate.ts';
import { scorePairs } from '../../model/generate/score.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import type { StoredModel } from '../../model/walk/stored-model.ts';
import { selectTasks } from '../../tasks/files/groups.ts';
import type { Scorer } from '../../tasks/files/scorer.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import type { Answer } from '../../tasks/files/task-function.ts';
import { Encoder } from '../../tasks/score/encode.ts';
import { type Evaluation, evaluateTasks } from '../../tasks/score/evaluate.ts';
import { type EvaluateOptions, prepareTask } from '../../tasks/score/prepare.ts';
import type { Request } from '../../tasks/score/requests.ts';
import { splitsIn } from '../../tasks/score/task-data.ts';
import { useBackend } from '../../tensor/backend/backend.ts';

const root = resolve(import.meta.dirname, '../..');
const fixtures = join(root, 'test/fixtures/tasks');

type HarnessAnswer = [number, boolean] | number | string;
interface HarnessRun {
  /** Arguments, answer and record of each request, by task. */
  requests: Record<string, [string[], HarnessAnswer, number][]>;
  results: Record<string, Record<string, number | string>>;
}
interface Harness {
  max_length: number;
  max_gen_toks: number;
  bootstrap: number;
  runs: Record<string, HarnessRun>;
}
const harness = JSON.parse(readFileSync(join(fixtures, 'harness.json'), 'utf8')) as Harness;

/** What was compared, over all runs. */
const tally = { tasks: 0, requests: 0, values: 0, worst: 0, metrics: 0, worstMetric: 0 };

const runs: { run: string; folder: string; num_fewshot?: number; bos?: 'tokenizer' }[] = [
  { run: 'default', folder: 'tasks/definitions' },
  { run: 'fewshot', folder: 'tasks/definitions', num_fewshot: 3 },
  { run: 'bos', folder: 'tasks/definitions', bos: 'tokenizer' },
  { run: 'bbh', folder: 'tasks/definitions' },
  { run: 'extra', folder: 'test/fixtures/tasks/extra' },
];

describe.each(runs)('$run', ({ run, folder, num_fewshot, bos }) => {
  const recorded = harness.runs[run] as HarnessRun;
  const options: EvaluateOptions = {
    ...{ num_fewshot, limit: undefined, compat: true, harness: '0.4.5', fewshot_seed: 1234 },
    bootstrap: harness.bootstrap,
    max_gen_toks: harness.max_gen_toks,
  };
  const read = splitsIn(join(fixtures, 'data'));
  const select = async () => selectTasks(await TaskFolder.open(join(root, folder)), Object.keys(recorded.results));
  let model: Model;
  let stored: StoredModel;
  let tokenizer: Tokenizer;
  let close: () => Promise<void>;
  let evaluation: Evaluation;

  beforeAll(async () => {
    await useBackend({ backend: 'onnx', provider: 'cpu', threads: 1 });
    ({ model, stored, tokenizer, close } = await openFixture());
    const encoder = new Encoder(tokenizer, { bos: bos ?? 'never', max_length: harness.max_length });
    evaluation = await evaluateTasks(
      await select(),
      read,
      { scorer: scorerOf(model, stored, tokenizer), encoder },
      options,
    );
  });
  afterAll(() => close());

  it('asks what the harness asks, text for text', async () => {
    for (const config of (await select()).tasks) {
      const { records } = await prepareTask(config, read, options);
      const asked = records.flatMap(({ requests }, record) => requests.map((request) => [textsOf(request), record]));
      const expected = recorded.requests[config.task]?.map(([texts, , record]) => [texts, record]);
      expect(asked, config.task).toEqual(expected);
      tally.tasks++;
      tally.requests += asked.length;
    }
  });

  it('gets the answers that the harness gets', () => {
    for (const [task, requests] of Object.entries(recorded.requests)) {
      const answers = evaluation.samples.filter((sample) => sample.task === task).flatMap((sample) => sample.answers);
      expect(answers.length, task).toBe(requests.length);
      for (const [i, [, expected]] of requests.entries())
        expectAnswer(answers[i] as Answer, expected, `${task}, request ${i}`);
    }
  });

  it('reports what the harness reports', () => {
    for (const [task, numbers] of Object.entries(recorded.results)) {
      for (const [key, expected] of Object.entries(numbers)) {
        if (key.trim() === '' || key === 'samples') continue;
        const value = evaluation.tasks[task]?.[key.replace(/,none$/, '')];
        if (expected === 'N/A') {
          expect(value, `${task} ${key}`).toBeNull();
          continue;
        }
        const difference =
          Math.abs((value as number) - (expected as number)) / Math.max(1, Math.abs(expected as number));
        expect(difference, `${task} ${key}: ${value}, expected ${expected}`).toBeLessThan(
          /perplexity|bits/.test(key) ? 1e-4 : 1e-12,
        );
        tally.metrics++;
        tally.worstMetric = Math.max(tally.worstMetric, difference);
      }
    }
  });
});

afterAll(() => {
  const { tasks, requests, values, worst, metrics, worstMetric } = tally;
  console.log(
    `against lm_eval 0.4.5: ${tasks} tasks, ${requests} requests equal; ${values} answers, largest difference of a log-likelihood ${worst.toExponential(1)}; ${metrics} metrics, largest relative difference ${worstMetric.toExponential(1)}`,
  );
});

function textsOf(request: Request): string[] {
  if (request.kind === 'rolling') return [request.text];
  return request.kind === 'generate' ? [request.context] : [request.context, request.continuation];
}

function expectAnswer(answer: Answer, expected: HarnessAnswer, what: string): void {
  tally.values++;
  if (typeof expected === 'string') {
    expect(answer, what).toBe(expected);
    return;
  }
  const [logprob, is_greedy] = Array.isArray(expected) ? expected : [expected, undefined];
  const own = typeof answer === 'object' ? answer.logprob : (answer as number);
  const difference = Math.abs(own - logprob);
  tally.worst = Math.max(tally.worst, difference);
  expect(difference, `${what}: ${own}, expected ${logprob}`).toBeLessThan(1e-3);
  if (is_greedy !== undefined) expect((answer as { is_greedy: boolean }).is_greedy, what).toBe(is_greedy);
}

function scorerOf(model: Model, stored: StoredModel, tokenizer: Tokenizer): Scorer {
  const settings = { batch_size: 16, max_length: harness.max_length };
  return {
    loglikelihoods: (requests) => scorePairs(stored, requests, settings),
    generate: (requests) =>
      generateAll(
        model,
        tokenizer,
        requests.map(({ prompt, until, max_tokens }) => ({ ids: prompt, stop: until, max_tokens })),
        settings,
      ),
  };
}

async function openFixture() {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-tasks-'));
  await importHuggingFace(join(fixtures, 'model'), join(folder, 'model.arrow'));
  const { weights, tokenizer } = await loadModel(join(folder, 'model.arrow'));
  const model = createModel(weights);
  const checkpoint = await openStored(join(folder, 'model.arrow'));
  const close = async () => {
    await checkpoint.close();
    model.disposeFrames();
    weights.dispose();
    rmSync(folder, { recursive: true, force: true });
  };
  const config = JSON.parse(tokenizer.tokenizer_config_json as string) as object;
  const stored: StoredModel = { checkpoint };
  return {
    model,
    stored,
    tokenizer: loadTokenizer(tokenizer.tokenizer_json as string, 'tokenizer.json', config),
    close,
  };
}
