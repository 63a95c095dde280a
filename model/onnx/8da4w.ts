// 8da4w in ONNX's own operators: 4-bit weights behind DequantizeLinear, and inputs rounded to int8 token by token (methods E.1).
import type { OnnxType } from '../../formats/tensors/onnx.ts';
import { checkFinite } from '../codec/plain.ts';
import { matrixShape } from '../codec/quantize-codec.ts';
import { groupCount, type IntegerMatrix, quantizeInteger } from '../codec/quantize-integer.ts';
import type { Product } from '../operators/operators.ts';
import { floatBytes, type OnnxBuilder, type Value } from './graph.ts';
import type { StoreMatrix } from './linear.ts';

/** Stores matrices as int4 with float32 scales for each `group_size` columns of a row, which must divide the columns. */
export function store8da4w(group_size: number): StoreMatrix {
  const store = storeInt4Groups();
  return async (graph, matrix) => {
    const { name, shape } = matrix;
    const values = await matrix.values();
    checkFinite(name, values);
    const [rows, columns] = matrixShape(shape);
    const settings = { bits: 4, symmetric: true, group_size, arithmetic: 'torchao' } as const;
    return store(graph, { name, rows, columns, group_size }, quantizeInteger(values, rows, columns, settings));
  };
}

/** A matrix in groups of columns, which `group_size` divides; 0: the whole row. */
interface Groups {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
  readonly group_size: number;
}

/** Stores integers of 4 bits whose zero is code 8, and rounds what they are multiplied with. */
export function storeInt4Groups(): (
  graph: OnnxBuilder,
  groups: Groups,
  matrix: IntegerMatrix,
) => Promise<Product<Value>> {
  const uses = new Map<Value, number>();
  const rounding = tokenRounding();
  return async (graph, { name, rows, columns, group_size }, matrix) => {
    const groups = groupCount(group_size, columns);
    const { codes, scales } = inputsFirst(matrix, rows, columns, groups);
    const weight = await graph.weight({ name: `${name}.codes`, type: 'int4', dims: [columns, rows], bytes: codes });
    const scale = await graph.weight({
      name: `${name}.scales`,
      type: 'float32',
      dims: [groups, rows],
      bytes: floatBytes('float32', scales),
    });
    const attributes = { axis: { int: 0 }, block_size: { int: columns / groups } };
    // a node for each use, with names of its own for the same bytes: ONNX Runtime makes one operator of such a node and the
    // product that follows, but not of weights that several nodes read
    const dequantized = () => {
      const use = uses.get(weight) ?? 0; // matrices of other names may have the same bytes
      uses.set(weight, use + 1);
      const own = (stored: Value, type: OnnxType, dims: readonly number[]) =>
        use === 0 ? stored : graph.view(stored, `${stored}/${use}`, type, dims);
      const inputs = [own(weight, 'int4', [columns, rows]), own(scale, 'float32', [groups, rows])];
      return graph.add('DequantizeLinear', inputs, { attributes });
    };
    return {
      input: (x) => rounding(graph, x),
      times: (x) => graph.add('MatMul', [x, dequantized()]),
      whole: () => graph.add('Transpose', [dequantized()], { attributes: { perm: { ints: [1, 0] } } }),
    };
  };
}

/** Values as int8 would carry them; each is rounded once, however many matrices see it. */
export function tokenRounding(): (graph: OnnxBuilder, x: Value) => Value {
  const rounded = new Map<Value, Value>();
  return (graph, x) => {
    const known = rounded.get(x) ?? roundTokens(graph, x);
    rounded.set(x, known);
    return known;
  };
}

/**
 * A matrix turned to [columns, rows], as MatMul wants it: codes as two's complement, two to a byte, and scales [groups, rows].
 */
function inputsFirst(
  { codes, scales }: IntegerMatrix,
  rows: number,
  columns: number,
  groups: number,
): { codes: Uint8Array; scales: Float32Array } {
  const turned = new Uint8Array(Math.ceil((rows * columns) / 2));
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const at = column * rows + row;
      const code = (codes[row * columns + column] as number) ^ 8; // 0 to 15, of which 8 is zero -> -8 to 7
      turned[at >> 1] = (turned[at >> 1] as number) | (code << (4 * (at & 1)));
    }
  }
  return { codes: turned, scales: scales.map((_, i) => scales[(i % rows) * groups + Math.floor(i / rows)] as number) };
}

const low = -128;
const high = 127;
/** The smallest scale: float32's epsilon. */
const smallestScale = 2 ** -23;

/** `roundTokens` of int8-tokens.ts, operator by operator: x [N, in] as int8 would carry it. */
function roundTokens(graph: OnnxBuilder, x: Value): Value {
  const op = (name: string, ...inputs: (Value | number)[]) =>
    graph.add(
      name,
      inputs.map((input) => (typeof input === 'number' ? graph.number(input) : input)),
    );
  const rows = graph.ints(-1);
  const least = op('Min', op('ReduceMin', x, rows), 0);
  const most = op('Max', op('ReduceMax', x, rows), 0);
  const scale = op('Max', op('Div', op('Sub', most, least), high - low), smallestScale);
  const [below, above] = [op('Div', least, scale), op('Div', most, scale)];
  // the zero that errs less at the end of the range that is farther off
  const error = op('Add', op('Add', below, low), op('Add', above, high));
  const zero = op('Where', op('Greater', error, 0), op('Sub', low, below), op('Sub', high, above));
  const whole = op('Round', op('Clip', zero, low, high));
  const codes = op('Clip', op('Round', op('Add', op('Mul', x, op('Div', 1, scale)), whole)), low, high);
  return op('Mul', op('Sub', codes, whole), scale);
}
