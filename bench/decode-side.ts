// One process of the decoding benchmark: `node decode-side.js cached|whole ROWS THREADS CHECKPOINT`.
import { loadModel } from '../model/checkpoint/checkpoint.ts';
import { bucketLength } from '../model/forward/batches.ts';
import { finalNorm, head, hiddenStates } from '../model/forward/forward.ts';
import { createModel, type Model } from '../model/forward/model.ts';
import { useBackend } from '../tensor/backend/backend.ts';
import { createReplay, type Replay } from '../tensor/backend/replay.ts';
import { gatherRows } from '../tensor/ops.ts';
import type { tf } from '../tensor/tf.ts';
import { createRandom } from '../util/random.ts';
import type { DecodeMode } from './decode.ts';
import { cached, decoding, type NextLogits } from './decoding.ts';
import { serve } from './serve.ts';

/** Tokens of a text when it begins; it goes on to the end of the context. */
const promptLength = 32;

/** Texts of random tokens. */
function promptsOf({ config }: Model, rows: number): number[][] {
  const random = createRandom('bench', 'decode');
  return Array.from({ length: rows }, () =>
    Array.from({ length: promptLength }, () => random.below(config.vocab_size)),
  );
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
const context = model.config.max_position_embeddings;
const next = mode === 'cached' ? cached(model, rows) : whole(model);
await serve(decoding(model, { prompts: promptsOf(model, rows), context }, next), { node: process.versions.node });
