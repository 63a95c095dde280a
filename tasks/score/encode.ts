// Texts to token ids as the harness encodes them: which tokens belong to a continuation, which windows a long text is read in.
import { rstrip } from '../../python/text.ts';
import { UserError } from '../../util/errors.ts';
import type { GenerateRequest, ScoreRequest } from '../files/scorer.ts';
import type { GenerationConfig } from '../files/task-config.ts';

/** Text to token ids and back. */
export interface TaskTokenizer {
  encode(text: string, options: { addSpecialTokens: boolean }): number[];
  decode(ids: readonly number[]): string;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
}

/** How texts are encoded. */
export interface EncodeSettings {
  /** `never`: no special tokens (lm-eval up to 0.4.9.1 for Llama); `tokenizer`: what the tokenizer adds, unless the text begins with BOS. */
  bos: 'never' | 'tokenizer';
  /** Most tokens of one input. */
  max_length: number;
}

/** Encodes requests for one model. */
export class Encoder {
  readonly #tokenizer: TaskTokenizer;
  readonly #settings: EncodeSettings;
  readonly #bosText: string | undefined;
  #cuts = 0;

  constructor(tokenizer: TaskTokenizer, settings: EncodeSettings) {
    this.#tokenizer = tokenizer;
    this.#settings = settings;
    this.#bosText = tokenizer.bosId === undefined ? undefined : tokenizer.decode([tokenizer.bosId]);
  }

  /** How many contexts and prompts have lost their beginning so far. */
  get cuts(): number {
    return this.#cuts;
  }

  /** White space at the end of the context is the continuation's: the tokens of both are then those of the joined text. */
  pair(context: string, continuation: string): ScoreRequest {
    if (context === '') return this.#cut([this.#prefix()], this.#encodeBare(continuation));
    const kept = rstrip(context);
    const whole = this.#encode(context + continuation);
    const before = this.#encode(kept);
    const request = { context: whole.slice(0, before.length), continuation: whole.slice(before.length) };
    // tokens may join at the seam or a context may be white space alone
    return this.#cut(before.length === 0 ? [this.#prefix()] : request.context, request.continuation);
  }

  /** The last `max_length` + 1 tokens: the model sees all but the last of them. */
  #cut(context: readonly number[], continuation: readonly number[]): ScoreRequest {
    const { max_length } = this.#settings;
    if (continuation.length === 0)
      throw new UserError('a continuation has no tokens of its own: nothing can be scored');
    if (continuation.length > max_length) {
      throw new UserError(
        `a continuation has ${continuation.length} tokens, expected at most ${max_length} (raise 'max_length')`,
      );
    }
    const room = max_length + 1 - continuation.length;
    if (context.length > room) this.#cuts++;
    return { context: context.slice(Math.max(0, context.length - room)), continuation };
  }

  /** The windows of a text: each token is predicted once, with as much before it as its window has. */
  windows(text: string): ScoreRequest[] {
    const tokens = this.#encodeBare(text);
    const { max_length } = this.#settings;
    const windows: ScoreRequest[] = [];
    for (let start = 0; start < tokens.length; start += max_length) {
      const end = Math.min(tokens.length, start + max_length);
      const context = start === 0 ? [this.#prefix()] : tokens.slice(end - max_length - 1, start);
      windows.push({ context, continuation: tokens.slice(start, end) });
    }
    return windows;
  }

  /** A prompt, cut on the left so that what is generated has room. */
  prompt(context: string, { until, max_gen_toks }: GenerationConfig): GenerateRequest {
    const { max_length } = this.#settings;
    const room = max_length - max_gen_toks;
    if (room < 1) {
      throw new UserError(
        `a task generates up to ${max_gen_toks} tokens, but 'max_length' is ${max_length}: nothing is left for the prompt`,
      );
    }
    const ids = this.#encode(context);
    if (ids.length > room) this.#cuts++;
    const prompt = ids.length === 0 ? [this.#prefix()] : ids.slice(-room);
    return { prompt, until: [...until, ...this.#endText()], max_tokens: max_gen_toks };
  }

  #endText(): string[] {
    const { eosId } = this.#tokenizer;
    return eosId === undefined ? [] : [this.#tokenizer.decode([eosId])];
  }

  /** Without special tokens: the one that stands before is added by hand. */
  #encodeBare(text: string): number[] {
    return this.#tokenizer.encode(text, { addSpecialTokens: false });
  }

  #encode(text: string): number[] {
    const startsWithBos = this.#bosText !== undefined && this.#bosText !== '' && text.startsWith(this.#bosText);
    const addSpecialTokens = this.#settings.bos === 'tokenizer' && !startsWithBos;
    return this.#tokenizer.encode(text, { addSpecialTokens });
  }

  /** What stands before a text that has nothing before it: BOS, else the end token. */
  #prefix(): number {
    const id = this.#tokenizer.bosId ?? this.#tokenizer.eosId;
    if (id !== undefined) return id;
    throw new UserError(
      'the tokenizer has neither a begin nor an end token, expected one to stand before an empty context',
    );
  }
}

/** What is left of a generated text before each of `until`, in order. */
export function cutAt(text: string, until: readonly string[]): string {
  return until.filter((stop) => stop !== '').reduce((rest, stop) => rest.split(stop)[0] as string, text);
}
