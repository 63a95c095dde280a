// A checkpoint quantised into another: tensor after tensor in the file's order, each stored matrix once.
import { encodeFloats } from '../formats/dtype.ts';
import { UserError } from '../util/errors.ts';
import { type LlamaCheckpoint, writeLlamaFile } from './checkpoint.ts';
import { embeddingName, tensorShapes } from './names.ts';
import { type Quantization, quantizationJson, quantizationKey } from './quantization.ts';
import { type Codec, matrixShape, type Parts, packInteger, packNf4 } from './quantize-codec.ts';
import { type IntegerGrid, quantizeInteger } from './quantize-integer.ts';
import { quantizeNf4 } from './quantize-nf4.ts';
import type { QuantizePlan } from './quantize-plan.ts';
import { writeParts } from './quantized-tensors.ts';

/** Gives the parts of one matrix when its turn comes. */
export type Quantizer = (name: string, codec: Codec, shape: readonly number[]) => Promise<Parts>;

/** Writes `checkpoint` to `path` after `plan`; `quantize` is asked for the matrices that have a codec, in the order of the layers. */
export async function writeQuantized(
  path: string,
  checkpoint: LlamaCheckpoint,
  plan: QuantizePlan,
  { scheme, activations }: Pick<Quantization, 'scheme' | 'activations'>,
  quantize: Quantizer,
  onProgress: (done: number, total: number) => void,
): Promise<void> {
  const { config, tokenizer } = checkpoint;
  const metadata =
    plan.codecs.size + plan.absent.size === 0
      ? {}
      : { [quantizationKey]: quantizationJson({ scheme, activations, ...plan }) };
  const shapes = tensorShapes(config);
  await writeLlamaFile(path, { config, tokenizer, metadata }, async (writer) => {
    let done = 0;
    for (const [name, shape] of shapes) {
      const codec = plan.codecs.get(name);
      if (codec !== undefined) await writeParts(writer, name, codec, shape, await quantize(name, codec, shape));
      else if (!plan.aliases.has(name) && !plan.absent.has(name)) {
        await writer.write(name, plan.dtype, shape, encodeFloats(name, plan.dtype, await checkpoint.readFloat32(name)));
      }
      onProgress(++done, shapes.size);
    }
    return Object.fromEntries(plan.aliases);
  });
}

/** Rounds `values` to `codec` without data. */
export function quantizePlain(
  name: string,
  codec: Codec,
  shape: readonly number[],
  values: Float32Array,
  arithmetic?: IntegerGrid['arithmetic'],
): Parts {
  checkFinite(name, values);
  if (codec.type === 'nf4') return packNf4(codec, quantizeNf4(values, codec.block_size));
  const [rows, columns] = matrixShape(shape);
  // the embedding is torchao's in every scheme (methods E.1)
  const grid = { ...codec, arithmetic: name === embeddingName ? ('torchao' as const) : arithmetic };
  return packInteger(codec, shape, quantizeInteger(values, rows, columns, grid));
}

/** A matrix with NaN or infinity has no scale. */
export function checkFinite(name: string, values: Float32Array): void {
  const bad = values.find((value) => !Number.isFinite(value));
  if (bad === undefined) return;
  throw new UserError(`tensor '${name}' holds ${bad}, expected finite numbers: it cannot be quantised`);
}
