// lamina's process in the task benchmark: `node tasks-side.js WORKLOAD INPUTS ANSWERS`, the first two as JSON.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openStored } from '../model/checkpoint/checkpoint.ts';
import { importHuggingFace } from '../model/import/huggingface.ts';
import { openModelFiles } from '../stages/common/model-input.ts';
import { modelScorer } from '../stages/lm-eval-tasks/model-scorer.ts';
import { selectTasks } from '../tasks/files/groups.ts';
import { TaskFolder } from '../tasks/files/task-folder.ts';
import { Encoder } from '../tasks/score/encode.ts';
import { type Evaluation, evaluateTasks } from '../tasks/score/evaluate.ts';
import { splitsIn } from '../tasks/score/task-data.ts';
import { useBackend } from '../tensor/backend/backend.ts';
import { workFolder } from './place.ts';
import { serve } from './serve.ts';
import { type Answers, meanAnswer } from './tasks-answers.ts';
import type { TaskInputs } from './tasks-inputs.ts';
import { batchSizes, fewshotSeed, type TaskWorkload, taskThreads } from './tasks-shape.ts';

const [workloadText, inputsText, path] = process.argv.slice(2) as [string, string, string];
const { task, num_fewshot, max_gen_toks } = JSON.parse(workloadText) as TaskWorkload;
const { modelFolder, definitions, data } = JSON.parse(inputsText) as TaskInputs;

await useBackend({ backend: 'onnx', threads: taskThreads });
const file = join(workFolder('tasks', 'side'), 'model.arrow');
rmSync(file, { force: true });
await importHuggingFace(modelFolder, file);
const checkpoint = await openStored(file);
const { model, tokenizer } = await openModelFiles(file);
const max_length = model.config.max_position_embeddings;
const selection = await selectTasks(await TaskFolder.open(definitions), [task]);
const read = splitsIn(data);
const batch_size = batchSizes.lamina[max_gen_toks > 0 ? 'generation' : 'scoring'];
let tokens = 0;
let spent_ms = 0;

/** Runs `call` and adds up its CPU time. */
async function timed<T>(call: () => Promise<T>): Promise<T> {
  const start = process.cpuUsage();
  const result = await call();
  const { user, system } = process.cpuUsage(start);
  spent_ms += (user + system) / 1000;
  return result;
}

async function evaluate(): Promise<Evaluation> {
  const scorer = modelScorer({ stored: { checkpoint }, load: async () => model }, tokenizer, {
    batch_size,
    max_length,
  });
  const encoder = new Encoder(tokenizer, { bos: 'never', max_length });
  tokens = 0;
  const counting: typeof scorer = {
    loglikelihoods(requests) {
      tokens += requests.reduce((sum, { context, continuation }) => sum + context.length + continuation.length, 0);
      return timed(() => scorer.loglikelihoods(requests));
    },
    async generate(requests) {
      const texts = await timed(() => scorer.generate(requests));
      const made = texts.map((text) => tokenizer.encode(text, { addSpecialTokens: false }).length);
      tokens += requests.reduce((sum, { prompt }, i) => sum + prompt.length + (made[i] as number), 0);
      return texts;
    },
  };
  const options = { num_fewshot, limit: undefined, compat: true, harness: '0.4.5', fewshot_seed: fewshotSeed } as const;
  const generation = max_gen_toks === 0 ? {} : { max_gen_toks };
  return evaluateTasks(selection, read, { scorer: counting, encoder }, { ...options, ...generation, bootstrap: 0 });
}

function answersOf({ samples, tasks }: Evaluation): Answers {
  const flat = samples.flatMap(({ answers }) => answers);
  const answers = flat.map((answer) => (typeof answer === 'object' ? answer.logprob : answer));
  const numbers = Object.entries(tasks[task] ?? {}).filter(([, value]) => typeof value === 'number');
  return { answers, results: Object.fromEntries(numbers) as Record<string, number>, tokens };
}

const workload = {
  async round(steps: number) {
    let value = 0;
    spent_ms = 0;
    for (let i = 0; i < steps; i++) {
      const answers = answersOf(await evaluate());
      value = meanAnswer(answers);
      if (!written) writeFileSync(path, JSON.stringify(answers));
      written = true;
    }
    return value;
  },
  model_cpu_ms: () => spent_ms,
};
let written = false;
await serve(workload, { node: process.versions.node });
