// Texts that are continued greedily, a token of each in a step: what the benchmarks of decoding measure.
import type { Model } from '../model/forward/model.ts';
import { createDecoder } from '../model/generate/decoder.ts';
import { chooseToken, greedy } from '../model/generate/sampling.ts';
import { createRandom } from '../util/random.ts';
import type { Workload } from './serve.ts';

/** Gives the logits [B, V] of the next token of every text; the last token of each is new. */
export type NextLogits = (texts: readonly number[][], begin: boolean) => Promise<Float32Array>;

/** Texts that begin as `prompts`, and begin again when they have `context` tokens. */
interface Continuation {
  prompts: readonly (readonly number[])[];
  context: number;
}

/** Each step adds a token to every text, the likeliest; the value is the size of the first text's last logits. */
export function decoding(model: Model, { prompts, context }: Continuation, next: NextLogits): Workload {
  const { vocab_size: vocabulary } = model.config;
  const random = createRandom('bench', 'decode');
  let texts: number[][] = [];
  const step = async () => {
    const begin = texts.length === 0;
    if (begin) texts = prompts.map((prompt) => prompt.slice());
    const logits = await next(texts, begin);
    for (const [b, text] of texts.entries()) {
      text.push(chooseToken(logits.subarray(b * vocabulary, (b + 1) * vocabulary), greedy, random));
    }
    if ((texts[0] as number[]).length >= context) texts = [];
    return meanMagnitude(logits.subarray(0, vocabulary));
  };
  return repeat(step);
}

/** Only the new tokens are computed. */
export function cached(model: Model, rows: number): NextLogits {
  const decoder = createDecoder(model);
  const all = Array.from({ length: rows }, (_, row) => row);
  decoder.resize(rows);
  return async (texts, begin) => {
    if (!begin)
      return decoder.step(
        Int32Array.from(texts, (text) => text.at(-1) as number),
        all,
      );
    const found = new Float32Array(rows * model.config.vocab_size);
    for await (const prompts of decoder.read(texts)) {
      for (const prompt of prompts) {
        decoder.fill(prompt.number, prompt);
        found.set(prompt.logits, prompt.number * model.config.vocab_size);
      }
    }
    return found;
  };
}

/** A workload whose every step is `once`. */
export function repeat(once: () => Promise<number>): Workload {
  return {
    async round(steps) {
      let value = 0;
      for (let i = 0; i < steps; i++) value = await once();
      return value;
    },
  };
}

/** The mean of the magnitudes. */
export function meanMagnitude(values: Float32Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
}
