// What a model says next by its cache, token by token, as fixtures of PyTorch have it.
import type { Model } from '../../model/forward/model.ts';
import { createDecoder } from '../../model/generate/decoder.ts';
import type { Prompt } from '../../model/generate/read-prompts.ts';

/** Tokens that are read together before the first step. */
const begin = 7;

/** The first tokens of each text of `ids`, continued to the length of the `decoded` ones; `seen` is told of each prompt. */
export async function greedyTexts(
  model: Model,
  { ids, decoded }: { readonly ids: readonly number[][]; readonly decoded: readonly number[][] },
  seen: (prompt: Prompt) => void = () => {},
): Promise<number[][]> {
  const { vocab_size } = model.config;
  const decoder = createDecoder(model);
  decoder.resize(ids.length);
  const texts = ids.map((each) => each.slice(0, begin));
  for await (const prompts of decoder.read(texts)) {
    for (const prompt of prompts) {
      seen(prompt);
      decoder.fill(prompt.number, prompt);
      texts[prompt.number]?.push(likeliest(prompt.logits));
    }
  }
  while ((texts[0] as number[]).length < (decoded[0] as number[]).length) {
    const tokens = Int32Array.from(texts, (text) => text.at(-1) as number);
    const logits = await decoder.step(tokens, [...texts.keys()]);
    for (const [b, text] of texts.entries())
      text.push(likeliest(logits.subarray(b * vocab_size, (b + 1) * vocab_size)));
  }
  return texts;
}

/** The token with the largest logit. */
export function likeliest(logits: Float32Array): number {
  return logits.indexOf(logits.reduce((a, b) => Math.max(a, b)));
}
