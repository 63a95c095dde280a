// One process of the decoding benchmark: `node decode-side.js cached|whole ROWS THREADS CHECKPOINT`.

import { loadModel } from '../model/checkpoint/checkpoint.ts';
import { bucketLength } from '../model/forward/batches.ts';
import { finalNorm, head, hiddenStates } from '../model/forward/forward.ts';
import { createModel, type Model } from '../model/forward/model.ts';
import { createDecoder } from '../model/generate/decoder.ts';
import { chooseToken, greedy } from '../model/generate/sampling.ts';
import { useBackend } from '../tensor/backend/backend.ts';
import { createReplay, type Replay } from '../tensor/backend/replay.ts';
import { gatherRows } from '../tensor/ops.ts';
import type { tf } from '../tensor/tf.ts';
import { createRandom } from '../util/random.ts';
import type { DecodeMode } from './decode.ts';
import { serve, type Workload } from './serve.ts';

/** Tokens of a text when it begins; it goes on to the end of the context. */
const promptLength = 32;

/** Gives the logits [B, V] of the next token of every text; the last token of each is new. */
type NextLogits = (texts: readonly number[][], begin: boolean) => Promise<Float32Array>;

/** Each step adds a token to every text, the likeliest; the value is the size of the first text's last logits. */
function decoding(model: Model, rows: number, next: NextLogits): Workload {
  const { vocab_size: vocabulary, max_position_embeddings: context } = model.config;
  const random = createRandom('bench', 'decode');
  const prompts = Array.from({ length: rows }, () =>
    Array.from({ length: promptLength }, () => random.below(vocabulary)),
  );
  let texts: number[][] = [];
  const step = async () => {
    const begin = texts.length === 0;
    if (begin) texts = prompts.map((prompt) => prompt.slice());
    const logits = await next(texts, begin);
    for (const [b, text] of texts.entries()) {
      text.push(chooseToken(logits.subarray(b * vocabulary, (b + 1) * vocabulary), greedy, random));
    }
    if ((texts[0] as number[]).length >= context) texts = [];
    return logits.subarray(0, vocabulary).reduce((sum, value) => sum + Math.abs(value), 0) / vocabulary;
  };
  return {
    async round(steps) {
      let value = 0;
      for (let i = 0; i < steps; i++) value = await step();
      return value;
    },
  };
}

/** Only the new tokens are computed. */
function cached(model: Model, rows: number): NextLogits {
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

/** All texts are read again from their beginning, padded to few lengths; logits are made for their last tokens alone. */
function whole(model: Model): NextLogits {
  const replays = new Map<number, Replay>();
  return async (texts) => {
    const length = (texts[0] as number[]).length;
    const tokens = bucketLength(length, model.config.max_position_embeddings);
    const ids = new Int32Array(texts.length * tokens);
    for (const [b, text] of texts.entries()) ids.set(text, b * tokens);
    const last = Int32Array.from(texts, (_, b) => b * tokens + length - 1);
    const replay = replays.get(tokens) ?? createReplay(([all, at]) => [lastLogits(model, all, at)]);
    replays.set(tokens, replay);
    const [logits] = await replay([
      { data: ids, shape: [texts.length, tokens] },
      { data: last, shape: [texts.length] },
    ]);
    return logits as Float32Array;
  };
}

function lastLogits(model: Model, ids: tf.Tensor | undefined, at: tf.Tensor | undefined): tf.Tensor {
  const h = hiddenStates(model, ids as tf.Tensor2D);
  return head(model, finalNorm(model, gatherRows(h, at as tf.Tensor) as tf.Tensor2D));
}

const [mode, rowsText, threads, checkpoint] = process.argv.slice(2) as [DecodeMode, string, string, string];
await useBackend({ backend: 'onnx', threads: Number(threads) });
const { weights } = await loadModel(checkpoint);
const model = createModel(weights);
const rows = Number(rowsText);
const next = mode === 'cached' ? cached(model, rows) : whole(model);
await serve(decoding(model, rows, next), { node: process.versions.node });
