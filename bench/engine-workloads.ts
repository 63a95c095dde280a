// lamina's side of each task: the functions that the stages call, fed in rounds.
import { openSafetensors } from '../formats/tensors/safetensors.ts';
import type { Weights } from '../model/architecture/weights.ts';
import { loadModel } from '../model/checkpoint/checkpoint.ts';
import { makeBatch, scaleWeights } from '../model/forward/batches.ts';
import { forward } from '../model/forward/forward.ts';
import { languageModelLoss } from '../model/forward/loss.ts';
import { originalMlp } from '../model/forward/mlp.ts';
import { createModel } from '../model/forward/model.ts';
import { createRecovery, type Recovery } from '../model/sharing/recovery.ts';
import { type RunReplacement, replacementsOf } from '../model/sharing/replacement.ts';
import { replacementMap } from '../model/sharing/sharing.ts';
import { adamDefaults } from '../model/train/optimizer.ts';
import { mlpLoss } from '../model/train/slw.ts';
import { type RowBatch, rowBatches } from '../model/train/slw-batches.ts';
import { train } from '../model/train/train.ts';
import { tf } from '../tensor/tf.ts';
import type { EngineInputs } from './engine-inputs.ts';
import {
  batchCount,
  copyBytes,
  forwardBatch,
  gemmSize,
  learningRate,
  rank,
  sftBatch,
  sharingType,
  slwOrder,
  type Task,
} from './engine-shape.ts';
import type { Workload } from './serve.ts';
import { StepGate } from './step-gate.ts';

type Inputs = Pick<EngineInputs, 'checkpoint' | 'arrays'>;

/** Makes the workload of a task on the current backend. */
export function workloadOf(task: Task, inputs: Inputs): Promise<Workload> {
  return { forward: forwardWorkload, slw: slwWorkload, sft: sftWorkload, gemm, copy }[task](inputs);
}

async function forwardWorkload({ checkpoint, arrays }: Inputs): Promise<Workload> {
  const { weights, config } = await loadModel(checkpoint);
  const model = createModel(weights);
  const { batch, tokens } = forwardBatch;
  const ids = splitBatches(await readIntegers(arrays, 'forward_ids'));
  let step = 0;
  return repeat(async () => {
    const input = tf.tensor2d(ids[step++ % batchCount] as Int32Array, [batch, tokens], 'int32');
    const logits = forward(model, input);
    const values = (await logits.data()) as Float32Array;
    tf.dispose([input, logits]);
    return meanMagnitude(values.subarray(values.length - config.vocab_size));
  });
}

async function slwWorkload({ checkpoint, arrays }: Inputs): Promise<Workload> {
  const { weights, config } = await loadModel(checkpoint);
  const first = replacements(config.num_hidden_layers)[0] as RunReplacement;
  const recovery = await recoveryOf(weights, [first], arrays);
  const values = await readFloats(arrays, 'rows');
  const width = config.hidden_size;
  const rows = {
    rows: values.length / width,
    read: async (start: number, count: number) => values.subarray(start * width, (start + count) * width),
  };
  const source = rowBatches(rows, width, slwOrder, (x) => originalMlp(weights, first.target, x));
  return training<RowBatch>(recovery, source.batch, (batch) => mlpLoss(weights, first, recovery, batch));
}

async function sftWorkload({ checkpoint, arrays }: Inputs): Promise<Workload> {
  const { weights, config } = await loadModel(checkpoint);
  const recovery = await recoveryOf(weights, replacements(config.num_hidden_layers), arrays);
  const model = createModel(weights, recovery);
  const { batch, tokens } = sftBatch;
  const batches = splitBatches(await readIntegers(arrays, 'sft_ids')).map((all) =>
    Array.from({ length: batch }, (_, b) => all.slice(b * tokens, (b + 1) * tokens)),
  );
  return training(
    recovery,
    (step) => {
      const examples = (batches[step % batchCount] as Int32Array[]).map((ids) => ({ ids, labels: ids }));
      const made = makeBatch(examples, batch, tokens);
      return scaleWeights(made, 1 / made.count);
    },
    (made) => languageModelLoss(model, made),
  );
}

async function gemm(): Promise<Workload> {
  const [a, b] = [tf.fill([gemmSize, gemmSize], 0.5), tf.fill([gemmSize, gemmSize], 0.25)];
  await Promise.all([a.data(), b.data()]);
  return repeat(async () => {
    const product = tf.matMul(a, b);
    const value = (await product.data())[0] as number;
    product.dispose();
    return value;
  });
}

async function copy(): Promise<Workload> {
  const [from, to] = [new Float32Array(copyBytes / 4).fill(1), new Float32Array(copyBytes / 4)];
  return repeat(async () => {
    to.set(from);
    return to[0] as number;
  });
}

function repeat(once: () => Promise<number>): Workload {
  return {
    async round(steps) {
      let value = 0;
      for (let i = 0; i < steps; i++) value = await once();
      return value;
    },
  };
}

/** The training loop of slw and sft, let through in rounds; the value is the last step's loss. */
function training<B>(
  recovery: Recovery,
  batch: (step: number) => B | Promise<B>,
  loss: (batch: B) => tf.Scalar,
): Workload {
  const gate = new StepGate();
  let last = 0;
  const running = train<B>({
    variables: recovery.parameters,
    steps: Number.MAX_SAFE_INTEGER,
    adam: adamDefaults,
    learningRate: () => learningRate,
    async batches(step) {
      await gate.pass();
      return [await batch(step)];
    },
    loss,
    onProgress: (_step, _total, value) => {
      last = value;
    },
  });
  return {
    async round(steps) {
      await Promise.race([gate.round(steps), running]);
      return last;
    },
  };
}

function replacements(layers: number): RunReplacement[] {
  return replacementsOf(replacementMap(sharingType, layers), 'g0', rank);
}

/** Recovery parameters of `chosen`, at the values that both sides start from. */
async function recoveryOf(weights: Weights, chosen: RunReplacement[], arrays: string): Promise<Recovery> {
  const recovery = createRecovery(weights.config, chosen, { init: 'default', seed: 1 });
  for (const [name, variable] of recovery.parameters) {
    const values = await readFloats(arrays, name);
    tf.tidy(() => variable.assign(tf.tensor(values, variable.shape, 'float32')));
  }
  return recovery;
}

function splitBatches(values: Int32Array): Int32Array[] {
  const size = values.length / batchCount;
  return Array.from({ length: batchCount }, (_, i) => values.slice(i * size, (i + 1) * size));
}

function meanMagnitude(values: Float32Array): number {
  return values.reduce((sum, value) => sum + Math.abs(value), 0) / values.length;
}

async function readFloats(path: string, name: string): Promise<Float32Array> {
  const reader = await openSafetensors(path);
  try {
    return await reader.readFloat32(name);
  } finally {
    await reader.close();
  }
}

async function readIntegers(path: string, name: string): Promise<Int32Array> {
  const reader = await openSafetensors(path);
  try {
    return new Int32Array((await reader.readBytes(name)).slice().buffer);
  } finally {
    await reader.close();
  }
}
