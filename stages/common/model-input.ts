// What the numeric stages begin with: the backend, the model with its sharing, the tokenizer, encoded records.
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { InputFiles, StageContext, StageInput } from '../../contract/stage.ts';
import type { Tokenizer } from '../../formats/tokenizer/tokenizer.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { createWeights, type Weights } from '../../model/architecture/weights.ts';
import { loadModel, openStored, type TokenizerFiles } from '../../model/checkpoint/checkpoint.ts';
import { chatTemplates } from '../../model/checkpoint/companions.ts';
import { loadFrozen } from '../../model/checkpoint/frozen.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import { hasTokenizer, ownTemplate, settleTokenizer } from '../../model/checkpoint/tokenizer-files.ts';
import type { Example } from '../../model/forward/batches.ts';
import { encodeExample } from '../../model/forward/chat.ts';
import type { ChatTokenizer } from '../../model/forward/chat-spans.ts';
import { roundingOf } from '../../model/forward/linear.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { loadHuggingFace } from '../../model/import/huggingface.ts';
import { disposeRecovery, type Recovery } from '../../model/sharing/recovery.ts';
import type { StoredModel } from '../../model/walk/stored-model.ts';
import type { ChatTemplate } from '../../python/chat/chat-template.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { UserError } from '../../util/errors.ts';
import type { InstructionRecord } from './record-forms.ts';

/** A model opened for a stage; `close` frees everything. */
export interface OpenModel {
  model: Model;
  recovery: Recovery | undefined;
  tokenizer: ModelTokenizer;
  /** The tokenizer's files and those beside them. */
  files: TokenizerFiles;
  close(): void;
}

/** What a stage that runs a model is given. */
export interface ModelContext extends Pick<StageContext, 'numerics'> {
  readonly inputs: { readonly model: InputFiles; readonly recovery?: InputFiles | undefined };
}

/** Starts the backend and loads input `model`, with input `recovery` applied where there is one. */
export async function openModel(context: ModelContext): Promise<OpenModel> {
  await startBackend(context);
  const parts = context.inputs.recovery;
  return openModelFiles(onlyFile(context.inputs.model), parts && Object.values(parts.files));
}

/** The same with input `model` frozen: only what its pass with the recovery reads is loaded, as it is stored where that can be. */
export async function openFrozenModel(context: ModelContext): Promise<OpenModel> {
  const { model: stored, tokenizer, close: closeStored } = await openStoredModel(context);
  const { checkpoint, recovery } = stored;
  try {
    const weights = await loadFrozen(checkpoint, recovery?.replacements ?? []);
    const model = createModel(weights, recovery);
    const close = () => closeModel(model);
    await checkpoint.close();
    return { model, recovery, tokenizer, files: checkpoint.tokenizer, close };
  } catch (error) {
    await closeStored();
    throw error;
  }
}

/** A model opened for a stage that goes through it layer by layer; `close` frees everything. */
export interface OpenStored {
  model: StoredModel;
  config: ModelConfig;
  tokenizer: ModelTokenizer;
  close(): Promise<void>;
}

/** Starts the backend and opens input `model`, with input `recovery` where there is one; of the model nothing is read yet. */
export async function openStoredModel(context: ModelContext): Promise<OpenStored> {
  await startBackend(context);
  const checkpoint = await openStored(onlyFile(context.inputs.model));
  try {
    const { config } = checkpoint;
    const tokenizer = tokenizerOf(checkpoint.tokenizer);
    const parts = context.inputs.recovery;
    const recovery = parts && (await readRecovery(Object.values(parts.files), config));
    const close = async () => {
      if (recovery !== undefined) disposeRecovery(recovery);
      await checkpoint.close();
    };
    return { model: { checkpoint, recovery }, config, tokenizer, close };
  } catch (error) {
    await checkpoint.close();
    throw error;
  }
}

/** Loads the checkpoint `model` with the recovery of `parts` applied, on the backend that was started. */
export async function openModelFiles(
  model: string,
  parts?: readonly string[],
  setting?: TokenizerSetting,
): Promise<OpenModel> {
  return openLoaded(await loadModel(model), parts, setting);
}

/** Loads a Hugging Face folder as it is; `onWarning` is told what of it is not honoured. */
export async function openModelFolder(
  folder: string,
  onWarning: (message: string) => void,
  setting?: TokenizerSetting,
): Promise<OpenModel> {
  return openLoaded(await loadHuggingFace(folder, { onWarning }), undefined, setting);
}

async function openLoaded(
  { config, weights, tokenizer }: { config: ModelConfig; weights: Weights; tokenizer: TokenizerFiles },
  parts: readonly string[] | undefined,
  setting?: TokenizerSetting,
): Promise<OpenModel> {
  const recovery = parts === undefined ? undefined : await readRecovery(parts, config);
  const model = createModel(weights, recovery);
  const close = () => closeModel(model);
  return { model, recovery, tokenizer: tokenizerOf(tokenizer, setting), files: tokenizer, close };
}

function closeModel(model: Model): void {
  model.disposeFrames();
  model.weights.dispose();
  if (model.recovery !== undefined) disposeRecovery(model.recovery);
}

/** Selects the backend that the plan says. */
export async function startBackend({
  numerics: { backend, provider, precision, threads },
}: Pick<StageContext, 'numerics'>): Promise<void> {
  await useBackend({ backend, provider, precision, threads });
}

/** Loads only `names`, so that one layer of a large model costs one layer. */
export async function loadTensors(path: string, namesIn: (config: ModelConfig) => readonly string[]): Promise<Weights> {
  const checkpoint = await openStored(path);
  try {
    const tensors = new Map<string, tf.Tensor>();
    for (const name of namesIn(checkpoint.config)) {
      const shape = checkpoint.tensors.get(name)?.shape ?? [];
      tensors.set(name, tf.tensor(await checkpoint.readFloat32(name), [...shape], 'float32'));
    }
    return createWeights(checkpoint.config, tensors, roundingOf(checkpoint.quantization));
  } finally {
    await checkpoint.close();
  }
}

/** The path of an input that is one file. */
export function onlyFile(input: InputFiles | undefined): string {
  const [path] = Object.values(input?.files ?? {});
  if (path === undefined) throw new Error('the stage was started without one of its inputs');
  return path;
}

/** The SHA-256 of an input that is one file. */
export function onlyDigest({ digests }: StageInput): string {
  const [digest] = Object.values(digests);
  if (digest === undefined) throw new Error('the stage was started without one of its inputs');
  return digest;
}

/** The path of one unit of an input. */
export function fileOf({ files }: InputFiles, unit: string): string {
  const path = files[unit];
  if (path === undefined) throw new Error(`the stage was started without unit '${unit}' of one of its inputs`);
  return path;
}

/** A model's tokenizer with the model's own chat template. */
export interface ModelTokenizer extends Tokenizer, ChatTokenizer {
  /** True where the model has a template, even one that cannot be used. */
  readonly hasTemplate?: boolean;
}

interface TokenizerSetting {
  /** Whether the template may ask for the date: then the same records are other tokens tomorrow. */
  readonly dated?: boolean;
}

/** The tokenizer that travels in a checkpoint; its template is parsed when it is first asked for. */
export function tokenizerOf(files: TokenizerFiles, setting: TokenizerSetting = {}): ModelTokenizer {
  if (!hasTokenizer(files))
    throw new UserError("the model has no tokenizer, expected a 'tokenizer.json' in its folder");
  const settled = settleTokenizer(files);
  let template: { readonly own: ChatTemplate | undefined } | undefined;
  return {
    ...settled.tokenizer,
    hasTemplate: chatTemplates(settled.settings, files.companions).size > 0,
    get template() {
      template ??= { own: ownTemplate(settled, files, setting) };
      return template.own;
    },
  };
}

/** The tokens that a model has, and how many of them it was made to read at once. */
type ModelExtent = Pick<ModelConfig, 'vocab_size' | 'max_position_embeddings'>;

/** Records between two progress reports while encoding. */
const reportEvery = 2000;

/** What a stage tells while it reads its records. */
type Speaker = Pick<StageContext, 'progress' | 'signal' | 'warn'>;

/**
 * Encodes the records that have something to learn from; the others are dropped, as open-instruct does. A token that the
 * model does not have is a UserError: then tokenizer and model do not belong together. Records that are cut, dropped or longer than
 * the model's context are warned about.
 */
export async function encodeRecords(
  context: Speaker,
  records: readonly InstructionRecord[],
  tokenizer: ModelTokenizer,
  { max_length, vocab_size, max_position_embeddings }: { max_length: number } & ModelExtent,
): Promise<Example[]> {
  const examples: Example[] = [];
  for (const [i, record] of records.entries()) {
    const example = encodeOne(record, tokenizer, { max_length, vocab_size });
    if (example !== null) examples.push(example);
    if ((i + 1) % reportEvery === 0) await reportEncoding(context, i + 1, records.length);
  }
  if (
    tokenizer.hasTemplate === true &&
    records.some((record) => 'messages' in record && record.template === undefined)
  ) {
    context.warn(
      "the model has a chat template, but the records are put into Tulu's: 'template: own' of stage 'dataset' takes the model's",
    );
  }
  for (const message of lengthWarnings(examples, records.length, { max_length, max_position_embeddings })) {
    context.warn(message);
  }
  if (examples.length > 0) return examples;
  throw new UserError(
    `none of ${records.length} records has a response within ${max_length} tokens, expected at least one (raise 'max_length')`,
  );
}

function lengthWarnings(
  examples: readonly Example[],
  records: number,
  { max_length, max_position_embeddings: context }: { max_length: number; max_position_embeddings: number },
): string[] {
  const cut = examples.filter((example) => example.is_cut === true).length;
  const dropped = records - examples.length;
  const beyond = examples.filter(({ ids }) => ids.length > context).length;
  const count = (some: number) => `${some} of ${records} ${records === 1 ? 'record' : 'records'}`;
  return [
    ...(cut > 0
      ? [`${count(cut)} ${cut === 1 ? 'is' : 'are'} longer than ${max_length} tokens (max_length) and cut there`]
      : []),
    ...(dropped > 0
      ? [
          `${count(dropped)} ${dropped === 1 ? 'has' : 'have'} no answer within ${max_length} tokens (max_length) and ${dropped === 1 ? 'is' : 'are'} left out`,
        ]
      : []),
    ...(beyond > 0
      ? [
          `${count(beyond)} ${beyond === 1 ? 'has' : 'have'} more tokens than the model's context of ${context}: lower 'max_length' to it`,
        ]
      : []),
  ];
}

/** One record's example, null when it has nothing to learn from; a UserError for tokens that the model does not have. */
export function encodeOne(
  record: InstructionRecord,
  tokenizer: ModelTokenizer,
  { max_length, vocab_size }: { max_length: number; vocab_size: number },
): Example | null {
  const example = encodeExample(record, tokenizer, { max_length }, `record '${record.id}'`);
  const stranger = example?.ids.find((id) => id >= vocab_size);
  if (stranger === undefined) return example;
  throw new UserError(
    `record '${record.id}' has token ${stranger}, but the model has ${vocab_size} tokens: its tokenizer.json belongs to another model`,
  );
}

async function reportEncoding({ signal, progress }: Speaker, done: number, total: number): Promise<void> {
  progress({ done, total, of: 'record', note: 'encoding' });
  await nextTurn(); // lets a message of the runner in
  signal.throwIfAborted();
}
