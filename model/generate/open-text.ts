// One text on its way: tokens are chosen, told as text as soon as they are certain, and looked through for an end.
import type { Sequence } from './continuous-batch.ts';
import { createStopper, createTextStream, type TextTokenizer } from './text-stream.ts';

/** A finished text. */
export interface Generation {
  readonly text: string;
  /** The tokens made, those of a stop included, the end token not. */
  readonly ids: readonly number[];
  /** Why it ended: the end token, a stop string, or `max_tokens`. */
  readonly finish: 'end' | 'stop' | 'length';
}

/** The tokenizer of the model; `eosId` is an end token where there is one. */
export type GenerationTokenizer = TextTokenizer & { readonly eosId?: number | undefined };

/** How a text is made, and who is told. */
interface TextSettings {
  /** The tokens to go on from. */
  readonly prompt: readonly number[];
  /** The text ends before the first of any of these. */
  readonly stop: readonly string[];
  /** Tokens to make at most. */
  readonly max_tokens: number;
  readonly tokenizer: GenerationTokenizer;
  /** Tokens that end it. */
  readonly ends: ReadonlySet<number>;
  /** The next token. */
  choose(logits: Float32Array): number;
  /** Told each part that is certain, in order. */
  onText(part: string): void;
  onEnd(): void;
}

/** A text on its way; its result is there when it is whole. */
interface OpenText extends Sequence {
  result(): Generation;
}

/** Begins a text that grows by a token for each call of `next`. */
export function openText(settings: TextSettings): OpenText {
  const { prompt, stop, max_tokens, tokenizer, ends, choose, onText, onEnd } = settings;
  const stopper = createStopper(tokenizer, stop);
  const stream = createTextStream(tokenizer);
  const ids: number[] = [];
  let [text, told] = ['', 0];
  let finish: Generation['finish'] = 'length';
  const tell = (until: number) => {
    if (until > told) onText(text.slice(told, until));
    told = Math.max(told, until);
  };
  const close = (reason: Generation['finish']) => {
    finish = reason;
    text = stopper.cut(tokenizer.decode(ids, { skipSpecialTokens: true }));
    tell(text.length);
    onEnd();
    return null;
  };
  return {
    ids: prompt,
    next(logits) {
      const token = choose(logits);
      if (ends.has(token)) return close('end');
      ids.push(token);
      text += stream.push(token);
      if (stopper.reached(ids)) return close('stop');
      if (ids.length >= max_tokens) return close('length');
      tell(stopper.settled(text));
      return token;
    },
    result: () => ({ text, ids, finish }),
  };
}
