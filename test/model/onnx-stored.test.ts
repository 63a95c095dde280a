// ONNX exports of quantised checkpoints: the very codes in the file, and the logits that lamina measures.
//
// What is expected comes from the checkpoint: its codes, unpacked here from the file by MatMulNBits' and MatMulBnb4's descriptions, and
// the forward pass of the dequantised model.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { checkOnnxCodes } from '../../model/codec/codes-fit.ts';
import { quantizePlain } from '../../model/codec/plain.ts';
import {
  type Codec,
  type IntegerCodec,
  matrixShape,
  packInteger,
  storedBytes,
  unpackInteger,
} from '../../model/codec/quantize-codec.ts';
import { quantizeGptq } from '../../model/quantize/gptq.ts';
import { type Quantizer, writeQuantized } from '../../model/quantize/model.ts';
import {
  arithmeticOf,
  needsData,
  type PlanSettings,
  planQuantization,
  roundsActivations,
} from '../../model/quantize/plan.ts';
import type { Replacement } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { scratch } from './fixtures.ts';
import { as, expectLogits, exported, grouped, ids, logitsOf, type Made, made, noTokenizer } from './onnx-made.ts';
import { type Initializer, readOnnx } from './onnx-reader.ts';
import { normals, tinyWeights } from './tiny.ts';

beforeAll(() => useBackend({ backend: 'cpu' }));

const settings = (over: Partial<PlanSettings>): PlanSettings => ({
  scheme: 'rtn',
  bits: 4,
  symmetric: true,
  group_size: 16,
  block_size: 64,
  double_quant: true,
  embedding_bits: 32,
  embedding_group_size: 0,
  dtype: 'F32',
  ...over,
});

/** What the quantize stage makes of the model; GPTQ with random inputs, the columns with the largest first. */
async function quantized(
  { config, model, recovery }: Made,
  replacements: readonly Replacement[],
  over: Partial<PlanSettings>,
): Promise<Made> {
  const { scheme } = settings(over);
  const checkpoint = await openStored(model);
  const plan = planQuantization(config, replacements, settings(over), checkpoint.storedAs);
  const quantize: Quantizer = async (name, codec, shape) => {
    const values = await checkpoint.readFloat32(name);
    if (needsData(scheme) && codec.type === 'integer') return gptq(name, codec, shape, values);
    return quantizePlain(name, codec, shape, values, arithmeticOf(scheme));
  };
  const path = join(await scratch(), 'quantized.arrow');
  const activations = roundsActivations(scheme) ? ('int8' as const) : null;
  await writeQuantized(path, checkpoint, plan, { scheme, activations }, quantize, () => {});
  await checkpoint.close();
  return { config, model: path, recovery };
}

function gptq(name: string, codec: IntegerCodec, shape: readonly number[], values: Float32Array) {
  const [rows, columns] = matrixShape(shape);
  const samples = 2 * columns;
  const x = normals(samples * columns, name).map((value, i) => value * (1 + (i % columns)));
  const hessian = new Float64Array(columns * columns);
  for (let s = 0; s < samples; s++) {
    for (let i = 0; i < columns; i++) {
      for (let j = 0; j < columns; j++) {
        const at = i * columns + j;
        hessian[at] = (hessian[at] as number) + (x[s * columns + i] as number) * (x[s * columns + j] as number);
      }
    }
  }
  const gptqSettings = { ...codec, damping: 0.01, block_columns: 128, act_order: true };
  return packInteger(codec, shape, quantizeGptq(values, rows, columns, hessian, gptqSettings, name));
}

const stored = as('STORED');
/** Layers 2 and 3 use the first one's MLP with factors, 4 has none. */
const three: Replacement[] = [
  { target: 2, reference: 1, candidate: 'g0', rank: 2 },
  { target: 3, reference: 1, candidate: 'g3', rank: 2 },
  { target: 4, reference: null, candidate: 'g0', rank: 0 },
];
const wide = { ...grouped, num_hidden_layers: 5, hidden_size: 32, head_dim: 8, intermediate_size: 64 };
const narrow = { intermediate_sizes: [20, 20, 20, 20, 18] };

/** Name, the `quantize` parameters, the model's config, and how far logits may be off for their largest. */
type Form = [string, Partial<PlanSettings>, object, number];
const forms: Form[] = [
  ['int4', {}, { ...wide }, 1e-5],
  [
    'int4 with zeros, scales in float16, blocks that fill no row',
    { symmetric: false, scale_dtype: 'F16' },
    { ...wide, ...narrow, hidden_size: 24 },
    1e-5,
  ],
  [
    'int4 in groups of three blocks, with zeros',
    { symmetric: false, group_size: 48 },
    { ...wide, hidden_size: 96, intermediate_size: 60 },
    1e-5,
  ],
  ['int8 in whole rows, and the head', { bits: 8, group_size: 0, head: true }, { ...wide }, 1e-5],
  ['int8 with zeros', { bits: 8, symmetric: false, group_size: 32 }, { ...wide }, 1e-5],
  ['GPTQ in int4, with zeros and act-order', { scheme: 'gptq', symmetric: false }, { ...wide }, 1e-5],
  ['NF4', { scheme: 'nf4' }, { ...wide, hidden_size: 24, intermediate_size: 20 }, 1e-5],
  ['NF4 with float32 magnitudes', { scheme: 'nf4', double_quant: false, block_size: 32 }, { ...wide }, 1e-5],
  ['8da4w', { scheme: '8da4w' }, { ...wide }, 2e-2],
  ['8da4w with GPTQ, in whole rows', { scheme: '8da4w-gptq', group_size: 0 }, { ...wide }, 2e-2],
];

describe('an ONNX model of stored codes', () => {
  it.each(forms)('%s: its codes, and the logits of the dequantised model', async (_, over, config, tolerance) => {
    const model = await quantized(await made(config, three), three, over);
    const { folder } = await exported(model, stored);
    await expectLogits(folder, model.config, await logitsOf(model, ids), tolerance);
    await expectCodes(folder, model);
  });
});

/** Fails unless the file's integers are those of the checkpoint, matrix by matrix. */
async function expectCodes(folder: string, { model }: Made) {
  const { initializers } = await readOnnx(folder);
  const checkpoint = await openStored(model);
  for (const [name, codec] of checkpoint.quantization?.codecs ?? []) {
    const shape = checkpoint.tensors.get(name)?.shape as number[];
    const parts = await checkpoint.readParts(name);
    const found = (part: string) => initializers.get(`${name}.${part}`);
    if (codec.type === 'nf4') {
      for (const [part, bytes] of parts) expect(Buffer.compare(found(part)?.bytes as Uint8Array, bytes), name).toBe(0);
      continue;
    }
    const expected = unpackInteger(codec, shape, parts);
    const isTurned = checkpoint.quantization?.activations === 'int8';
    const codes = isTurned ? turnedBack(found('codes')) : blocksOf(found('codes'), shape, codec.bits);
    expect(codes, name).toEqual(expected.codes);
    if (codec.symmetric) continue;
    expect(zerosOf(found('zeros'), found('codes'), codec), name).toEqual([...expected.zeros]);
    expect(new Set(expected.zeros).size).toBeGreaterThan(1);
  }
  await checkpoint.close();
}

/** The codes of MatMulNBits' input B [rows, blocks, bytes], without what a short last block has beyond the columns. */
function blocksOf(stored: Initializer | undefined, shape: readonly number[], bits: number): Uint8Array {
  const [rows, columns] = matrixShape(shape);
  const perRow = (stored?.bytes.length ?? 0) / rows;
  return Uint8Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const byte = stored?.bytes[row * perRow + Math.floor((column * bits) / 8)] as number;
    return bits === 8 ? byte : (byte >> (4 * (column % 2))) & 15;
  });
}

/** The zeros [rows, groups] of MatMulNBits' input zero_points, which has one for each block. */
function zerosOf(stored: Initializer | undefined, codes: Initializer | undefined, codec: IntegerCodec): number[] {
  const { bits, group_size } = codec;
  const [rows = 0, blocks = 0, bytes = 0] = codes?.dims ?? [];
  const each = group_size / ((bytes * 8) / bits); // blocks of a group
  const [groups, perRow] = [Math.ceil(blocks / each), (stored?.bytes.length ?? 0) / rows];
  return Array.from({ length: rows * groups }, (_, i) => {
    const block = (i % groups) * each;
    const byte = stored?.bytes[Math.floor(i / groups) * perRow + Math.floor((block * bits) / 8)] as number;
    return bits === 8 ? byte : (byte >> (4 * (block % 2))) & 15;
  });
}

/** Codes [rows, columns] of int4 [columns, rows], with 8 for 0. */
function turnedBack(stored: Initializer | undefined): Uint8Array {
  const [columns = 0, rows = 0] = stored?.dims ?? [];
  return Uint8Array.from({ length: rows * columns }, (_, i) => {
    const at = (i % columns) * rows + Math.floor(i / columns);
    return (((stored?.bytes[at >> 1] as number) >> (4 * (at & 1))) & 15) ^ 8;
  });
}

describe('what an ONNX model of stored codes keeps', () => {
  const embedding = { embedding_bits: 4, embedding_group_size: 16 } as const;
  it.each([
    ['int8 for a head of its own', { embedding_bits: 8 }, grouped],
    ['int8 alone, in groups of 48', { scheme: 'float', embedding_bits: 8, embedding_group_size: 48 }, grouped],
    ['int4 for a tied head', embedding, { ...grouped, tie_word_embeddings: true }],
    [
      'int4 for a tied head whose input is rounded',
      { ...embedding, scheme: '8da4w' },
      { ...grouped, tie_word_embeddings: true },
    ],
  ] as [string, Partial<PlanSettings>, object][])('the codes of the embedding: %s', async (_, over, config) => {
    const model = await quantized(
      await made({ ...config, hidden_size: 48, head_dim: 8, intermediate_size: 32 }),
      [],
      over,
    );
    const { folder } = await exported(model, stored);
    const tolerance = over.scheme === '8da4w' ? 2e-2 : 1e-5;
    await expectLogits(folder, model.config, await logitsOf(model, ids), tolerance);
    const { initializers } = await readOnnx(folder);
    expect(initializers.get('model.embed_tokens.weight.codes')?.dims[0]).toBe(20);
    expect(initializers.has('model.embed_tokens.weight')).toBe(false);
  });

  it.each(['F16', 'BF16'] as const)('floats in %s, with a tied head, and the bytes that they take', async (dtype) => {
    const config = { ...wide, tie_word_embeddings: true };
    const half = await quantized(await made(config), [], { dtype });
    const { folder, unique_bytes } = await exported(half, stored);
    await expectLogits(folder, half.config, await logitsOf(half, ids), 1e-5);
    const { initializers } = await readOnnx(folder);
    expect(initializers.get('model.embed_tokens.weight')?.type).toBe(dtype === 'F16' ? 10 : 16); // TensorProto.DataType
    const full = await exported(await quantized(await made(config), [], {}), stored);
    // the embedding and one norm of ones
    expect(full.unique_bytes - unique_bytes).toBe(2 * (20 * 32 + 32));
  });

  it.each([16, 8, 4] as const)('recovery parameters of %s bits', async (bits) => {
    const config = { ...wide };
    const [full, few] = [await made(config, three), await made(config, three, bits)];
    const model = await quantized(few, three, {});
    const { folder, unique_bytes } = await exported(model, stored);
    await expectLogits(folder, model.config, await logitsOf(model, ids), 1e-5);
    const most = await exported({ ...model, recovery: full.recovery }, stored);
    expect(most.unique_bytes).toBeGreaterThan(unique_bytes);
  });

  it('the codes of shared layers once, and nothing of pruned ones', async () => {
    const config = { ...wide };
    const whole = await made(config, three);
    const model = await quantized(whole, three, { symmetric: false });
    const { folder, unique_bytes, expanded_bytes } = await exported(model, stored);
    const { initializers } = await readOnnx(folder);
    const gates = [...initializers.keys()].filter((name) => name.endsWith('gate_proj.weight.codes'));
    expect(gates.map((name) => name.split('.')[2])).toEqual(['0', '4']); // layers 2 and 3 use layer 1's, 4 has none
    const codec = { type: 'integer', bits: 4, symmetric: false, group_size: 16, order: 'even_low' } as const;
    const mlp = 2 * storedBytes(codec, [64, 32]) + storedBytes(codec, [32, 64]);
    const factors = (await exported({ ...model, recovery: (await made(config)).recovery }, stored)).unique_bytes;
    expect(unique_bytes).toBeGreaterThan(factors); // without its recovery the codes are the same, and the factors are not there
    const everyLayer = await exported(await quantized(await made(config), [], { symmetric: false }), stored);
    expect(everyLayer.unique_bytes - factors).toBe(3 * mlp);
    expect(everyLayer.expanded_bytes).toBe(expanded_bytes);
  });

  it('pruned layers where the recovery that says so is not given', async () => {
    const pruned: Replacement[] = [{ target: 3, reference: null, candidate: 'g0', rank: 0 }];
    const model = await quantized(await made({ ...wide }), pruned, {});
    const { folder } = await exported(model, stored);
    await expectLogits(folder, model.config, await logitsOf(model, ids), 1e-5);
  });

  it('copies of a layer once', async () => {
    const whole = await made({ ...wide, num_hidden_layers: 3 });
    const weights = tinyWeights(whole.config);
    const get = (name: string) => weights.get(name.replace('layers.2.', 'layers.1.')); // layer 3 is layer 2
    await writeModel(whole.model, whole.config, { get }, noTokenizer, 'F32');
    weights.dispose();
    const model = await quantized(whole, [], {});
    const { folder } = await exported(model, stored);
    await expectLogits(folder, model.config, await logitsOf(model, ids), 1e-5);
    const { initializers } = await readOnnx(folder);
    expect([...initializers.keys()].filter((name) => name.includes('layers.2.'))).toEqual([]);
  });
});

describe('codes that no operator reads are refused', () => {
  const integers = { type: 'integer', bits: 4, symmetric: true, group_size: 16, order: 'even_low' } as const;
  const nf4 = { type: 'nf4', block_size: 64, nested: true } as const;
  const said = (name: string, codec: Codec, activations: 'int8' | null) => {
    return { scheme: 'made', activations, codecs: new Map([[name, codec]]), absent: new Set<string>() };
  };
  it.each([
    [
      'lm_head.weight',
      { ...integers, bits: 8 },
      'int8',
      "the inputs of 'lm_head.weight' are rounded to int8, expected",
    ],
    ['lm_head.weight', nf4, 'int8', 'expected symmetric integers of 4 bits for it: export with dtype: F32'],
    ['model.embed_tokens.weight', nf4, null, "'model.embed_tokens.weight' is in nf4, expected integers"],
  ] as [string, Codec, 'int8' | null, string][])(
    "that no 'quantize' writes: %s, %o, %s",
    (name, codec, rounded, message) => {
      expect(() => checkOnnxCodes(said(name, codec, rounded))).toThrow(message);
    },
  );

  it.each([
    [{ group_size: 24 }, "which fill no group of 24: quantise with 'group_size' 0 or a multiple of 16"],
    [{ embedding_bits: 8, embedding_group_size: 8 }, "which fill no group of 8: quantise with 'embedding_group_size'"],
    [{ scheme: 'nf4', block_size: 512 }, 'NF4 in blocks of up to 256 values, got 512: quantise with block_size: 64'],
    [{ scheme: 'float' }, "this one is not: put stage 'quantize' before it"],
  ] as [Partial<PlanSettings>, string][])('%o', async (over, message) => {
    const model = await quantized(await made({ hidden_size: 48 }), [], over);
    await expect(exported(model, stored)).rejects.toThrow(message);
  });
});
