// ONNX exports: run by ONNX Runtime and ONNX Runtime Web against lamina's own forward pass, and what is stored, once.
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { candidateNames } from '../../model/candidate-forms.ts';
import { loadModel, writeModel } from '../../model/checkpoint.ts';
import type { LlamaConfig } from '../../model/config.ts';
import { writeOnnx } from '../../model/export-onnx.ts';
import { openExportSource } from '../../model/export-source.ts';
import { forward } from '../../model/llama.ts';
import { createModel } from '../../model/model.ts';
import type { OnnxSettings } from '../../model/onnx-precision.ts';
import { disposeRecovery, recoveryShapes } from '../../model/recovery.ts';
import { readRecovery, writeRecoveryTensors } from '../../model/recovery-file.ts';
import type { Replacement } from '../../model/replacement.ts';
import { useBackend } from '../../tensor/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, scratch } from './fixtures.ts';
import { feedsOf, inNode, inWeb, type Runtime } from './onnx-runs.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

const ids = [3, 1, 4, 1, 5, 9, 2, 6];
const llama3 = {
  rope_type: 'llama3',
  factor: 8,
  low_freq_factor: 1,
  high_freq_factor: 4,
  original_max_position_embeddings: 8,
};

/** Every part that a Llama may have: grouped queries, Llama 3's RoPE, a head size of its own, tied embeddings, unequal MLPs. */
const models: Record<string, object> = {
  plain: {},
  grouped: { num_attention_heads: 4, num_key_value_heads: 2, head_dim: 6, rope_scaling: llama3 },
  tied: { tie_word_embeddings: true, num_key_value_heads: 2 },
};

/** One replacement of every kind: each candidate, Direct Sharing, a layer's own with LoRA, a pruned one. */
const replaced: Replacement[] = [
  ...candidateNames.map((candidate, i) => ({ target: 3 + i, reference: 2, candidate, rank: 2 })),
  { target: 9, reference: 2, candidate: 'g0', rank: 0 },
  { target: 10, reference: 10, candidate: 'g0', rank: 1 },
  { target: 11, reference: null, candidate: 'g0', rank: 0 },
];
const withReplacements = {
  num_hidden_layers: 12,
  intermediate_sizes: Array.from({ length: 12 }, (_, i) => (i < 9 ? 12 : 10)),
};

interface Exported {
  readonly config: LlamaConfig;
  readonly folder: string;
  readonly sizes: { readonly unique_bytes: number; readonly expanded_bytes: number };
  /** lamina's own logits of a row of tokens. */
  readonly logits: (ids: readonly number[]) => Promise<Float32Array>;
}

async function exported(over: object, replacements: readonly Replacement[], settings: OnnxSettings): Promise<Exported> {
  const config = tinyConfig(over);
  const folder = await scratch();
  const paths = { model: join(folder, 'model.arrow'), recovery: join(folder, 'recovery.arrow') };
  const weights = tinyWeights(config);
  await writeModel(paths.model, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
  weights.dispose();
  await writeRecoveryTensors(paths.recovery, replacements, someTensors(config, replacements));
  const source = await openExportSource(paths.model, [paths.recovery]);
  const files = {
    config: join(folder, 'config.json'),
    tokenizer: join(folder, 'tokenizer.json'),
    tokenizer_config: join(folder, 'tokenizer_config.json'),
    onnx: join(folder, 'model.onnx'),
    onnx_data: join(folder, 'model.onnx.data'),
  };
  const sizes = await writeOnnx(source, files, settings);
  await source.close();
  return { config, folder, sizes, logits: (ids) => logitsOf(paths, ids) };
}

/** Random recovery parameters, alphas other than 1. */
function someTensors(config: LlamaConfig, replacements: readonly Replacement[]) {
  return [...recoveryShapes(config, replacements)].map(([name, shape]) => {
    const values = normals(
      shape.reduce((a, b) => a * b, 1),
      name,
    ).map((value) => 0.3 * value);
    return { name, shape, read: async () => values };
  });
}

async function logitsOf(paths: { model: string; recovery: string }, ids: readonly number[]): Promise<Float32Array> {
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

async function opened(runtime: Promise<Runtime>): Promise<Runtime> {
  const open = await runtime;
  onTestFinished(() => open.close());
  return open;
}

const runtimes = { node: inNode, web: inWeb };

describe('an ONNX export in float32', () => {
  it.each(Object.keys(models))("'%s' has lamina's logits in ONNX Runtime and ONNX Runtime Web", async (name) => {
    const { config, folder, logits } = await exported(models[name] as object, [], { dtype: 'F32' });
    const expected = await logits(ids);
    for (const [where, open] of Object.entries(runtimes)) {
      const { run } = await opened(open(folder));
      const out = await run(feedsOf(config, { ids: [ids] }));
      expect(out.logits?.dims).toEqual([1, ids.length, config.vocab_size]);
      expectClose(out.logits?.data as Float32Array, expected, 1e-4, `${where}: logits`);
    }
  });

  it('has the logits of every candidate, of shared, adapted and pruned layers, and of unequal widths', async () => {
    const { config, folder, logits } = await exported(withReplacements, replaced, { dtype: 'F32' });
    const expected = await logits(ids);
    for (const [where, open] of Object.entries(runtimes)) {
      const { run } = await opened(open(folder));
      const out = await run(feedsOf(config, { ids: [ids] }));
      expectClose(out.logits?.data as Float32Array, expected, 1e-4, `${where}: logits`);
    }
  });
});
