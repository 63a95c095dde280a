// Runs tasks: records to requests, requests to answers, answers to numbers.
import { UserError } from '../../util/errors.ts';
import type { Group, Selection } from '../files/groups.ts';
import type { GenerateRequest, Loglikelihood, ScoreRequest, Scorer } from '../files/scorer.ts';
import type { TaskConfig } from '../files/task-config.ts';
import type { Answer, Item } from '../files/task-function.ts';
import { aggregate, aggregateParts, type Part, standardError } from './aggregate.ts';
import { cutAt, type Encoder } from './encode.ts';
import { type EvaluateOptions, type PreparedTask, prepareTask } from './prepare.ts';
import type { Request } from './requests.ts';
import { scoreRecord } from './score-record.ts';
import type { ReadSplit } from './task-data.ts';

/** The numbers of a task or group: `acc`, `acc_stderr`, with a named filter `exact_match,strict-match`; `n` records. */
export type Numbers = Record<string, number | string | null>;

/** One record's outcome, for a look at single answers. */
export interface Sample {
  task: string;
  record: number;
  answers: readonly Answer[];
  metrics: Record<string, Record<string, Item>>;
}

export interface Evaluation {
  /** Of tasks and of groups, by name. */
  tasks: Record<string, Numbers>;
  samples: Sample[];
  /** Requests whose context or prompt lost its beginning, by task; tasks without any are left out. */
  cuts: ReadonlyMap<string, Cuts>;
}

/** Of a task's requests, how many were cut. */
export interface Cuts {
  cut: number;
  requests: number;
}

/** Evaluates the selected tasks on a model. */
export async function evaluateTasks(
  selection: Selection,
  read: ReadSplit,
  model: { scorer: Scorer; encoder: Encoder },
  options: EvaluateOptions,
): Promise<Evaluation> {
  const prepared: PreparedTask[] = [];
  for (const config of selection.tasks) prepared.push(await prepareTask(withLength(config, options), read, options));
  const { answers, cuts } = await answerAll(prepared, model);
  const evaluation: Evaluation = { tasks: {}, samples: [], cuts };
  const parts = new Map<string, Map<string, Part>>();
  prepared.forEach((task, i) => {
    const scored = scoreTask(task, answers[i] as Answer[][], options, evaluation.samples);
    parts.set(task.config.task, scored);
    evaluation.tasks[task.config.task] = { ...numbersOf(scored), ...factsOf(task) };
  });
  for (const group of selection.groups) evaluation.tasks[group.name] = numbersOf(groupParts(group, parts));
  return evaluation;
}

function withLength(config: TaskConfig, { max_gen_toks }: EvaluateOptions): TaskConfig {
  return max_gen_toks === undefined ? config : { ...config, generation: { ...config.generation, max_gen_toks } };
}

function factsOf({ config, num_fewshot, data_hash, unanswered }: PreparedTask): Numbers {
  const facts = { num_fewshot, version: config.version, task_hash: config.hash, data_hash };
  return unanswered === 0 ? facts : { ...facts, unanswered };
}

/** Answers by task, record and request; all tasks' requests go to the model together, so that its batches are full. */
async function answerAll(tasks: readonly PreparedTask[], { scorer, encoder }: { scorer: Scorer; encoder: Encoder }) {
  const scores: ScoreRequest[] = [];
  const prompts: GenerateRequest[] = [];
  const cuts = new Map<string, Cuts>();
  const places = tasks.map((task) => {
    const before = encoder.cuts;
    const added = task.records.map(({ requests }) =>
      requests.map((request) => guard(task.config, () => addRequest(request, encoder, scores, prompts))),
    );
    const cut = encoder.cuts - before;
    if (cut > 0) cuts.set(task.config.task, { cut, requests: added.flat().length });
    return added;
  });
  const found = await scorer.loglikelihoods(scores);
  const texts = await scorer.generate(prompts);
  const answers = places.map((records) =>
    records.map((requests) => requests.map((place) => answerAt(place, found, texts, prompts))),
  );
  return { answers, cuts };
}

/** Where a request's answer will be: one score, the sum of several, or a text. */
type Place = { kind: 'score'; at: number } | { kind: 'sum'; from: number; to: number } | { kind: 'text'; at: number };

function addRequest(request: Request, encoder: Encoder, scores: ScoreRequest[], prompts: GenerateRequest[]): Place {
  if (request.kind === 'generate')
    return { kind: 'text', at: prompts.push(encoder.prompt(request.context, request.generation)) - 1 };
  if (request.kind === 'rolling') {
    const from = scores.length;
    scores.push(...encoder.windows(request.text));
    return { kind: 'sum', from, to: scores.length };
  }
  return { kind: 'score', at: scores.push(encoder.pair(request.context, request.continuation)) - 1 };
}

function answerAt(
  place: Place,
  scores: readonly Loglikelihood[],
  texts: readonly string[],
  prompts: readonly GenerateRequest[],
): Answer {
  if (place.kind === 'text') return cutAt(texts[place.at] as string, (prompts[place.at] as GenerateRequest).until);
  if (place.kind === 'score') return scores[place.at] as Loglikelihood;
  return scores.slice(place.from, place.to).reduce((sum, { logprob }) => sum + logprob, 0);
}

/** Names the task in what goes wrong with one of its requests. */
function guard<T>(config: TaskConfig, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`task '${config.task}': ${error.message}`);
    throw error;
  }
}

/** A task's metrics by `metric,filter`. */
function scoreTask(
  task: PreparedTask,
  answers: readonly Answer[][],
  options: EvaluateOptions,
  samples: Sample[],
): Map<string, Part> {
  const { config } = task;
  const items = new Map<string, Item[]>();
  const aggregations = new Map(config.metrics.map(({ metric, aggregation }) => [metric, aggregation]));
  task.records.forEach(({ doc }, record) => {
    const given = answers[record] as Answer[];
    const metrics: Sample['metrics'] = {};
    for (const { name, apply } of config.filters) {
      const filtered = given.map((answer) =>
        typeof answer === 'string' ? apply(Array<string>(config.repeats).fill(answer), doc) : answer,
      );
      metrics[name] = scoreRecord({ ...task, compat: options.compat }, doc, filtered);
      for (const [metric, item] of Object.entries(metrics[name])) push(items, `${metric},${name}`, item);
    }
    samples.push({ task: config.task, record, answers: given, metrics });
  });
  const parts = new Map<string, Part>();
  for (const [key, values] of items) {
    const aggregation = aggregations.get(key.slice(0, key.indexOf(','))) ?? 'mean';
    const stderr = standardError(aggregation, values, options.bootstrap);
    parts.set(key, { value: aggregate(aggregation, values), stderr, n: values.length });
  }
  return parts;
}

function push(items: Map<string, Item[]>, key: string, item: Item): void {
  const list = items.get(key);
  if (list === undefined) items.set(key, [item]);
  else list.push(item);
}

function groupParts(group: Group, tasks: ReadonlyMap<string, ReadonlyMap<string, Part>>): Map<string, Part> {
  const parts = new Map<string, Part>();
  for (const { metric, filters, weight_by_size } of group.metrics) {
    for (const filter of filters) {
      const key = `${metric},${filter}`;
      const found = group.tasks.flatMap((task) => tasks.get(task)?.get(key) ?? []);
      if (found.length > 0) parts.set(key, aggregateParts(found, weight_by_size));
    }
  }
  return parts;
}

/**
 * `acc` and `acc_stderr` for the pipeline without a name; with a name `exact_match,strict-match`, its error as
 * `exact_match_stderr,strict-match`. A metric that has only named ones is also there by its bare name, from the first of them.
 */
function numbersOf(parts: ReadonlyMap<string, Part>): Numbers {
  const numbers: Numbers = {};
  for (const [key, { value, stderr }] of parts) {
    const [metric, filter] = [key.slice(0, key.indexOf(',')), key.slice(key.indexOf(','))];
    const suffixes = [filter === ',none' ? '' : filter, ...(Object.hasOwn(numbers, metric) ? [] : [''])];
    for (const suffix of suffixes) {
      numbers[`${metric}${suffix}`] = value;
      numbers[`${metric}_stderr${suffix}`] = stderr;
    }
  }
  const n = [...parts.values()][0]?.n ?? 0;
  return { ...numbers, n };
}
