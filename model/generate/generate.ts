// Text from prompts: many at once, each as if it were alone; greedy or drawn, until a stop, the end token or a limit.
import { UserError } from '../../util/errors.ts';
import { createRandom } from '../../util/random.ts';
import type { Model } from '../forward/model.ts';
import { continueAll, type Observe } from './continuous-batch.ts';
import { createDecoder, type Decoder } from './decoder.ts';
import { createExitDecoder, type ExitSettings } from './exit-decoder.ts';
import { type Generation, type GenerationTokenizer, openText } from './open-text.ts';
import type { ReadingOrder } from './passes.ts';
import { chooseToken, greedy, type Sampling } from './sampling.ts';

/** What is to be continued, and until when. */
export interface GenerationRequest {
  /** The prompt's tokens, BOS included where the model wants one. */
  readonly ids: readonly number[];
  /** The text ends before the first of any of these. */
  readonly stop: readonly string[];
  /** Tokens to make at most. */
  readonly max_tokens: number;
}

export interface GenerationOptions extends Partial<Sampling> {
  /** Of what is drawn; request number i draws from a stream of its own. Default 0. */
  readonly seed?: number | string | undefined;
  /** Texts side by side; default 8. */
  readonly batch_size?: number | undefined;
  /** Which prompts are read first; default: in their order. */
  readonly order?: ReadingOrder | undefined;
  /** Tokens of prompt and text together; a longer prompt loses its beginning. Default: the model's context. */
  readonly max_length?: number | undefined;
  /** Tokens that end a text; default: the config's and the tokenizer's. */
  readonly end_tokens?: readonly number[] | undefined;
  /** Aborting ends the work between two tokens, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  readonly observe?: Observe | undefined;
  /** Where tokens may stop before the last layer; none: all layers. The longest text that is asked for is T of the threshold's decay. */
  readonly exit?: Omit<ExitSettings, 'max_tokens'> | undefined;
  /** One that is there already, in place of that which `max_length` and `exit` would make; none of its rows is in use. */
  readonly decoder?: Decoder | undefined;
}

/** Told each part of a text that is certain, in order; the parts of request `index` joined are its text. */
export type OnText = (index: number, part: string) => void;

const usualBatch = 8;

/** The texts of `requests`, in their order (methods D.4, generate_until). Throws UserError for what cannot be continued. */
export async function generateAll(
  model: Model,
  tokenizer: GenerationTokenizer,
  requests: readonly GenerationRequest[],
  options: GenerationOptions = {},
  onText?: OnText,
): Promise<string[]> {
  return (await generate(model, tokenizer, requests, options, onText)).map(({ text }) => text);
}

/** The same with the tokens, and why each text ended; `onEnd` is told when a text is whole. */
export async function generate(
  model: Model,
  tokenizer: GenerationTokenizer,
  requests: readonly GenerationRequest[],
  options: GenerationOptions = {},
  onText: OnText = () => {},
  onEnd: (index: number) => void = () => {},
): Promise<Generation[]> {
  const maxLength = options.max_length ?? model.config.max_position_embeddings;
  const ends = new Set(options.end_tokens ?? endTokens(model, tokenizer));
  const texts = requests.map((request, i) => {
    const { stop, max_tokens } = request;
    const prompt = promptOf(request, maxLength, model.config.vocab_size, `prompt ${i + 1}`);
    const choose = chooser(options, i);
    const told = { onText: (part: string) => onText(i, part), onEnd: () => onEnd(i) };
    return openText({ prompt, stop, max_tokens, tokenizer, ends, choose, ...told });
  });
  const open = texts.filter((_, i) => (requests[i] as GenerationRequest).max_tokens > 0);
  if (open.length > 0) {
    const { batch_size = usualBatch, order = 'given', signal, observe } = options;
    const max_tokens = Math.max(...requests.map((request) => request.max_tokens));
    const made = () =>
      options.exit
        ? createExitDecoder(model, { ...options.exit, max_tokens }, maxLength)
        : createDecoder(model, maxLength);
    await continueAll(options.decoder ?? made(), open, { batch_size, order, signal, observe });
  }
  return texts.map((text) => text.result());
}

/** The tokens that end a text, as the model's config and its tokenizer name them. */
export function endTokens({ config }: Pick<Model, 'config'>, { eosId }: { eosId?: number | undefined }): number[] {
  return [...new Set([config.eos_token_id ?? [], eosId ?? []].flat())];
}

/** The prompt as far as it fits with what is to be made: its beginning is left out. */
function promptOf({ ids, max_tokens }: GenerationRequest, maxLength: number, vocabulary: number, name: string) {
  if (ids.length === 0) throw new UserError(`${name} is empty, expected at least one token`);
  if (max_tokens >= maxLength) {
    throw new UserError(
      `${name}: ${max_tokens} new tokens leave no room for a prompt in a context of ${maxLength} tokens (lower 'max_tokens')`,
    );
  }
  const stranger = ids.find((id) => id < 0 || id >= vocabulary);
  if (stranger !== undefined) {
    throw new UserError(
      `${name} has token ${stranger}, but the model has ${vocabulary} tokens: its tokenizer.json belongs to another model`,
    );
  }
  return ids.slice(-(maxLength - max_tokens));
}

function chooser(options: GenerationOptions, index: number): (logits: Float32Array) => number {
  const { temperature = greedy.temperature, top_k = greedy.top_k, top_p = greedy.top_p, seed = 0 } = options;
  const random = createRandom('generate', seed, index);
  return (logits) => chooseToken(logits, { temperature, top_k, top_p }, random);
}
