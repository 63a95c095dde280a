// The work of lm-eval-tasks: choose the tasks, let the model answer, write the numbers.
import { open, writeFile } from 'node:fs/promises';
import type { ContextOf } from '../../contract/define.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { selectTasks } from '../../tasks/files/groups.ts';
import { loadFunctions } from '../../tasks/files/own-functions.ts';
import { TaskFolder } from '../../tasks/files/task-folder.ts';
import type { TaskChat } from '../../tasks/score/chat.ts';
import { Encoder } from '../../tasks/score/encode.ts';
import { type Evaluation, evaluateTasks, type Sample } from '../../tasks/score/evaluate.ts';
import { type ReadSplit, splitsIn } from '../../tasks/score/task-data.ts';
import { splitsInArtifact } from '../../tasks/score/task-data-file.ts';
import { UserError } from '../../util/errors.ts';
import { exitOf } from '../common/exit-input.ts';
import {
  type ModelTokenizer,
  type OpenModel,
  onlyFile,
  openModelFiles,
  openStoredModel,
} from '../common/model-input.ts';
import type { LmEvalTasksParams, lmEvalTasks } from './declare.ts';
import { modelScorer } from './model-scorer.ts';

type Context = ContextOf<typeof lmEvalTasks>;

export async function scoreTasks(context: Context): Promise<void> {
  const [unit] = context.units;
  const params = context.params;
  const read = splitsOf(params, context);
  const names = [params.tasks].flat();
  const selection = await selectTasks(
    await TaskFolder.open(params.folder, await loadFunctions(params.functions)),
    names,
  );
  const { model: stored, config, tokenizer, close } = await openStoredModel(context);
  let loaded: OpenModel | undefined;
  const load = async () => {
    loaded = await openModelFiles(onlyFile(context.inputs.model), partsOf(context));
    return loaded.model;
  };
  const exit = context.inputs.exit && (await exitOf(context.inputs.exit, { config, recovery: stored.recovery }));
  try {
    const max_length = lengthOf(params, config);
    const evaluation = await evaluateTasks(
      selection,
      read,
      {
        scorer: modelScorer({ stored, load, exit }, tokenizer, {
          batch_size: params.batch_size,
          max_length,
          signal: context.signal,
          onProgress: (progress) => context.progress(progress),
        }),
        encoder: new Encoder(tokenizer, { bos: params.bos, max_length }),
      },
      { ...params, ...given(params), chat: chatOf(params, tokenizer) },
    );
    refuseNoNumber(evaluation);
    for (const [name, { cut, requests }] of evaluation.cuts) {
      context.warn(
        `task '${name}': ${cut} of ${requests} requests are longer than ${max_length} tokens and lost their beginning, as in the harness`,
      );
    }
    const { bos, compat, harness, apply_chat_template, fewshot_as_multiturn, system_instruction } = params;
    const settings = {
      harness,
      bos,
      compat,
      max_length,
      fewshot_seed: params.fewshot_seed,
      limit: params.limit ?? null,
      apply_chat_template,
      fewshot_as_multiturn,
      system_instruction,
    };
    await writeFile(unit.outputs.metrics, `${JSON.stringify({ tasks: evaluation.tasks, settings }, null, 2)}\n`);
    await writeSamples(unit.outputs.samples, evaluation.samples);
    await unit.done({ records: evaluation.samples.length });
  } finally {
    loaded?.close();
    await close();
  }
}

function partsOf({ inputs: { recovery } }: Context): string[] | undefined {
  return recovery && Object.values(recovery.files);
}

/** Records come from the artifact that is joined, or from a folder. */
function splitsOf({ data }: LmEvalTasksParams, { inputs }: Context): ReadSplit {
  return data === undefined ? splitsInArtifact(onlyFile(inputs.data)) : splitsIn(data);
}

function lengthOf({ max_length }: LmEvalTasksParams, { max_position_embeddings: most }: ModelConfig): number {
  if (max_length === undefined || max_length <= most) return max_length ?? most;
  throw new UserError(`'max_length' is ${max_length}, but the model's context is ${most} tokens`);
}

/** JSON has no NaN: the table would show an empty place, and nobody would know why. */
function refuseNoNumber({ samples }: Evaluation): void {
  const bad = samples.find(({ answers }) =>
    answers.some((answer) => typeof answer === 'object' && !Number.isFinite(answer.logprob)),
  );
  if (bad === undefined) return;
  throw new UserError(
    `record ${bad.record + 1} of task '${bad.task}' has no finite log-likelihood: look for NaN or very large values in the weights of its model and recovery parameters`,
  );
}

async function writeSamples(path: string, samples: readonly Sample[]): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (const sample of samples) await file.write(`${JSON.stringify(sample)}\n`);
  } finally {
    await file.close();
  }
}

/** Optional parameters as the options that they are. */
function given({ num_fewshot, limit, max_gen_toks, system_instruction }: LmEvalTasksParams) {
  return { num_fewshot, limit, max_gen_toks, system_instruction };
}

/** The model's own chat template where it is asked for; UserError for a model that has none. */
function chatOf(params: LmEvalTasksParams, tokenizer: ModelTokenizer): TaskChat | undefined {
  if (params.apply_chat_template !== true) return undefined;
  const { template } = tokenizer;
  if (template === undefined) {
    throw new UserError("'apply_chat_template': the model has no chat template of its own, expected one, or false");
  }
  return {
    render: (turns) => template.render(turns, { prompts: true }).text,
    fewshot_as_multiturn: params.fewshot_as_multiturn ?? false,
  };
}
