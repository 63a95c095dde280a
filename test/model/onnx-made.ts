// Small Llamas with every kind of replacement, exported as ONNX, and lamina's own logits of them.
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { matrixRoles } from '../../model/architecture/roles.ts';
import { loadModel, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { type RecoveryBits, readRecovery, writeRecoveryTensors } from '../../model/checkpoint/recovery-file.ts';
import { openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { methodNames } from '../../model/methods/registry.ts';
import { writeOnnx } from '../../model/onnx/export.ts';
import type { OnnxSettings } from '../../model/onnx/precision.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { recoveryShapes } from '../../model/sharing/recovery-shapes.ts';
import type { Replacement } from '../../model/sharing/replacement.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, scratch } from './fixtures.ts';
import { feedsOf, inNode, inWeb, type Runtime } from './onnx-runs.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const candidates = methodNames.filter((name) => name !== 'lora');
/** The first layer behind those with a candidate each. */
const own = 3 + candidates.length;

export const ids = [3, 1, 4, 1, 5, 9, 2, 6];
const llama3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8,
};

/** Every part that a Llama may have: grouped queries, Llama 3's RoPE, a head size of its own, tied embeddings. */
export const grouped = { num_attention_heads: 4, num_key_value_heads: 2, head_dim: 6, rope_scaling: llama3 };
/**
 * One replacement of every kind: each candidate, Direct Sharing, a layer's own with LoRA, a pruned one, low-rank terms at attention alone, beside
 * a shared MLP, and at all seven matrices.
 */
export const replacements: Replacement[] = [
  { target: 1, reference: 1, candidate: 'lora', rank: 2, roles: ['q', 'k', 'v', 'o'] },
  { target: 1, reference: 2, candidate: 'g0', rank: 0 },
  ...candidates.map((candidate, i) => ({ target: 3 + i, reference: 2, candidate, rank: 2 })),
  { target: 4, reference: 4, candidate: 'lora', rank: 3, roles: ['q', 'v'] },
  { target: own, reference: own, candidate: 'g0', rank: 1 },
  { target: own + 1, reference: null, candidate: 'g0', rank: 0 },
  { target: own + 2, reference: own + 2, candidate: 'lora', rank: 2, roles: matrixRoles },
];
/** The layers whose MLP is not stored: layer 2's stands in for it, or none. */
export const unstored = [1, ...candidates.map((_, i) => 3 + i), own + 1];
/** A layer for each of them; the last three have narrower MLPs. */
export const oneOfEach = (wide: number, narrow: number) => ({
  ...grouped,
  num_hidden_layers: own + 2,
  intermediate_sizes: Array.from({ length: own + 2 }, (_, i) => (i < own - 1 ? wide : narrow)),
});

/** The same for models that are slower to run: three candidates, Direct Sharing, a pruned layer. */
export const fewer: Replacement[] = [
  ...['g0', 'g1', 'g3'].map((candidate, i) => ({ target: 3 + i, reference: 2, candidate, rank: 2 })),
  { target: 6, reference: 2, candidate: 'g0', rank: 0 },
  { target: 7, reference: null, candidate: 'g0', rank: 0 },
];
export const eight = { ...grouped, num_hidden_layers: 8 };

export const noTokenizer = { tokenizer_json: null, tokenizer_config_json: null };

/** A model on disk, with its recovery. */
export interface Made {
  readonly config: ModelConfig;
  readonly model: string;
  readonly recovery: string;
}

export async function made(
  over: object,
  replacements: readonly Replacement[] = [],
  recovery_bits: RecoveryBits = 32,
): Promise<Made> {
  const config = tinyConfig(over);
  const folder = await scratch();
  const [model, recovery] = [join(folder, 'model.arrow'), join(folder, 'recovery.arrow')];
  const weights = tinyWeights(config);
  await writeModel(model, config, weights, noTokenizer, 'F32');
  weights.dispose();
  const tensors = [...recoveryShapes(config, replacements)].map(([name, shape]) => {
    const count = shape.reduce((a, b) => a * b, 1);
    return { name, shape, read: async () => normals(count, name).map((value) => 0.3 * value) };
  });
  await writeRecoveryTensors(recovery, replacements, tensors, recovery_bits);
  return { config, model, recovery };
}

export const as = (dtype: OnnxSettings['dtype'], more: Partial<OnnxSettings> = {}): OnnxSettings => {
  return { dtype, group_size: 16, accuracy_level: 1, ...more };
};

export async function exported({ model, recovery }: Omit<Made, 'config'>, settings: OnnxSettings) {
  const folder = await scratch();
  const source = await openExportSource(model, [recovery]);
  const files = {
    config: join(folder, 'config.json'),
    ...textFilesIn(folder),
    onnx: join(folder, 'model.onnx'),
    onnx_data: join(folder, 'model.onnx.data'),
  };
  try {
    return { folder, ...(await writeOnnx(source, files, settings)) };
  } finally {
    await source.close();
  }
}

/** lamina's own logits of one row of tokens. */
export async function logitsOf(paths: Omit<Made, 'config'>, ids: readonly number[]): Promise<Float32Array> {
  const { config, weights } = await loadModel(paths.model);
  const recovery = await readRecovery([paths.recovery], config);
  const model = createModel(weights, recovery);
  const logits = forward(model, tf.tensor2d([[...ids]], undefined, 'int32'));
  const values = (await logits.data()).slice() as Float32Array;
  logits.dispose();
  model.disposeFrames();
  weights.dispose();
  disposeRecovery(recovery);
  return values;
}

export async function opened(runtime: Promise<Runtime>): Promise<Runtime> {
  const open = await runtime;
  onTestFinished(() => open.close());
  return open;
}

/** Fails unless both runtimes have `expected` logits for `ids`, within `tolerance` of the largest. */
export async function expectLogits(folder: string, config: ModelConfig, expected: Float32Array, tolerance: number) {
  for (const [where, open] of Object.entries({ node: inNode, web: inWeb })) {
    const { run, float } = await opened(open(folder));
    const { logits } = await run(feedsOf(config, { ids: [ids] }, float));
    expect(logits?.dims).toEqual([1, ids.length, config.vocab_size]);
    expectClose(logits?.data as Float32Array, expected, tolerance, `${where}: logits`);
  }
}
