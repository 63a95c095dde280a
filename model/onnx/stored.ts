// STORED: a quantised checkpoint in ONNX with the very codes that it was measured with. Nothing is rounded again.
import { embeddingName } from '../architecture/tensors.ts';
import { checkOnnxCodes, integersOf } from '../codec/codes-fit.ts';
import type { Quantization } from '../codec/quantization.ts';
import { type Codec, type IntegerCodec, matrixShape, storedBytes, unpackInteger } from '../codec/quantize-codec.ts';
import type { ExportSource } from '../export/source.ts';
import { storeInt4Groups, tokenRounding } from './8da4w.ts';
import type { StoredFloat, Value } from './graph.ts';
import { integerBytes, lookupShape, productShape, storeInteger } from './integers.ts';
import { type StoreFactor, type StoreMatrix, type StoreTable, storeFloat, storeValues } from './linear.ts';
import { microsoft } from './nbits.ts';
import { storeNf4 } from './nf4.ts';
import type { OnnxPrecision } from './precision.ts';

/** The precision of a quantised checkpoint as it lies there; a UserError where it is none, or no operator knows its codes. */
export function storedPrecision(
  { checkpoint, stored, recoveryParts }: Pick<ExportSource, 'checkpoint' | 'stored' | 'recoveryParts'>,
  accuracy_level: number,
): OnnxPrecision {
  const { tensors, storedAs } = checkpoint;
  const quantization = checkOnnxCodes(checkpoint.quantization);
  const { scheme, codecs, activations, absent } = quantization;
  const { tie_word_embeddings: isTied } = stored;
  const linear = [...codecs].find(([name]) => name !== embeddingName)?.[1];
  const codecOf = (name: string) => (absent.has(name) ? linear : codecs.get(storedAs(name)));
  const floatOf = (name: string) => floatTypes[tensors.get(name)?.dtype ?? ''];
  const stores = codeStores(quantization, { isTied, accuracy_level });
  return {
    float: 'float32',
    codes: { scheme, operator: operatorOf(linear, activations) },
    opsets: activations === null || (isTied && codecs.has(embeddingName)) ? microsoft : {},
    isAbsent: (name) => absent.has(storedAs(name)),
    quantizes: (name) => codecs.has(storedAs(name)),
    storeOf(name) {
      const codec = codecOf(name);
      return codec === undefined ? storeFloat(floatOf(name)) : stores.matrix(codec);
    },
    storeTable(name) {
      const codec = codecOf(name);
      return codec === undefined ? storeFloat(floatOf(name)) : stores.table(integersOf(name, codec));
    },
    storeVector: (name) => storeValues(floatOf(name)),
    storeFactor(name) {
      const codec = recoveryParts.codecOf(name);
      if (codec !== undefined) return storeCodedFactor(integersOf(name, codec));
      return storeValues(floatTypes[recoveryParts.dtypeOf(name) ?? '']);
    },
    bytesOf(name, shape) {
      const codec = codecOf(name);
      if (codec === undefined) return shape.reduce((a, b) => a * b, floatBytesOf[floatOf(name) ?? 'float32']);
      const isTable = name === embeddingName;
      if (codec.type === 'nf4' || (activations !== null && !isTable)) return storedBytes(codec, shape);
      return integerBytes(codec, isTable && !isTied ? lookupShape(codec, shape) : productShape(codec, shape));
    },
  };
}

const floatTypes: Readonly<Record<string, StoredFloat>> = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' };
const floatBytesOf = { float32: 4, float16: 2, bfloat16: 2 } as const;

/** What multiplies with the codes of the layers; undefined where only the embedding has some. */
function operatorOf(linear: Codec | undefined, activations: Quantization['activations']): string | undefined {
  if (linear === undefined) return undefined;
  if (activations !== null) return 'DequantizeLinear';
  return linear.type === 'nf4' ? 'MatMulBnb4' : 'MatMulNBits';
}

/** How matrices with codes are stored, by codec. */
function codeStores(
  { activations }: Quantization,
  { isTied, accuracy_level }: { isTied: boolean; accuracy_level: number },
) {
  const groups = storeInt4Groups();
  const rounding = tokenRounding();
  const table = (codec: IntegerCodec): StoreTable => {
    return async (graph, { name, shape, parts }) => {
      const sizes = isTied ? productShape(codec, shape) : lookupShape(codec, shape);
      const product = await storeInteger(graph, name, { codec, sizes, accuracy_level }, await parts());
      return activations === null ? product : { ...product, input: (x: Value) => rounding(graph, x) };
    };
  };
  const matrix = (codec: Codec): StoreMatrix => {
    return async (graph, { name, shape, parts }) => {
      if (codec.type === 'nf4') return storeNf4(graph, name, codec, shape, await parts());
      if (activations === null) {
        const sizes = productShape(codec, shape);
        return storeInteger(graph, name, { codec, sizes, accuracy_level }, await parts());
      }
      const [rows, columns] = matrixShape(shape);
      const { group_size } = codec;
      return groups(graph, { name, rows, columns, group_size }, unpackInteger(codec, shape, await parts()));
    };
  };
  return { table, matrix };
}

/** A recovery parameter in codes, which no product reads: ONNX Runtime works the values out when it loads the model. */
function storeCodedFactor(codec: IntegerCodec): StoreFactor {
  return async (graph, { name, shape, parts }) => {
    const sizes = lookupShape(codec, shape);
    return (await storeInteger(graph, name, { codec, sizes, accuracy_level: 0 }, await parts())).whole();
  };
}
