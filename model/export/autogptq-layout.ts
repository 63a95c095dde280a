// AutoGPTQ's layout of an integer matrix in safetensors (methods E.4; its qlinear, checkpoint format `gptq`): codes along the inputs
// in 32-bit words, lowest bits first, zeros less 1, scales in float16, and the group of each input.
import { fromFloat32 } from '../../formats/tensors/dtype.ts';
import { UserError } from '../../util/errors.ts';
import { type IntegerCodec, matrixShape, type Parts, unpackInteger } from '../codec/quantize-codec.ts';
import { groupCount, groupWidth } from '../codec/quantize-integer.ts';
import type { CodeLayout, LayoutPart } from './layout.ts';

/** Integers of AutoGPTQ. */
export const autogptq: CodeLayout<IntegerCodec> = { arrays, config, has_own_config: true };

/** The arrays of the matrix `name` [out, in]; a UserError where it does not fit the layout. */
function arrays(name: string, codec: IntegerCodec, shape: readonly number[]): LayoutPart[] {
  const [rows, columns] = matrixShape(shape);
  checkFit(name, codec, rows, columns);
  const { bits, group_size } = codec;
  const groups = groupCount(group_size, columns);
  const width = groupWidth(group_size, columns);
  const part = (key: string) => name.replace(/weight$/, key);
  const matrix = (parts: Parts) => unpackInteger(codec, shape, parts);
  return [
    {
      name: part('qweight'),
      dtype: 'I32',
      shape: [(columns * bits) / 32, rows],
      bytes(parts) {
        const { codes } = matrix(parts);
        return packWords(bits, columns, rows, (c, r) => codes[r * columns + c] as number);
      },
    },
    {
      name: part('qzeros'),
      dtype: 'I32',
      shape: [groups, (rows * bits) / 32],
      bytes: (parts) => packZeros(name, codec, transposed(matrix(parts).zeros, rows, groups), groups, rows),
    },
    {
      name: part('scales'),
      dtype: 'F16',
      shape: [groups, rows],
      bytes: (parts) => fromFloat32('F16', Float32Array.from(transposed(matrix(parts).scales, rows, groups))),
    },
    {
      name: part('g_idx'),
      dtype: 'I32',
      shape: [columns],
      bytes: () => bytesOf(Int32Array.from({ length: columns }, (_, c) => Math.floor(c / width))),
    },
  ];
}

/** `quantization_config` of config.json, and the whole of quantize_config.json. */
function config({ bits, symmetric, group_size }: IntegerCodec, head: boolean): object {
  return {
    quant_method: 'gptq',
    bits,
    group_size: group_size === 0 ? -1 : group_size,
    sym: symmetric,
    desc_act: false, // groups are those of the columns as they lie, whatever the order of rounding
    static_groups: false,
    true_sequential: true,
    lm_head: head,
    damp_percent: 0.01,
    checkpoint_format: 'gptq',
    model_name_or_path: null,
    model_file_base_name: 'model',
  };
}

function checkFit(name: string, { bits, group_size }: IntegerCodec, rows: number, columns: number): void {
  const refuse = (what: string, mend: string) =>
    new UserError(`'${name}' does not fit AutoGPTQ's layout: ${what} (${mend})`);
  const perWord = 32 / bits;
  if (rows % perWord !== 0 || columns % perWord !== 0) {
    throw refuse(`[${rows}, ${columns}] is no multiple of ${perWord} on both sides`, 'format: onnx holds its codes');
  }
  if (group_size !== 0 && columns % group_size !== 0) {
    throw refuse(
      `groups of ${group_size} do not divide its ${columns} columns`,
      'quantise with a group_size that does, or take format: onnx',
    );
  }
}

function packZeros(name: string, { bits }: IntegerCodec, zeros: number[], groups: number, rows: number): Uint8Array {
  if (zeros.includes(0)) {
    throw new UserError(
      `'${name}' has a group whose zero is code 0, which AutoGPTQ's layout cannot hold: quantise with symmetric: true, or take format: onnx`,
    );
  }
  const words = new Int32Array((groups * rows * bits) / 32);
  zeros.forEach((zero, i) => {
    const at = Math.floor((i * bits) / 32);
    words[at] = (words[at] as number) | ((zero - 1) << ((i * bits) % 32));
  });
  return bytesOf(words);
}

/** Codes [outer, inner] along `outer` in words [outer bits / 32, inner]. */
function packWords(bits: number, outer: number, inner: number, code: (o: number, i: number) => number): Uint8Array {
  const words = new Int32Array((outer * inner * bits) / 32);
  for (let o = 0; o < outer; o++) {
    const start = Math.floor((o * bits) / 32) * inner;
    for (let i = 0; i < inner; i++) {
      words[start + i] = (words[start + i] as number) | (code(o, i) << ((o * bits) % 32));
    }
  }
  return bytesOf(words);
}

/** [rows, columns] as [columns, rows]. */
function transposed(values: ArrayLike<number>, rows: number, columns: number): number[] {
  return Array.from(
    { length: rows * columns },
    (_, i) => values[(i % rows) * columns + Math.floor(i / rows)] as number,
  );
}

function bytesOf(values: Int32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
