// bitsandbytes' layout of an NF4 matrix in safetensors (methods E.3; its functional.py, QuantState).
import { UserError } from '../../util/errors.ts';
import { matrixShape, type Nf4Codec, type Parts, partShapes } from '../codec/quantize-codec.ts';
import { dynamicMap, nestedBlock, nf4Codebook } from '../codec/quantize-nf4.ts';
import type { CodeLayout, LayoutPart } from './layout.ts';

/** NF4 of bitsandbytes. */
export const bitsandbytes: CodeLayout<Nf4Codec> = { arrays, config, has_own_config: false };

/** The state's text is filled up with spaces, so that its size is known before its numbers are. */
const stateBytes = 256;
const blockSizes = [32, 64, 128, 256, 512, 1024, 2048, 4096];

/** The arrays of the matrix `name`: its codes, magnitudes, codebooks and a text that says what they are. */
function arrays(name: string, codec: Nf4Codec, shape: readonly number[]): LayoutPart[] {
  if (!blockSizes.includes(codec.block_size)) {
    throw new UserError(`bitsandbytes has no blocks of ${codec.block_size}, expected one of ${blockSizes.join(', ')}`);
  }
  const stored = partShapes(codec, shape);
  const part = (key: string) => ({
    name: key === 'codes' ? name : `${name}.${key}`,
    dtype: stored.get(key)?.dtype ?? 'U8',
    shape: key === 'codes' ? [...(stored.get(key)?.shape ?? []), 1] : (stored.get(key)?.shape ?? []),
    bytes: (parts: Parts) => parts.get(key) as Uint8Array,
  });
  const book = (key: string, values: Float32Array) => ({
    name: `${name}.${key}`,
    dtype: 'F32' as const,
    shape: [values.length],
    bytes: () => bytesOf(values),
  });
  const state = {
    name: `${name}.quant_state.bitsandbytes__nf4`,
    dtype: 'U8' as const,
    shape: [stateBytes],
    bytes: (parts: Parts) => stateText(codec, shape, parts),
  };
  const nested = codec.nested ? [part('nested_absmax'), book('nested_quant_map', dynamicMap)] : [];
  return [part('codes'), part('absmax'), ...nested, book('quant_map', nf4Codebook), state];
}

/** `quantization_config` of config.json. */
function config({ nested }: Nf4Codec, head: boolean): object {
  return {
    quant_method: 'bitsandbytes',
    load_in_4bit: true,
    load_in_8bit: false,
    bnb_4bit_quant_type: 'nf4',
    bnb_4bit_use_double_quant: nested,
    bnb_4bit_compute_dtype: 'float32',
    bnb_4bit_quant_storage: 'uint8',
    llm_int8_skip_modules: head ? [] : ['lm_head'],
  };
}

function stateText({ block_size, nested }: Nf4Codec, shape: readonly number[], parts: Parts): Uint8Array {
  const state = { quant_type: 'nf4', blocksize: block_size, dtype: 'float32', shape: matrixShape(shape) };
  const more = { nested_blocksize: nestedBlock, nested_dtype: 'float32', nested_offset: offsetOf(parts) };
  const text = JSON.stringify(nested ? { ...state, ...more } : state);
  return new TextEncoder().encode(text.padEnd(stateBytes));
}

function offsetOf(parts: Parts): number {
  const bytes = (parts.get('nested_offset') ?? new Uint8Array(4)).slice();
  return new Float32Array(bytes.buffer)[0] as number;
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}
