// Generation against transformers' generate, and what lm-evaluation-harness means by stops and limits.
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { loadTokenizer } from '../../formats/tokenizer/tokenizer.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { type GenerationRequest, generate, generateAll } from '../../model/generate/generate.ts';
import { candidates, chooseToken } from '../../model/generate/sampling.ts';
import { createStopper, createTextStream } from '../../model/generate/text-stream.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { createRandom } from '../../util/random.ts';
import { fixture, loadFixture, type Packed, unpack } from './fixtures.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

interface Fixture {
  greedy: { model: string; rows: { prompt: number[]; tokens: number[]; gap: number }[] }[];
  sampling: { temperature: number; top_k: number; top_p: number; logits: Packed; probabilities: Packed }[];
}

const { greedy, sampling } = fixture<Fixture>('generation.json');

/** A tokenizer whose token 65 is 'A', 66 'B', ...: a text's characters are its tokens. */
const letters = {
  encode: (text: string) => [...text].map((letter) => letter.charCodeAt(0)),
  decode: (ids: readonly number[]) => String.fromCharCode(...ids),
};

/** The tokens as text, so that the tests of stops can name them. */
const numbers = {
  encode: (text: string) => text.split(' ').filter(Boolean).map(Number),
  decode: (ids: readonly number[]) => ids.map((id) => `${id} `).join(''),
};

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('greedy', () => {
  it.each(greedy)('$model gives the tokens of transformers, 8 prompts side by side', async ({ model: name, rows }) => {
    const { weights } = await loadFixture(name);
    const model = createModel(weights);
    const requests = rows.map(({ prompt }) => ({ ids: prompt, stop: [], max_tokens: 64 - prompt.length }));
    const ends = new Set([model.config.eos_token_id].flat());
    const done = await generate(model, letters, requests, { batch_size: 8 });
    for (const [i, { tokens }] of rows.entries()) {
      const ended = ends.has(tokens.at(-1) as number);
      expect(done[i]?.ids).toEqual(ended ? tokens.slice(0, -1) : tokens);
      expect(done[i]?.finish).toBe(ended ? 'end' : 'length');
    }
    model.disposeFrames();
  });

  it('a text does not depend on what else is in the batch', async () => {
    const model = await smallModel();
    const requests = randomRequests(11, model);
    const alone: string[] = [];
    for (const request of requests) alone.push(...(await generateAll(model, numbers, [request])));
    expect(new Set(alone.map((text) => text.length)).size).toBeGreaterThan(3); // they end at different times
    for (const batch_size of [1, 2, 3, 8]) {
      expect(await generateAll(model, numbers, requests, { batch_size })).toEqual(alone);
    }
    expect(await generateAll(model, numbers, requests.toReversed(), { batch_size: 4 })).toEqual(alone.toReversed());
    expect(await generateAll(model, numbers, requests, { batch_size: 4, order: 'length' })).toEqual(alone);
  });

  it('nor on prompts that begin alike', async () => {
    const model = await smallModel();
    const examples = Array.from({ length: 30 }, (_, i) => (7 * i) % 20);
    const requests = randomRequests(20, model).map((request, i) =>
      i % 3 === 0 ? request : { ...request, ids: [...examples, ...request.ids.slice(0, 8)] },
    );
    const alone: string[] = [];
    for (const request of requests) alone.push(...(await generateAll(model, numbers, [request])));
    for (const order of ['given', 'length'] as const) {
      expect(await generateAll(model, numbers, requests, { batch_size: 4, order })).toEqual(alone);
    }
  });
});

describe('drawing', () => {
  it.each(sampling)('t $temperature k $top_k p $top_p leaves what transformers leaves', (each) => {
    const expected = unpack(each.probabilities);
    const found = new Float32Array(expected.length);
    for (const { token, probability } of candidates(unpack(each.logits), each)) found[token] = probability;
    found.forEach((probability, token) => {
      expect(Math.abs(probability - (expected[token] as number)), `token ${token}`).toBeLessThan(1e-6);
    });
  });

  it('draws each token as often as its probability says', () => {
    const logits = Float32Array.of(0, Math.log(2), Math.log(5));
    const random = createRandom('often');
    const settings = { temperature: 1, top_k: 0, top_p: 1 };
    const drawn = Array.from({ length: 8000 }, () => chooseToken(logits, settings, random));
    // the probabilities are 1/8, 2/8 and 5/8; a count's standard deviation is below the root of what is expected
    [1000, 2000, 5000].forEach((expected, token) => {
      const count = drawn.filter((each) => each === token).length;
      expect(Math.abs(count - expected)).toBeLessThan(3 * Math.sqrt(expected));
    });
  });

  it('the same seed gives the same text in any batch, another seed another', async () => {
    const model = await smallModel();
    const requests = randomRequests(6, model);
    const draw = (seed: number, batch_size: number) =>
      generateAll(model, numbers, requests, { temperature: 1, top_p: 0.95, seed, batch_size });
    const first = await draw(1, 6);
    expect(await draw(1, 6)).toEqual(first);
    expect(await draw(1, 2)).toEqual(first);
    expect(await draw(2, 6)).not.toEqual(first);
  });

  it('a temperature too small to tell from 0 takes the largest', () => {
    const logits = Float32Array.of(1, 3, 2);
    const draw = (temperature: number) =>
      chooseToken(logits, { temperature, top_k: 0, top_p: 1 }, createRandom('cold'));
    expect([1e-300, 1e-17, 1e-3].map(draw)).toEqual([1, 1, 1]);
  });

  it('logits that are no numbers are named as such', () => {
    const random = createRandom('nan');
    expect(() => chooseToken(Float32Array.of(Number.NaN, 1), { temperature: 0, top_k: 0, top_p: 1 }, random)).toThrow(
      "the model's logits are not finite (NaN)",
    );
  });
});

describe('the end of a text', () => {
  it('is the first of a stop, each stop cutting what the one before left', () => {
    const stopper = createStopper(letters, ['\n\n', 'Q', '']);
    expect(stopper.cut('one\nQ: two\n\nthree')).toBe('one\n');
    expect(stopper.cut('one')).toBe('one');
    expect(stopper.reached(letters.encode('a Q'))).toBe(true);
    expect(stopper.reached(letters.encode('Q and much more'))).toBe(false); // only the tail is looked at
  });

  it('is not told before it is certain', () => {
    const stopper = createStopper(letters, ['</s>', 'stop']);
    expect(['one', 'one <', 'one </s', 'a st', 'a stop b'].map((text) => stopper.settled(text))).toEqual([
      3, 4, 4, 2, 2,
    ]);
  });

  it('comes at a stop string, at the end token, or at the limit', async () => {
    const model = await smallModel();
    const [request] = randomRequests(1, model) as [GenerationRequest];
    const endless = { end_tokens: [] };
    const [whole] = await generate(model, numbers, [{ ...request, max_tokens: 12 }], endless);
    const ids = whole?.ids as number[];
    expect([ids.length, whole?.finish]).toEqual([12, 'length']);
    const fifth = ids.indexOf(ids[4] as number); // it may have come before
    const stop = `${ids[4]} `;
    const [stopped] = await generate(model, numbers, [{ ...request, stop: [stop] }], endless);
    expect(stopped?.finish).toBe('stop');
    expect(stopped?.text).toBe(numbers.decode(ids).split(stop, 1)[0]);
    const [ended] = await generate(model, numbers, [request], { end_tokens: [ids[4] as number] });
    expect([ended?.finish, ended?.ids]).toEqual(['end', ids.slice(0, fifth)]);
    expect(await generateAll(model, numbers, [{ ...request, max_tokens: 0 }])).toEqual(['']);
    expect(await generateAll(model, numbers, [])).toEqual([]);
  });

  it('the parts that are told are the text', async () => {
    const model = await smallModel();
    const requests = randomRequests(5, model).map((request, i) => ({ ...request, stop: [`${i} 1`, '7 '] }));
    const parts = requests.map(() => [] as string[]);
    const texts = await generateAll(model, numbers, requests, { temperature: 2 }, (i, part) => parts[i]?.push(part));
    expect(parts.map((each) => each.join(''))).toEqual(texts);
  });

  it('a long prompt loses its beginning', async () => {
    const model = await smallModel();
    const ids = Array.from({ length: 100 }, (_, i) => 3 + (i % 15));
    const request = { ids, stop: [], max_tokens: 10 };
    const shorter = { ...request, ids: ids.slice(-(64 - 10)) };
    expect(await generateAll(model, numbers, [request])).toEqual(await generateAll(model, numbers, [shorter]));
  });

  it('what cannot be continued is refused', async () => {
    const model = await smallModel();
    const refused = (request: GenerationRequest) => expect(generateAll(model, numbers, [request])).rejects;
    await refused({ ids: [], stop: [], max_tokens: 1 }).toThrow('prompt 1 is empty');
    await refused({ ids: [1], stop: [], max_tokens: 64 }).toThrow('64 new tokens leave no room for a prompt');
    await refused({ ids: [20], stop: [], max_tokens: 1 }).toThrow('has token 20, but the model has 20 tokens');
  });

  it('a signal ends the work between two tokens', async () => {
    const model = await smallModel();
    const stop = new AbortController();
    const work = generateAll(model, numbers, randomRequests(2, model), {
      signal: stop.signal,
      end_tokens: [],
      observe: (phase) => phase === 'decode' && stop.abort(new Error('enough')),
    });
    await expect(work).rejects.toThrow('enough');
  });
});

describe('text as it comes', () => {
  // byte-level BPE: each of the bytes of ü and 😀 may be a token of its own
  const tokenizer = loadTokenizer(JSON.stringify(fixture('tokenizer.json')), 'tokenizer.json');

  it('never breaks a character, and joins to the text of all tokens', () => {
    for (const text of ['Zürich, naïve café', 'a 😀😀 b\n ü', '日本語 words']) {
      const ids = tokenizer.encode(text, { addSpecialTokens: false });
      const stream = createTextStream(tokenizer);
      const parts = ids.map((id) => stream.push(id));
      expect(ids.length).toBeGreaterThan(3);
      expect(parts.join('')).toBe(text);
      expect(parts.filter((part) => part.includes('\ufffd'))).toEqual([]);
    }
  });
});

async function smallModel(): Promise<Model> {
  const config = tinyConfig({ eos_token_id: 2 });
  const weights = tinyWeights(config, 3);
  const model = createModel(weights);
  onTestFinished(() => {
    model.disposeFrames();
    weights.dispose();
  });
  return model;
}

/** Prompts of 1 to 30 tokens with limits of 1 to 25. */
function randomRequests(count: number, { config }: Model): GenerationRequest[] {
  const random = createRandom('requests');
  return Array.from({ length: count }, () => ({
    ids: Array.from({ length: 1 + random.below(30) }, () => random.below(config.vocab_size)),
    stop: [],
    max_tokens: 1 + random.below(25),
  }));
}
