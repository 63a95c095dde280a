// The work of `lamina generate`: loads the model, answers the prompts and prints. It loads the engine: import it late.
import { readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ggufParts } from '../../formats/tensors/gguf-parts.ts';
import { fetchModel } from '../../hub/fetch-model.ts';
import { hubName } from '../../hub/name.ts';
import { resolveRevision } from '../../hub/revision.ts';
import { hubSettings } from '../../hub/settings.ts';
import type { TokenizerFiles } from '../../model/checkpoint/checkpoint.ts';
import { parseGenerationConfig } from '../../model/checkpoint/companions.ts';
import type { TemplateName } from '../../model/forward/record.ts';
import { type GenerationRequest, generate } from '../../model/generate/generate.ts';
import type { Generation } from '../../model/generate/open-text.ts';
import { sentence } from '../../spec/plan/warnings.ts';
import {
  type ModelTokenizer,
  type OpenModel,
  openModelFiles,
  openModelFolder,
} from '../../stages/common/model-input.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { UserError } from '../../util/errors.ts';
import { exitCodes } from '../common/exit-codes.ts';
import type { GenerateFlags } from '../common/flags.ts';
import { engineRemarks } from '../common/remarks.ts';
import { listenForStop } from '../common/stop-signals.ts';
import type { Terminal } from '../common/terminal.ts';
import { countStops, exitOf } from './exit.ts';
import { refuseTooLarge } from './memory.ts';
import type { FoundModel } from './model.ts';
import { promptTokens, templateFor } from './prompt.ts';
import { createAnswers, createMeter, generationJson, type Meter } from './text.ts';

/** From this size on a model gets all cores unless told otherwise; below it threads cost more than they save. */
const largeModel_bytes = 100e6;
/** A template may ask for the date: what is said here is kept nowhere. */
const dated = { dated: true };
/** Prompts that are answered side by side. */
const batch_size = 8;

/** Answers `prompts` and prints the answers in their order. Gives the exit code. */
export async function talk(
  found: FoundModel,
  prompts: readonly string[],
  flags: GenerateFlags,
  { out, err }: Terminal,
): Promise<number> {
  const stop = listenForStop(
    () => {},
    () => {},
  );
  const answers = createAnswers(prompts, flags.json ? { ...out, write: () => {} } : out);
  const meter = createMeter(() => performance.now());
  try {
    const say = (message: string) => err.write(`${err.paint.warn('!')} ${sentence(message)}\n`);
    engineRemarks(flags).forEach(say);
    const { model, tokenizer, files, close } = await openFound(found, flags, stop.signal, say);
    try {
      const template = templateFor(tokenizer, flags.template);
      const requests = prompts.map((prompt, i) =>
        requestOf(prompt, `prompt ${i + 1}`, { model, tokenizer, template }, flags),
      );
      const remark = (text: string) => err.write(`${err.paint.faint(sentence(text))}\n`);
      for (const text of remarksOn(files, template, flags)) remark(text);
      meter.start();
      const { temperature, topK: top_k, topP: top_p, seed } = flags;
      const exit = await exitOf(found, flags.exit, model);
      const stopped = countStops();
      const options = {
        ...{ temperature, top_k, top_p, seed, signal: stop.signal, observe: meter.observe },
        // side by side tokens would wait for the least sure of them
        ...(exit === undefined ? { batch_size } : { batch_size: 1, exit: { exit, onStep: stopped.onStep } }),
      };
      const done: Generation[] = await generate(model, tokenizer, requests, options, answers.add, answers.end);
      if (exit !== undefined) remark(stopped.text(model.config.num_hidden_layers));
      for (const text of cutByContext(done, requests, flags)) remark(text);
      if (flags.json) out.write(generationJson(found.label, prompts, requests, done, meter));
      else err.write(`${err.paint.faint(summaryOf(done, meter))}\n`);
      return exitCodes.done;
    } finally {
      close();
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    answers.close();
    err.write(`${err.paint.faint(meter.text(['stopped']))}\n`);
    return exitCodes.stopped;
  } finally {
    stop.dispose();
  }
}

/** What of a model's files is not taken unless it is asked for. */
function remarksOn({ companions = {} }: TokenizerFiles, template: TemplateName, flags: GenerateFlags): string[] {
  const { sampling } = parseGenerationConfig(companions['generation_config.json']);
  const asked = ['temperature', 'top_k', 'top_p'].filter((key) => typeof sampling[key] === 'number');
  const drawing = asked.map((key) => `--${key.replace('_', '-')} ${sampling[key]}`);
  const isSampled = sampling.do_sample === true && flags.temperature === 0;
  return [
    ...(template === 'own' && flags.template === undefined
      ? [
          "the prompt is put into the model's own chat template ('--template tulu' for a model that was tuned in lamina's)",
        ]
      : []),
    ...(isSampled
      ? [
          `the likeliest tokens are taken; generation_config.json would draw them${drawing.length > 0 ? `: ${drawing.join(' ')}` : ''}`,
        ]
      : []),
  ];
}

/** Answers that the context ended before the tokens that were asked for. */
function cutByContext(
  done: readonly Generation[],
  requests: readonly GenerationRequest[],
  { maxTokens }: GenerateFlags,
): string[] {
  const cut = done.filter(({ finish }, i) => finish === 'length' && (requests[i]?.max_tokens ?? maxTokens) < maxTokens);
  if (cut.length === 0) return [];
  return [
    `${cut.length === 1 ? 'an answer ends' : `${cut.length} answers end`} where the model's context does, before --max-tokens ${maxTokens}`,
  ];
}

function summaryOf(done: readonly Generation[], meter: Meter): string {
  const made = done.reduce((sum, { ids }) => sum + ids.length, 0);
  return meter.text(
    done.map(({ finish }) => finish),
    made,
  );
}

/** Loads the model onto the backend that the flags ask for. */
async function openFound(
  found: FoundModel,
  flags: GenerateFlags,
  signal: AbortSignal,
  onWarning: (message: string) => void,
): Promise<OpenModel> {
  const folder = found.kind === 'hub' ? await fetchFolder(found.name, signal) : undefined;
  const files =
    found.kind === 'files' ? [found.checkpoint] : weightFiles(folder ?? (found.kind === 'folder' ? found.folder : ''));
  const size = files.reduce((sum, path) => sum + statSync(path).size, 0);
  await refuseTooLarge(found, files);
  const threads = flags.threads ?? (size > largeModel_bytes ? availableParallelism() : 1);
  const { backend = 'onnx', provider, precision } = flags;
  await useBackend({ backend, provider, precision, threads });
  signal.throwIfAborted();
  if (found.kind === 'files') return openModelFiles(found.checkpoint, found.recovery, dated);
  return openModelFolder(folder ?? (found.kind === 'folder' ? found.folder : ''), onWarning, dated);
}

async function fetchFolder(text: string, signal: AbortSignal): Promise<string> {
  const settings = hubSettings();
  const name = hubName(text);
  const revision = await resolveRevision(name, settings);
  return fetchModel({ ...name, revision }, { settings, signal });
}

/** Of a model folder, which has GGUF files in the place of others or beside them, or all parts of a GGUF file. */
function weightFiles(folder: string): string[] {
  if (!statSync(folder).isDirectory()) return ggufParts(folder);
  const ending = (end: string) => readdirSync(folder).filter((name) => name.endsWith(end));
  const safetensors = ending('.safetensors');
  return (safetensors.length > 0 ? safetensors : ending('.gguf')).map((name) => join(folder, name));
}

/** The prompt's tokens, and as much room for the answer as the context has. */
function requestOf(
  prompt: string,
  name: string,
  { model, tokenizer, template }: Pick<OpenModel, 'model'> & { tokenizer: ModelTokenizer; template: TemplateName },
  { system, stop, maxTokens }: GenerateFlags,
): GenerationRequest {
  const ids = promptTokens(prompt, system, tokenizer, template);
  const context = model.config.max_position_embeddings;
  if (ids.length >= context) {
    throw new UserError(
      `${name} has ${ids.length} tokens, which leaves no room for an answer in the model's context of ${context}: shorten it`,
    );
  }
  // a model that was not trained to stop would go on with the next question
  const stops = template === 'tulu' ? [...stop, '<|user|>'] : stop;
  return { ids, stop: stops, max_tokens: Math.min(maxTokens, context - ids.length) };
}
