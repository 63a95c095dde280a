// A checkpoint quantised into another: tensor after tensor in the file's order, each stored matrix once.
import { encodeFloats } from '../../formats/tensors/dtype.ts';
import { tensorShapes } from '../architecture/tensors.ts';
import { type ModelCheckpoint, writeModelFile } from '../checkpoint/checkpoint.ts';
import { writeParts } from '../checkpoint/quantized-tensors.ts';
import { type Quantization, quantizationJson, quantizationKey } from '../codec/quantization.ts';
import type { Codec, Parts } from '../codec/quantize-codec.ts';
import type { QuantizePlan } from './plan.ts';

/** Gives the parts of one matrix when its turn comes. */
export type Quantizer = (name: string, codec: Codec, shape: readonly number[]) => Promise<Parts>;

/** Writes `checkpoint` to `path` after `plan`; `quantize` is asked for the matrices that have a codec, in the order of the layers. */
export async function writeQuantized(
  path: string,
  checkpoint: ModelCheckpoint,
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
  await writeModelFile(path, { config, tokenizer, metadata }, async (writer) => {
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
