// Codes of four bits taken apart by ONNX's own operators, for what no operator reads in pairs.
import type { NibbleOrder } from '../codec/nibbles.ts';
import type { OnnxBuilder, Value } from './graph.ts';

/** uint8 [..., n] as its codes, uint8 [..., n, 2]. */
export function nibblesOf(graph: OnnxBuilder, bytes: Value, order: NibbleOrder): Value {
  const number = (value: number) => graph.constant(`uint8/${value}`, 'uint8', [], Uint8Array.of(value));
  const low = graph.add('BitwiseAnd', [bytes, number(15)]);
  const high = graph.add('BitShift', [bytes, number(4)], { attributes: { direction: { string: 'RIGHT' } } });
  const pair = order === 'even_low' ? [low, high] : [high, low];
  const apart = pair.map((value) => graph.add('Unsqueeze', [value, graph.ints(-1)]));
  return graph.add('Concat', apart, { attributes: { axis: { int: -1 } } });
}
