// Every architecture against transformers: logits, loss, gradients and greedy texts, on the reference backend and on ours.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWeights } from '../../model/architecture/weights.ts';
import { makeBatch, scaleWeights } from '../../model/forward/batches.ts';
import { forward } from '../../model/forward/forward.ts';
import { languageModelLoss } from '../../model/forward/loss.ts';
import { createModel, type Model } from '../../model/forward/model.ts';
import { continueAll } from '../../model/generate/continuous-batch.ts';
import { createDecoder } from '../../model/generate/decoder.ts';
import { scorePairs, type TokenPair } from '../../model/generate/score.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import {
  architectureCase,
  caseNames,
  counted,
  loadArchitecture,
  relativeError,
  storedArchitecture,
} from './architectures.ts';
import { unpack } from './fixtures.ts';

const tolerance = 1e-4;
/** The gradient of a key's bias is 0 without RoPE, since it moves all scores of a query alike: what is left of it is rounding. */
const leastGradient = 1e-3;

const promptLength = 7;

/** Each of `prompts` with the likeliest tokens behind it, `length` in all. */
async function continued(model: Model, prompts: readonly number[][], length: number): Promise<number[][]> {
  const texts = prompts.map((prompt) => [...prompt]);
  const sequences = texts.map((ids) => ({
    ids: [...ids],
    next(logits: Float32Array) {
      const token = logits.indexOf(Math.max(...logits));
      ids.push(token);
      return ids.length < length ? token : null;
    },
  }));
  const decoder = createDecoder(model);
  await continueAll(decoder, sequences, { batch_size: prompts.length, order: 'given' });
  return texts;
}

/** The log-likelihood of a continuation, from the logits of the whole text. */
async function logprobOf(model: Model, { context, continuation }: TokenPair): Promise<number> {
  const text = [...context, ...continuation];
  const logs = tf.tidy(() => tf.logSoftmax(forward(model, tf.tensor2d([text.slice(0, -1)], undefined, 'int32'))));
  const values = await logs.data();
  logs.dispose();
  const size = model.config.vocab_size;
  const at = (i: number) => (context.length + i - 1) * size + (continuation[i] as number);
  return continuation.reduce((sum, _, i) => sum + (values[at(i)] as number), 0);
}

describe.each(['cpu', 'onnx'] as const)('architectures on backend %s', (backend) => {
  const counts = {
    logits: counted('logits'),
    loss: counted('loss'),
    gradients: counted('gradients'),
    scores: counted('scores'),
  };
  beforeAll(() => useBackend({ backend }));
  afterAll(() => Object.values(counts).forEach(({ print }) => void print()));

  it.each(caseNames)('%s has the logits of transformers', async (name) => {
    const expected = architectureCase(name);
    const { weights } = await loadArchitecture(name);
    const model = createModel(weights);
    const logits = forward(model, tf.tensor2d(expected.ids, undefined, 'int32'));
    const difference = relativeError(await logits.data(), unpack(expected.logits));
    expect(counts.logits.add(difference)).toBeLessThan(tolerance);
    logits.dispose();
    model.disposeFrames();
  });

  it.each(caseNames)('%s has the loss and the gradients of transformers', async (name) => {
    const expected = architectureCase(name);
    const loaded = await loadArchitecture(name);
    const variables = new Map(loaded.weights.names.map((n) => [n, tf.variable(loaded.weights.get(n))]));
    const model = createModel(createWeights(loaded.config, variables));
    const examples = expected.ids.map((ids, i) => {
      return { ids: Int32Array.from(ids), labels: Int32Array.from(expected.labels[i] as number[]) };
    });
    const plain = makeBatch(examples, 2, 64);
    const batch = scaleWeights(plain, 1 / plain.count);
    const { value, grads } = tf.variableGrads(() => languageModelLoss(model, batch), [...variables.values()]);
    const [loss = Number.NaN] = await value.data();
    expect(counts.loss.add(Math.abs(loss - expected.loss))).toBeLessThan(tolerance);
    expect(Object.keys(expected.gradients).sort()).toEqual([...variables.keys()].sort());
    for (const [parameter, gradient] of Object.entries(expected.gradients)) {
      const found = grads[(variables.get(parameter) as tf.Variable).name] as tf.Tensor;
      const difference = relativeError(await found.data(), unpack(gradient), leastGradient);
      expect(counts.gradients.add(difference), parameter).toBeLessThan(tolerance);
    }
    model.disposeFrames();
    tf.dispose([value, grads, ...variables.values()]);
  });

  it.each(caseNames)('%s scores continuations of one context together as it would one by one', async (name) => {
    const { ids } = architectureCase(name);
    const { weights } = await loadArchitecture(name);
    const model = createModel(weights);
    const pairs = ids.flatMap((text) =>
      [12, 14, 16].map((from) => {
        const context = text.slice(0, 10);
        return { context, continuation: [...text.slice(from, from + 4), ...text.slice(0, 3)] };
      }),
    );
    const scores = await scorePairs(await storedArchitecture(name), pairs, { batch_size: 4 });
    for (const [i, pair] of pairs.entries()) {
      const difference = Math.abs((scores[i]?.logprob ?? Number.NaN) - (await logprobOf(model, pair)));
      expect(counts.scores.add(difference)).toBeLessThan(tolerance);
    }
    model.disposeFrames();
  });

  it.each(caseNames)('%s goes on with a cache as transformers does', async (name) => {
    const { greedy } = architectureCase(name);
    const { weights } = await loadArchitecture(name);
    const model = createModel(weights);
    const made = await continued(
      model,
      greedy.map((ids) => ids.slice(0, promptLength)),
      greedy[0]?.length ?? 0,
    );
    expect(made).toEqual(greedy);
    model.disposeFrames();
  });
});
