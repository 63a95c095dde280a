// The kernel behind `tensor/experts.ts`: each expert is multiplied with the rows alone that chose it.
//
// N rows, D hidden, E experts, G channels of an expert, n rows of one expert: known when the graph runs, at most N.
import { binary, reshape, slice, splat, unary } from '../graph/build.ts';
import { constant, type Recorder, type Value } from '../graph/graph.ts';
import { type Inputs, input, type KernelTable } from '../graph/kernel.ts';
import { matMul } from '../graph/product.ts';

export const EXPERTS: KernelTable = {
  LaminaExperts: (g, inputs, attrs) => {
    const through = g.provider === 'cpu' ? addChosenRows : addAllRows;
    const x = input(inputs, 'x');
    let sum = splat(g, 'float32', 0, x.shape);
    for (let e = 0; e < (attrs.experts as number); e++) sum = through(g, inputs, e, sum);
    return sum;
  },
};

/**
 * `sum` [N, D] with what expert `e` makes of its n rows. Shapes inside are recorded as if all N rows were its own, which bounds what is held; the
 * operators take as many as there are, none too. ScatterND may add here: no row comes twice.
 */
function addChosenRows(g: Recorder, inputs: Inputs, e: number, sum: Value): Value {
  const x = input(inputs, 'x');
  const [rows] = x.shape as [number, number];
  const chosen = reshape(g, factorOf(g, inputs, e), [rows]);
  const found = g.add('NonZero', [chosen], [1, rows], 'int64');
  const places = g.add('Squeeze', [found, constant('int64', [0])], [rows], 'int64');
  const own = g.add('Gather', [x, places], x.shape, 'float32', { axis: { int: 0 } });
  const column = g.add('Unsqueeze', [places, constant('int64', [1])], [rows, 1], 'int64');
  const attributes = { reduction: { string: 'add' } };
  return g.add('ScatterND', [sum, column, expert(g, inputs, e, own)], sum.shape, 'float32', attributes);
}

/** The same with all rows, those that did not choose it times 0: what NonZero leaves open, devices do not like. */
function addAllRows(g: Recorder, inputs: Inputs, e: number, sum: Value): Value {
  return binary(g, 'Add', sum, binary(g, 'Mul', expert(g, inputs, e, input(inputs, 'x')), factorOf(g, inputs, e)));
}

/** [N, 1]: 1 where a row chose expert `e`. */
function factorOf(g: Recorder, inputs: Inputs, e: number): Value {
  const chosen = input(inputs, 'chosen');
  return slice(g, chosen, [0, e], [chosen.shape[0] as number, 1]);
}

function expert(g: Recorder, inputs: Inputs, e: number, x: Value): Value {
  const product = (name: string, x: Value) => matMul(g, x, input(inputs, `${name}${e}`), false, true);
  const gate = product('gate', x);
  const activated = binary(g, 'Mul', gate, unary(g, 'Sigmoid', gate));
  return product('down', binary(g, 'Mul', activated, product('up', x)));
}
