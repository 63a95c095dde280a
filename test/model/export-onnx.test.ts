// ONNX exports: run by ONNX Runtime and ONNX Runtime Web against lamina's own forward pass, and what is stored, once.
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { encodeOnnxModel } from '../../formats/tensors/onnx.ts';
import { createOnnxData } from '../../formats/tensors/onnx-data.ts';
import type { ModelConfig } from '../../model/architecture/model-config.ts';
import { headName, tensorShapes } from '../../model/architecture/tensors.ts';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { quantizePlain } from '../../model/codec/plain.ts';
import { decode } from '../../model/codec/quantize-codec.ts';
import { roundTokens } from '../../model/forward/int8-tokens.ts';
import { store8da4w } from '../../model/onnx/8da4w.ts';
import { quantizeBlocks } from '../../model/onnx/blocks.ts';
import { OnnxBuilder } from '../../model/onnx/graph.ts';
import type { OnnxSettings } from '../../model/onnx/precision.ts';
import { writeQuantized } from '../../model/quantize/model.ts';
import { planQuantization } from '../../model/quantize/plan.ts';
import { recoveryShapes } from '../../model/sharing/recovery-shapes.ts';
import type { Replacement } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, type Packed, scratch, unpack } from './fixtures.ts';
import {
  as,
  eight,
  expectLogits,
  exported,
  fewer,
  grouped,
  ids,
  logitsOf,
  type Made,
  made,
  noTokenizer,
  oneOfEach,
  opened,
  replacements,
  unstored,
} from './onnx-made.ts';
import { feedsOf, inNode, type Values } from './onnx-runs.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

/** Every part that a Llama may have. */
const models: Record<string, object> = {
  'equal heads': { num_key_value_heads: 2 },
  grouped,
  'grouped and tied': { ...grouped, tie_word_embeddings: true },
};

/** Row `row` of logits [B, T, V], from token `start` on. */
function rowOf({ logits }: Values, row: number, start = 0): Float32Array {
  const [, tokens = 0, vocabulary = 0] = logits?.dims ?? [];
  const data = logits?.data as Float32Array;
  return data.slice((row * tokens + start) * vocabulary, (row + 1) * tokens * vocabulary);
}

describe('an ONNX model in float32', () => {
  it.each(Object.entries(models))("'%s' has lamina's logits in ONNX Runtime and ONNX Runtime Web", async (_, over) => {
    const model = await made(over);
    const { folder } = await exported(model, as('F32'));
    await expectLogits(folder, model.config, await logitsOf(model, ids), 1e-4);
  });

  it('has the logits of every candidate, of shared, adapted and pruned layers, and of unequal widths', async () => {
    const model = await made(oneOfEach(12, 10), replacements);
    const { folder } = await exported(model, as('F32'));
    await expectLogits(folder, model.config, await logitsOf(model, ids), 1e-4);
  });

  it("has the names that Optimum's models have", async () => {
    const { folder } = await exported(await made({ num_hidden_layers: 2 }), as('F32'));
    const { inputs, outputs } = await opened(inNode(folder));
    const cache = (prefix: string) => [0, 1].flatMap((i) => [`${prefix}.${i}.key`, `${prefix}.${i}.value`]);
    expect(inputs).toEqual(['input_ids', 'attention_mask', 'position_ids', ...cache('past_key_values')]);
    expect(outputs).toEqual(['logits', ...cache('present')]);
  });
});

describe.each(['F32', 'F16', 'INT4'] as const)('the cache and the mask of an ONNX model in %s', (dtype) => {
  const tolerance = dtype === 'F16' ? 5e-3 : 1e-5; // float16 has 11 bits
  const opening = async () => {
    const model = await made(eight, fewer);
    const { folder } = await exported(model, as(dtype));
    return { config: model.config, ...(await opened(inNode(folder))) };
  };

  it('tokens after a past have the logits of one pass, one by one and several at once', async () => {
    const { config, run, float } = await opening();
    const whole = await run(feedsOf(config, { ids: [ids] }, float));
    const first = await run(feedsOf(config, { ids: [ids.slice(0, 3)] }, float));
    const second = await run(feedsOf(config, { ids: [ids.slice(3, 4)], past: first }, float));
    const third = await run(feedsOf(config, { ids: [ids.slice(4)], past: second }, float));
    expect(third['present.0.key']?.dims).toEqual([1, 2, ids.length, 6]);
    const parts = [first, second, third].flatMap((part) => [...rowOf(part, 0)]);
    expectClose(parts, rowOf(whole, 0), tolerance, 'logits');
  });

  it('a row that is padded on the left has the logits that it has alone, also after a past', async () => {
    const { config, run, float } = await opening();
    const short = ids.slice(3);
    const rows = [ids, [0, 0, 0, ...short]];
    const [mask, positions] = [
      rows.map((_, row) => ids.map((_, t) => (row === 1 && t < 3 ? 0 : 1))),
      rows.map((_, row) => ids.map((_, t) => Math.max(0, row === 1 ? t - 3 : t))),
    ];
    const batch = await run(feedsOf(config, { ids: rows, mask, positions }, float));
    const alone = [
      await run(feedsOf(config, { ids: [ids] }, float)),
      await run(feedsOf(config, { ids: [short] }, float)),
    ] as const;
    expectClose(rowOf(batch, 0), rowOf(alone[0], 0), tolerance, 'the longer row');
    expectClose(rowOf(batch, 1, 3), rowOf(alone[1], 0), tolerance, 'the shorter row');
    const next = { ids: [[7], [7]], mask: mask.map((row) => [...row, 1]), positions: [[8], [5]], past: batch };
    const after = await run(feedsOf(config, next, float));
    const [long, brief] = await Promise.all(alone.map((past) => run(feedsOf(config, { ids: [[7]], past }, float))));
    expectClose(rowOf(after, 0), rowOf(long as Values, 0), tolerance, 'after the longer row');
    expectClose(rowOf(after, 1), rowOf(brief as Values, 0), tolerance, 'after the shorter row');
  });
});

describe('what an ONNX model stores', () => {
  /** Values of the tensors whose names `pick` takes. */
  const count = (config: ModelConfig, pick: (name: string) => boolean) =>
    [...tensorShapes(config)].reduce((sum, [name, shape]) => sum + (pick(name) ? shape.reduce((a, b) => a * b) : 0), 0);

  it('is each tensor once and the factors, whatever uses them', async () => {
    const { config, ...paths } = await made(oneOfEach(12, 10), replacements);
    const { folder, unique_bytes, expanded_bytes } = await exported(paths, as('F32'));
    // the norms are all ones: one is stored
    const gone = new Set(unstored.map((layer) => `layers.${layer - 1}.mlp`));
    const isGone = (name: string) => gone.has(name.split('.').slice(1, 4).join('.'));
    const stored = count(config, (name) => !/norm/.test(name) && !isGone(name)) + config.hidden_size;
    const shapes = [...recoveryShapes(config, replacements).values()].filter((shape) => shape.length > 0);
    const factors = shapes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b), 0);
    expect(unique_bytes).toBe(4 * (stored + factors));
    expect(expanded_bytes).toBe(4 * count(config, () => true));
    const { size } = await stat(join(folder, 'model.onnx.data'));
    expect(size).toBeGreaterThanOrEqual(unique_bytes);
    expect(size).toBeLessThan(unique_bytes + 64 * (tensorShapes(config).size + shapes.length));
    const { intermediate_sizes } = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8'));
    expect(intermediate_sizes).toEqual(config.intermediate_sizes);
  });

  it('is a layer once where the checkpoint has copies of it, and a tied embedding once', async () => {
    const config = tinyConfig({ tie_word_embeddings: true });
    const weights = tinyWeights(config);
    const { model, recovery } = await made({});
    // layer 3 is layer 2
    const get = (name: string) => weights.get(name.replace('layers.2.', 'layers.1.'));
    await writeModel(model, config, { get }, noTokenizer, 'F32');
    weights.dispose();
    const { folder, unique_bytes } = await exported({ model, recovery }, as('F32'));
    expect(unique_bytes).toBe(4 * (count(config, (name) => !/norm|layers\.2/.test(name)) + config.hidden_size));
    await expectLogits(folder, config, await logitsOf({ model, recovery }, ids), 1e-4);
    // 8 columns in blocks of 16: 8 bytes of codes and 4 of a scale for each row, as for down's 12; the embedding stays
    const int4 = await exported({ model, recovery }, as('INT4'));
    const rows = [...tensorShapes(config)].filter(([name]) => /_proj/.test(name) && !/layers\.2/.test(name));
    const blocks = rows.reduce((sum, [, [out = 0]]) => sum + out, 0);
    expect(int4.unique_bytes).toBe(12 * blocks + 4 * (config.vocab_size + 1) * config.hidden_size);
  });

  it('has equal bytes for equal input', async () => {
    const model = await made(eight, fewer);
    const [first, second] = [await exported(model, as('INT4')), await exported(model, as('INT4'))];
    for (const name of ['model.onnx', 'model.onnx.data', 'config.json']) {
      expect(await readFile(join(first.folder, name)), name).toEqual(await readFile(join(second.folder, name)));
    }
  });
});

describe('an ONNX model in float16', () => {
  it("has lamina's logits to float16's precision, as float32, and a cache of float16", async () => {
    const model = await made(oneOfEach(12, 10), replacements);
    const { folder, unique_bytes } = await exported(model, as('F16'));
    await expectLogits(folder, model.config, await logitsOf(model, ids), 1e-2);
    expect(unique_bytes).toBe((await exported(model, as('F32'))).unique_bytes / 2);
    const { run, float } = await opened(inNode(folder));
    const out = await run(feedsOf(model.config, { ids: [ids] }, float));
    expect([float, out['present.0.key']?.type, out.logits?.type]).toEqual(['float16', 'float16', 'float32']);
  });
});

describe('4-bit blocks', () => {
  interface Case {
    block_size: number;
    weight: Packed;
    codes: Packed;
    scales: Packed;
  }
  const file = fileURLToPath(new URL('../fixtures/export/onnx/blocks.json', import.meta.url));
  const { cases } = JSON.parse(readFileSync(file, 'utf8')) as { cases: Case[] };

  it.each(cases)(
    "blocks of $block_size are ONNX Runtime's own, bit for bit",
    ({ block_size, weight, codes, scales }) => {
      const [rows = 0, columns = 0] = weight.shape;
      const found = quantizeBlocks(unpack(weight), rows, columns, block_size);
      expect(Buffer.from(found.codes).toString('base64')).toBe(codes.data);
      expect(Buffer.from(found.scales.buffer).toString('base64')).toBe(scales.data);
    },
  );
});

describe('an ONNX model in INT4', () => {
  /** `values` [rows, columns] as their blocks are read: (code - 8) scale. */
  function through(values: Float32Array, [rows = 0, columns = 0]: readonly number[], size: number): Float32Array {
    const { codes, scales } = quantizeBlocks(values, rows, columns, size);
    const blocks = Math.ceil(columns / size);
    return values.map((_, i) => {
      const [row, column] = [Math.floor(i / columns), i % columns];
      const at = row * blocks * size + column;
      const code = ((codes[at >> 1] as number) >> (4 * (at & 1))) & 15;
      return (code - 8) * (scales[row * blocks + Math.floor(column / size)] as number);
    });
  }

  /** The model with the matrices that `pick` takes as their blocks are read. */
  async function rounded(
    { config, model, recovery }: Made,
    pick: (name: string) => boolean,
  ): Promise<Omit<Made, 'config'>> {
    const checkpoint = await openStored(model);
    const tensors = new Map<string, tf.Tensor>();
    for (const [name, shape] of tensorShapes(config)) {
      const values = await checkpoint.readFloat32(name);
      tensors.set(name, tf.tensor(pick(name) ? through(values, shape, 16) : values, shape));
    }
    await checkpoint.close();
    const path = join(await scratch(), 'rounded.arrow');
    await writeModel(path, config, tensors, noTokenizer, 'F32');
    for (const tensor of tensors.values()) tensor.dispose();
    return { model: path, recovery };
  }

  const isLinear = (name: string) => name.includes('_proj');
  const isMatrix = (name: string) => isLinear(name) || name === headName;
  const cases: [string, object, readonly Replacement[], Partial<OnnxSettings>, (name: string) => boolean][] = [
    ['a head in float32 and every candidate', oneOfEach(20, 18), replacements, {}, isLinear],
    ['a head of blocks', { ...eight, intermediate_size: 20 }, fewer, { head: true }, isMatrix],
  ];
  it.each(cases)('has the logits of the rounded matrices, with %s', async (_, over, replacements, more, pick) => {
    // 20 and 24 columns in blocks of 16: the last block of a row is short
    const model = await made({ ...over, hidden_size: 24 }, replacements);
    const { folder } = await exported(model, as('INT4', more));
    await expectLogits(folder, model.config, await logitsOf(await rounded(model, pick), ids), 1e-4);
  });

  it.each([
    ['is not finite', Number.NaN, 'INT4', 'holds NaN'],
    ['has numbers beyond float16', 1e5, 'F16', 'holds 100000, expected at most 65504 for float16'],
  ] as const)('refuses a matrix that %s', async (_, value, dtype, message) => {
    const config = tinyConfig();
    const { model, recovery } = await made({});
    const weights = tinyWeights(config);
    const bad = tf.fill([8, 8], value);
    const name = 'model.layers.1.self_attn.q_proj.weight';
    await writeModel(model, config, { get: (each) => (each === name ? bad : weights.get(each)) }, noTokenizer, 'F32');
    weights.dispose();
    bad.dispose();
    await expect(exported({ model, recovery }, as(dtype))).rejects.toThrow(`tensor '${name}' ${message}`);
  });
});

describe('an ONNX model in 8DA4W', () => {
  /** What the quantize stage makes of the model. */
  async function quantized({ config, model, recovery }: Made): Promise<Omit<Made, 'config'>> {
    const checkpoint = await openStored(model);
    const settings = {
      scheme: '8da4w',
      bits: 4,
      symmetric: true,
      group_size: 16,
      block_size: 64,
      double_quant: false,
    } as const;
    const floats = { embedding_bits: 32, embedding_group_size: 0, dtype: 'F32' } as const;
    const plan = planQuantization(config, fewer, { ...settings, ...floats });
    const path = join(await scratch(), 'quantized.arrow');
    const said = { scheme: '8da4w', activations: 'int8' } as const;
    await writeQuantized(
      path,
      checkpoint,
      plan,
      said,
      async (name, codec, shape) => quantizePlain(name, codec, shape, await checkpoint.readFloat32(name), 'torchao'),
      () => {},
    );
    await checkpoint.close();
    return { model: path, recovery };
  }

  it('has the logits of the quantize stage with its recovery', async () => {
    const model = await made({ ...eight, hidden_size: 16, head_dim: 4, intermediate_size: 32 }, fewer);
    const { folder } = await exported(model, as('8DA4W'));
    // sums differ in their last bits: an activation half-way between two codes may take the other one, 1/255 of its token's range away
    await expectLogits(folder, model.config, await logitsOf(await quantized(model), ids), 2e-2);
  });

  it('has the weights of the quantize stage and rounds activations to the same numbers, to the bit', async () => {
    const data = await createOnnxData(join(await scratch(), 'data'), 'data');
    const graph = new OnnxBuilder('float32', {
      ...data,
      write: async (content) => ({ tensor: { ...content, data: content.bytes }, isNew: true }),
    });
    const [rows, columns] = [10, 64];
    const weight = normals(rows * columns, 'w');
    const matrix = { name: 'w', shape: [rows, columns], values: async () => weight, parts: async () => new Map() };
    const product = await store8da4w(16)(graph, matrix);
    const [y, w] = [product.input('x'), product.whole()];
    await data.close();
    const { nodes, initializers } = graph;
    const port = (name: string) => ({ name, type: 'float32' as const, dims: ['n', columns] });
    const session = await InferenceSession.create(
      encodeOnnxModel({
        irVersion: 10,
        producer: 'test',
        opsets: { '': 21 },
        graph: { name: 'g', nodes, initializers, inputs: [port('x')], outputs: [port(y), port(w)] },
      }),
    );
    // rows of both signs, of one sign, of zeros, of tiny numbers, and with one far out
    const values = normals(64 * 64, 'tokens');
    values.set(values.subarray(0, 64).map(Math.abs), 0);
    values.set(
      values.subarray(64, 128).map((value) => -Math.abs(value)),
      64,
    );
    values.fill(0, 128, 192);
    values.set(
      values.subarray(192, 256).map((value) => value * 1e-9),
      192,
    );
    values[256] = 1000;
    const out = await session.run({ x: new Tensor('float32', values, [64, 64]) });
    const expected = tf.tidy(() => roundTokens(tf.tensor2d(values, [64, 64])).dataSync());
    expect(out[y]?.data).toEqual(expected);
    const codec = { type: 'integer', bits: 4, symmetric: true, group_size: 16, order: 'even_low' } as const;
    const parts = quantizePlain('w', codec, [rows, columns], weight, 'torchao');
    expect(out[w]?.data).toEqual(decode(codec, [rows, columns], parts));
    await session.release();
  });

  it('stores the head in 4 bits, but not one that is the embedding', async () => {
    const over = { hidden_size: 32, intermediate_size: 48, vocab_size: 24 };
    const untied = await exported(await made(over), as('8DA4W'));
    const tied = await exported(await made({ ...over, tie_word_embeddings: true }), as('8DA4W'));
    expect(untied.unique_bytes - tied.unique_bytes).toBe(24 * (32 / 2 + 4 * 2)); // codes, and two scales a row
    const float = await exported(await made(over), as('8DA4W', { head: false }));
    expect(float.unique_bytes - tied.unique_bytes).toBe(24 * 32 * 4);
  });

  it('leaves nothing that ONNX Runtime dequantises in every pass, however often a matrix is used', async () => {
    const over = { hidden_size: 32, intermediate_size: 48, vocab_size: 24, num_hidden_layers: 4 };
    const shared = [2, 3].map((target) => ({ target, reference: 1, candidate: 'g0', rank: target - 1 }));
    const { config, model, recovery } = await made(over, shared);
    const weights = tinyWeights(config);
    const get = (name: string) => weights.get(name.replace('layers.3.', 'layers.2.')); // layer 4 is a copy of layer 3
    await writeModel(model, config, { get }, noTokenizer, 'F32');
    weights.dispose();
    const { folder } = await exported({ model, recovery }, as('8DA4W'));
    const optimizedModelFilePath = join(folder, 'optimized.onnx');
    const session = await InferenceSession.create(join(folder, 'model.onnx'), { optimizedModelFilePath });
    await session.release();
    const bytes = await readFile(optimizedModelFilePath, 'latin1');
    const nodesOf = (op: string) => bytes.split(`\x22${String.fromCharCode(op.length)}${op}`).length - 1; // field 4 of a NodeProto
    expect(nodesOf('DequantizeLinear')).toBe(0);
    expect(nodesOf('MatMulNBits')).toBe(4 * 7 + 1); // seven matrices a layer, and the head
  });

  it('refuses groups that do not divide the columns', async () => {
    const model = await made({ hidden_size: 24, head_dim: 4 });
    await expect(exported(model, as('8DA4W'))).rejects.toThrow(
      /^8da4w expects a 'group_size' that divides the 24 columns of 'model.layers.0.self_attn.q_proj.weight', got 16: /,
    );
  });
});
