// export with dtype: STORED on models/tiny: the arrays of bitsandbytes and AutoGPTQ say what the quantised checkpoint says.
//
// The arrays are read back here by the layouts' published descriptions (methods E.3 and E.4), by code that shares nothing with the
// writer; bitsandbytes' and AutoGPTQ's own code was run over the same files by hand (docs/export.md).
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery, writeRecoveryTensors } from '../../model/checkpoint/recovery-file.ts';
import { dynamicMap } from '../../model/codec/quantize-nf4.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { pruneLayers } from '../../stages/prune-layers/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

const facts = { layers: 12, hidden_size: 96, intermediate_size: 256 };
let model = '';
beforeAll(async () => {
  model = join(temporaryFolder(), 'model.arrow');
  await importHuggingFace(resolve(import.meta.dirname, '../../models/tiny'), model);
});

interface Made {
  model: string;
  recovery: string;
  unique_bytes: number;
}
async function quantized(params: object, recovery?: string): Promise<Made> {
  const inputs = { model: { files: { '': model }, facts }, ...(recovery !== undefined && { recovery }) };
  const { files } = await runStage(quantize, { params: { group_size: 32, ...params }, inputs });
  const made = files[''] as Record<string, string>;
  const { unique_bytes } = JSON.parse(readFileSync(made.size as string, 'utf8'));
  return { model: made.model as string, recovery: made.recovery as string, unique_bytes };
}

async function exported(inputs: Record<string, string>, params: object = {}) {
  const { files } = await runStage(exportStage, { params: { dtype: 'STORED', ...params }, inputs });
  const made = files[''] as Record<string, string>;
  const json = (output: string) => JSON.parse(readFileSync(made[output] as string, 'utf8'));
  return { made, json, reader: await openSafetensors(made.model as string) };
}

type Reader = Awaited<ReturnType<typeof openSafetensors>>;
const array = async <T>(reader: Reader, name: string, type: new (buffer: ArrayBuffer) => T): Promise<T> =>
  new type(new Uint8Array(await reader.readBytes(name)).slice().buffer);

/** NF4 as bitsandbytes describes it: flat, the even code in the high half. */
async function fromBitsandbytes(reader: Reader, name: string): Promise<number[]> {
  const state = JSON.parse(new TextDecoder().decode(await reader.readBytes(`${name}.quant_state.bitsandbytes__nf4`)));
  const map = await reader.readFloat32(`${name}.quant_map`);
  const codes = await array(reader, name, Uint8Array);
  const count = state.shape[0] * state.shape[1];
  const isNested = state.nested_offset !== undefined;
  let absmax = isNested
    ? [...(await array(reader, `${name}.absmax`, Uint8Array))]
    : [...(await reader.readFloat32(`${name}.absmax`))];
  if (isNested) {
    const nestedMap = await reader.readFloat32(`${name}.nested_quant_map`);
    const nested = await reader.readFloat32(`${name}.nested_absmax`);
    absmax = absmax.map((code, i) =>
      Math.fround(
        Math.fround((nestedMap[code] as number) * (nested[Math.floor(i / state.nested_blocksize)] as number)) +
          state.nested_offset,
      ),
    );
  }
  return Array.from({ length: count }, (_, i) => {
    const byte = codes[i >> 1] as number;
    return Math.fround(
      (map[i % 2 === 0 ? byte >> 4 : byte & 15] as number) * (absmax[Math.floor(i / state.blocksize)] as number),
    );
  });
}

/** AutoGPTQ: words along the inputs, lowest bits first; zeros less 1 along the outputs. */
async function fromAutogptq(reader: Reader, name: string, bits: number): Promise<number[]> {
  const part = (key: string) => name.replace('weight', key);
  const words = await array(reader, part('qweight'), Uint32Array);
  const zeros = await array(reader, part('qzeros'), Uint32Array);
  const scales = await reader.readFloat32(part('scales'));
  const group = await array(reader, part('g_idx'), Int32Array);
  const [columns, rows] = [group.length, (words.length * (32 / bits)) / group.length];
  const perWord = 32 / bits;
  const pick = (word: number, at: number) => (word >>> (at * bits)) & (2 ** bits - 1);
  return Array.from({ length: rows * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    const g = group[column] as number;
    const code = pick(words[Math.floor(column / perWord) * rows + row] as number, column % perWord);
    const zero = pick(zeros[g * (rows / perWord) + Math.floor(row / perWord)] as number, row % perWord) + 1;
    return Math.fround((code - zero) * (scales[g * rows + row] as number));
  });
}

async function expectValues(made: Made, read: (name: string) => Promise<number[]>, names: readonly string[]) {
  const checkpoint = await openStored(made.model);
  for (const name of names) expect(await read(name), name).toEqual([...(await checkpoint.readFloat32(name))]);
  await checkpoint.close();
}

const names = ['self_attn.k_proj', 'mlp.gate_proj', 'mlp.down_proj'].map((part) => `model.layers.7.${part}.weight`);

describe('the codes of a quantised model', () => {
  it.each([[{ block_size: 64 }], [{ block_size: 32, double_quant: false }]])(
    'NF4 %o in the layout of bitsandbytes: equal values',
    async (params) => {
      const made = await quantized({ scheme: 'nf4', ...params });
      const { reader, json } = await exported({ model: made.model });
      await expectValues(made, (name) => fromBitsandbytes(reader, name), names);
      expect(json('config').quantization_config).toMatchObject({
        quant_method: 'bitsandbytes',
        bnb_4bit_quant_type: 'nf4',
      });
      expect(json('config').torch_dtype).toBe('float32');
      await reader.close();
    },
  );

  it.each([
    [{ scheme: 'rtn' }],
    [{ scheme: 'rtn', symmetric: false, group_size: 32 }],
    [{ scheme: 'rtn', bits: 8, group_size: 0, head: true }],
  ])("%o in AutoGPTQ's layout: equal values", async (params) => {
    const made = await quantized({ scale_dtype: 'F16', ...params });
    const { reader, json } = await exported({ model: made.model });
    const {
      bits = 4,
      group_size = 32,
      head = false,
    } = params as { bits?: number; group_size?: number; head?: boolean };
    await expectValues(made, (name) => fromAutogptq(reader, name, bits), [
      ...names,
      ...(head ? ['lm_head.weight'] : []),
    ]);
    const expected = { quant_method: 'gptq', bits, group_size: group_size === 0 ? -1 : group_size, lm_head: head };
    expect(json('quantize_config')).toMatchObject(expected);
    expect(json('config').quantization_config).toEqual(json('quantize_config'));
    await reader.close();
  });

  it('shared MLPs have the codes of their reference, and their bytes are counted once', async () => {
    const shared = await runStage(share, {
      params: { type: 'T_next', rank: 0 },
      inputs: { model: { files: { '': model }, facts } },
    });
    const made = await quantized({ scheme: 'nf4', block_size: 32 }, shared.files['']?.recovery as string);
    const { reader, json } = await exported({ model: made.model, recovery: made.recovery });
    const targets = [...Array(11).keys()].map((i) => `model.layers.${i}.mlp.up_proj.weight`);
    const equal = [];
    for (const [i, name] of targets.entries()) {
      const [a, b] = [await reader.readBytes(name), await reader.readBytes(name.replace(`.${i}.`, `.${i + 1}.`))];
      equal.push(Buffer.compare(a, b) === 0);
    }
    expect(equal.filter(Boolean)).toHaveLength(5);
    // beside the codes there are two codebooks and a text with each matrix
    const matrices = 12 * 7 - 5 * 3;
    expect(json('metrics').unique_bytes).toBe(
      made.unique_bytes + matrices * (4 * 16 + 4 * dynamicMap.length + 256 - 4),
    );
    expect(json('metrics').expanded_bytes).toBeGreaterThan(json('metrics').unique_bytes);
    await reader.close();
  });

  it('pruned MLPs read as zeros', async () => {
    const pruned = await runStage(pruneLayers, {
      params: { layers: '8' },
      inputs: { model: { files: { '': model }, facts } },
    });
    const holes = await quantized({ scale_dtype: 'F16', scheme: 'rtn' }, pruned.files['']?.recovery as string);
    const int4 = await exported({ model: holes.model, recovery: holes.recovery });
    expect(new Set(await fromAutogptq(int4.reader, 'model.layers.7.mlp.up_proj.weight', 4))).toEqual(new Set([0]));
    await int4.reader.close();
  });

  it('float formats say that they are not what was measured', async () => {
    const made = await quantized({ scheme: 'nf4' });
    const { made: files, reader } = await exported({ model: made.model }, { dtype: 'BF16' });
    await reader.close();
    expect(readFileSync(files.card as string, 'utf8')).toContain('The model was quantised (nf4)');
    expect(existsSync(files.quantize_config as string)).toBe(false);
  });
});

describe('an adapter on the codes of an NF4 model', () => {
  const adapted = async () => {
    const params = { type: 'T_next', rank: 3, init: 'random' };
    const shared = await runStage(share, { params, inputs: { model: { files: { '': model }, facts } } });
    return shared.files['']?.recovery as string;
  };
  const peft = { format: 'peft', dtype: 'STORED' };

  it.each([[{ block_size: 32 }], [{ block_size: 32, double_quant: false }]])(
    '%o: a base of bitsandbytes with the values of its references, the adapter as on a float base',
    async (params) => {
      const made = await quantized({ scheme: 'nf4', ...params }, await adapted());
      const { reader, json, made: files } = await exported({ model: made.model, recovery: made.recovery }, peft);
      await expectValues(made, (name) => fromBitsandbytes(reader, name), names);
      expect(await reader.readBytes('model.layers.2.mlp.up_proj.weight')).toEqual(
        await reader.readBytes('model.layers.1.mlp.up_proj.weight'),
      );
      expect(json('config').quantization_config.quant_method).toBe('bitsandbytes');
      const float = await exported({ model: made.model, recovery: made.recovery }, { ...peft, dtype: 'F32' });
      expect(readFileSync(files.adapter_model as string)).toEqual(readFileSync(float.made.adapter_model as string));
      expect(readFileSync(files.card as string, 'utf8')).toContain('# needs the package that config.json names');
      await reader.close();
      await float.reader.close();
    },
  );

  it.each([[{ block_size: 32 }], [{ block_size: 32, double_quant: false }]])(
    '%o: magnitudes times alpha, the codes as they are',
    async (params) => {
      const made = await quantized({ scheme: 'nf4', ...params }, await adapted());
      const recovery = await withAlpha(made.recovery, 0.9);
      const { reader, json } = await exported({ model: made.model, recovery }, peft);
      const [target, reference] = ['model.layers.2.mlp.up_proj.weight', 'model.layers.1.mlp.up_proj.weight'];
      expect(await reader.readBytes(target)).toEqual(await reader.readBytes(reference));
      const [found, from] = [await fromBitsandbytes(reader, target), await fromBitsandbytes(reader, reference)];
      const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - 0.9 * (from[i] as number))), 0);
      expect(worst).toBeLessThan(1e-6 * Math.max(...from.map(Math.abs))); // a rounding or two of float32
      expect(json('metrics').expanded_bytes).toBeGreaterThan(0);
      await reader.close();
    },
  );

  it('refuses what is not NF4', async () => {
    const made = await quantized({ scheme: 'rtn', scale_dtype: 'F16' }, await adapted());
    await expect(exported({ model: made.model, recovery: made.recovery }, peft)).rejects.toThrow(
      'format: peft with dtype: STORED puts an adapter on NF4, and this model is rtn: quantise with scheme: nf4',
    );
  });
});

/** A recovery whose every alpha is `alpha`. */
async function withAlpha(path: string, alpha: number): Promise<string> {
  const checkpoint = await openStored(model);
  const recovery = await readRecovery([path], checkpoint.config);
  const tensors = [...recovery.parameters].map(([name, variable]) => {
    const read = async () =>
      name.endsWith('alpha') ? Float32Array.of(alpha) : ((await variable.data()) as Float32Array);
    return { name, shape: variable.shape, read };
  });
  const changed = join(temporaryFolder(), 'alpha.arrow');
  await writeRecoveryTensors(changed, recovery.replacements, tensors);
  disposeRecovery(recovery);
  await checkpoint.close();
  return changed;
}

describe('the codes of a quantised model in ONNX', () => {
  const onnx = { format: 'onnx', dtype: 'STORED' };
  const written = async (made: Made, params = {}) => {
    const { files } = await runStage(exportStage, {
      params: { ...onnx, ...params },
      inputs: { model: made.model, recovery: made.recovery },
    });
    return files[''] as Record<string, string>;
  };

  it.each([
    [
      { scheme: 'rtn', symmetric: false, scale_dtype: 'F16', dtype: 'BF16' },
      'MatMulNBits of com.microsoft, accuracy_level 1',
    ],
    [{ scheme: 'nf4' }, 'MatMulBnb4 of com.microsoft'],
    [{ scheme: '8da4w', embedding_bits: 8 }, "add_session_config_entry('session.qdq_matmulnbits_accuracy_level', '1')"],
  ])('%o takes the bytes that quantize counted, and its card says what reads it', async (params, operator) => {
    const shared = await runStage(share, {
      params: { type: 'T_next', rank: 0 },
      inputs: { model: { files: { '': model }, facts } },
    });
    const made = await quantized(params, shared.files['']?.recovery as string);
    const files = await written(made, { accuracy_level: 1 });
    expect(JSON.parse(readFileSync(files.metrics as string, 'utf8')).unique_bytes).toBe(made.unique_bytes);
    const card = readFileSync(files.card as string, 'utf8');
    expect(card).toContain(`the codes of the quantised model (${params.scheme}) that was measured`);
    expect(card).toContain(operator);
    expect(card).toContain('| weights (STORED) | | bytes |');
    expect(existsSync(files.quantize_config as string)).toBe(false);
  });
});

describe('what no format can hold is refused when it is planned', () => {
  const planned = async (params: object, quantizeParams: object) => {
    const defaults = {
      bits: 4,
      symmetric: true,
      group_size: 128,
      scale_dtype: 'F32',
      block_size: 64,
      double_quant: true,
    };
    const asked = { ...defaults, embedding_bits: 32, embedding_group_size: 0, ...quantizeParams };
    const quantized = await untyped(quantize).expect?.(asked, { model: facts });
    const given = { format: 'huggingface', layout: 'expanded', dtype: 'STORED', ...params };
    return untyped(exportStage).expect?.(given, { model: quantized });
  };
  const onnx = { format: 'onnx' };

  it.each([
    [{}, { scheme: '8da4w' }, /8da4w has no safetensors layout here/],
    [{}, { scheme: 'gptq' }, /the scales are float32, and float16 in AutoGPTQ's layout/],
    [{}, { scheme: 'nf4', embedding_bits: 8 }, /the embedding is quantised/],
    [{}, { scheme: 'float' }, /this one is not: put stage 'quantize' before it/],
    [{ format: 'peft' }, { scheme: 'gptq' }, /puts an adapter on NF4, and this model is gptq/],
    [onnx, { scheme: 'gptq', group_size: 24 }, /fill no group of 24: quantise with 'group_size' 0 or a multiple of 16/],
    [
      onnx,
      { scheme: 'rtn', embedding_bits: 8, embedding_group_size: 8 },
      /no group of 8: quantise with 'embedding_group_size'/,
    ],
    [onnx, { scheme: 'nf4', block_size: 512 }, /NF4 in blocks of up to 256 values, got 512/],
    [onnx, { scheme: 'float' }, /this one is not: put stage 'quantize' before it/],
  ])('%o of %o', async (params, quantizeParams, message) => {
    await expect(planned(params, quantizeParams)).rejects.toThrow(message);
  });

  it.each([
    [{}, { scheme: 'nf4', block_size: 512 }],
    [onnx, { scheme: 'gptq' }],
    [onnx, { scheme: '8da4w', group_size: 24 }],
    [onnx, { scheme: 'float', embedding_bits: 8 }],
    [{ dtype: 'F32' }, { scheme: '8da4w', group_size: 24 }],
  ])('not %o of %o', async (params, quantizeParams) => {
    await expect(planned(params, quantizeParams)).resolves.toEqual({});
  });
});

describe('what has no layout is refused', () => {
  const refusals: [string, object, RegExp][] = [
    ['8da4w', { scheme: '8da4w' }, /8da4w has no safetensors layout here.*: take format: onnx/],
    [
      'float32 scales',
      { scheme: 'rtn' },
      /the scales are float32, and float16 in AutoGPTQ's layout: quantise with scale_dtype: F16, or take format: onnx/,
    ],
    ['a quantised embedding', { scheme: 'nf4', embedding_bits: 8 }, /the embedding is quantised.*embedding_bits: 32/],
    [
      'groups that do not divide',
      { scheme: 'rtn', scale_dtype: 'F16', group_size: 64 },
      /groups of 64 do not divide its 96 columns/,
    ],
    [
      'a zero of code 0',
      { scheme: 'rtn', scale_dtype: 'F16', symmetric: false, group_size: 16 },
      /has a group whose zero is code 0.*symmetric: true/,
    ],
    ['a float model', { scheme: 'float' }, /this one is not: put stage 'quantize' before it/],
  ];
  it.each(refusals)('%s', async (_, params, message) => {
    const made = await quantized(params);
    await expect(exported({ model: made.model })).rejects.toThrow(message);
  });

  it('recovery parameters', async () => {
    const shared = await runStage(share, { params: { rank: 4 }, inputs: { model: { files: { '': model }, facts } } });
    const made = await quantized({ scheme: 'nf4' }, shared.files['']?.recovery as string);
    await expect(exported({ model: made.model, recovery: made.recovery })).rejects.toThrow(
      /layer \d+ has recovery parameters, which cannot be folded into codes of nf4/,
    );
  });
});
