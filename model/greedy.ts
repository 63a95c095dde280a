// Greedy texts by running the whole sequence again for every token: slow and plainly right.
import { gatherRows } from '../tensor/ops.ts';
import { tf } from '../tensor/tf.ts';
import { bucketLength } from './batches.ts';
import { finalNorm, head, hiddenStates } from './llama.ts';
import type { Model } from './model.ts';
import type { ScoreSettings } from './score.ts';

/** A prompt to continue. */
export interface GreedyRequest {
  /** The prompt's tokens. */
  readonly ids: readonly number[];
  /** A text that holds one of these is at its end. */
  readonly stop: readonly string[];
  /** Most tokens to make. */
  readonly max_tokens: number;
}

/** Turns what was made into text, and knows the end token. */
export interface GreedyTokenizer {
  decode(ids: readonly number[], options: { skipSpecialTokens: boolean }): string;
  readonly eosId: number | undefined;
}

interface Text {
  readonly request: GreedyRequest;
  readonly index: number;
  readonly made: number[];
}

/** The texts of `requests` in their order, special tokens left out, each ended by the end token, after a stop, or by length. */
export async function greedyTexts(
  model: Model,
  tokenizer: GreedyTokenizer,
  requests: readonly GreedyRequest[],
  settings: ScoreSettings,
  onEnd: (done: number, total: number) => void = () => {},
): Promise<string[]> {
  const texts = requests.map(() => '');
  const order = requests.map((request, index): Text => ({ request, index, made: [] }));
  order.sort((a, b) => b.request.ids.length - a.request.ids.length || a.index - b.index);
  let done = 0;
  for (let at = 0; at < order.length; at += settings.batch_size) {
    let active = order.slice(at, at + settings.batch_size);
    while (active.length > 0) {
      const next = await nextTokens(model, active, settings);
      active = active.filter((text, i) => {
        const isEnd = takeToken(text, next[i] as number, tokenizer);
        if (isEnd) texts[text.index] = tokenizer.decode(text.made, { skipSpecialTokens: true });
        return !isEnd;
      });
      await new Promise((resolve) => setImmediate(resolve));
    }
    done = Math.min(order.length, at + settings.batch_size);
    onEnd(done, order.length);
  }
  return texts;
}

/** Adds a token; true when the text is at its end. */
function takeToken({ request, made }: Text, token: number, tokenizer: GreedyTokenizer): boolean {
  if (token === tokenizer.eosId) return true;
  made.push(token);
  if (made.length >= request.max_tokens) return true;
  const text = tokenizer.decode(made, { skipSpecialTokens: true });
  return request.stop.some((stop) => stop !== '' && text.includes(stop));
}

/** The most likely next token of each text. */
async function nextTokens(
  model: Model,
  texts: readonly Text[],
  { batch_size, max_length }: ScoreSettings,
): Promise<Int32Array> {
  const longest = Math.max(...texts.map(({ request, made }) => request.ids.length + made.length));
  const length = bucketLength(longest, Math.max(longest, max_length));
  const ids = new Int32Array(batch_size * length);
  const rows = new Int32Array(batch_size);
  texts.forEach(({ request, made }, b) => {
    ids.set([...request.ids, ...made], b * length);
    rows[b] = b * length + request.ids.length + made.length - 1;
  });
  const best = tf.tidy(() => {
    const all = hiddenStates(model, tf.tensor2d(ids, [batch_size, length], 'int32'));
    const last = gatherRows(all, tf.tensor1d(rows, 'int32')) as tf.Tensor2D;
    return tf.argMax(head(model, finalNorm(model, last)), 1);
  });
  const tokens = (await best.data()) as Int32Array;
  best.dispose();
  return tokens;
}
