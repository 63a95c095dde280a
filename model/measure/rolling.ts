// The perplexity of running text: windows that move over it, each token scored once, after as many tokens as its window has before it.
import { type Example, ignored } from '../forward/batches.ts';
import type { PackSettings } from '../walk/packs.ts';
import type { StoredModel } from '../walk/stored-model.ts';
import { evaluatePerplexity, type Perplexity } from './evaluate.ts';

/** Where windows are, in tokens. */
export interface RollingSettings {
  /** Tokens of a window. */
  readonly context: number;
  /** Tokens from the beginning of a window to that of the next; at most `context`. */
  readonly stride: number;
  /** The last window of a text: `short` holds what is left, `full` begins earlier instead, `dropped` is left out unless it is full. */
  readonly last_window: 'short' | 'full' | 'dropped';
}

/** What a text is counted in. */
export interface TextSize {
  /** Tokens, without those that a tokenizer adds. */
  readonly tokens: number;
  readonly words: number;
  /** In UTF-8. */
  readonly bytes: number;
}

/** Perplexities of one text or several, by what the loss is spread over. */
export interface RollingPerplexity extends Omit<Perplexity, 'examples'> {
  readonly word_perplexity: number;
  readonly byte_perplexity: number;
  readonly bits_per_byte: number;
  readonly windows: number;
}

/**
 * The windows of a text of `ids`, as Hugging Face's guide has them (transformers, "Perplexity of fixed-length models"): a token is scored in the
 * first window that holds it, unless it is the first of that window, which nothing predicts.
 */
export function rollingWindows(ids: Int32Array, { context, stride, last_window }: RollingSettings): Example[] {
  const windows: Example[] = [];
  for (let begin = 0, seen = 0; seen < ids.length; begin += stride) {
    const end = Math.min(begin + context, ids.length);
    if (end < begin + context && last_window === 'dropped') break;
    const first = last_window === 'full' ? Math.max(0, end - context) : begin;
    const labels = ids.slice(first, end).fill(ignored, 0, seen - first);
    windows.push({ ids: ids.subarray(first, end), labels });
    seen = end;
  }
  return windows.filter(({ labels }) => labels.some((label, t) => t > 0 && label !== ignored));
}

/** The windows' mean loss, its standard error over windows, and what it makes of a word and a byte of a text of `size`. */
export async function rollingPerplexity(
  model: StoredModel,
  windows: readonly Example[],
  size: TextSize,
  packing: PackSettings,
  onProgress?: (share: number) => void,
): Promise<RollingPerplexity> {
  const settings = { ...packing, reduction: 'token_mean', scope: 'response' } as const;
  const { examples, ...scored } = await evaluatePerplexity(model, windows, settings, { onProgress });
  return { ...scored, ...spread(scored.mean_nll, size), windows: examples };
}

/** A token that is not scored (the first, those of a window that is dropped) counts as the mean of the others. */
function spread(mean_nll: number, { tokens, words, bytes }: TextSize) {
  const nll = mean_nll * tokens;
  return {
    word_perplexity: Math.exp(nll / words),
    byte_perplexity: Math.exp(nll / bytes),
    bits_per_byte: nll / bytes / Math.LN2,
  };
}
