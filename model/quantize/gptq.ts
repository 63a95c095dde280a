// GPTQ (arXiv 2210.17323, IST-DASLab's gptq.py; methods E.4): columns are rounded from left to right, and the columns that are
// still to come take up the error, weighted by the second moments of the matrix's inputs.

import {
  codeOf,
  type GroupParameters,
  groupCount,
  groupParameters,
  groupWidth,
  type IntegerMatrix,
  type IntegerSettings,
} from '../codec/quantize-integer.ts';
import { inverseFactor } from './inverse-factor.ts';

export interface GptqSettings extends IntegerSettings {
  /** Share of the mean of the Hessian's diagonal that is added to it. */
  readonly damping: number;
  /** Columns between two updates of all that follow. */
  readonly block_columns: number;
  /** Round the columns with the largest inputs first; the groups' parameters are then those of the weights as they came. */
  readonly act_order: boolean;
}

/** What one matrix is rounded with. */
interface Work {
  readonly columns: number;
  readonly factor: Float64Array;
  readonly settings: GptqSettings;
  /** Column of the matrix at each place of the order of rounding. */
  readonly order: Int32Array;
  readonly matrix: IntegerMatrix;
}

/**
 * Quantises `values` [rows, columns] with the Hessian [columns, columns] of its inputs (any positive factor, both triangles);
 * `hessian` is used up. `name` is for messages; a Hessian that is not positive definite after damping is a UserError.
 */
export function quantizeGptq(
  values: Float32Array,
  rows: number,
  columns: number,
  hessian: Float64Array,
  settings: GptqSettings,
  name: string,
): IntegerMatrix {
  const alive = reviveDead(hessian, columns);
  const order = columnOrder(hessian, columns, settings.act_order);
  const factor = inverseFactor(damped(permuted(hessian, order), columns, settings.damping), columns, name);
  const groups = groupCount(settings.group_size, columns);
  const matrix = {
    codes: new Uint8Array(rows * columns),
    scales: new Float32Array(rows * groups),
    zeros: new Uint8Array(rows * groups),
  };
  const work = { columns, factor, settings, order, matrix };
  for (let row = 0; row < rows; row++) {
    const own = Float64Array.from(values.subarray(row * columns, (row + 1) * columns), (w, i) => (alive[i] ? w : 0));
    roundRow(work, row, own);
  }
  return matrix;
}

/** Inputs that were always 0: a diagonal of 1, and their weights count as 0. */
function reviveDead(hessian: Float64Array, columns: number): boolean[] {
  return Array.from({ length: columns }, (_, i) => {
    const alive = hessian[i * columns + i] !== 0;
    if (!alive) hessian[i * columns + i] = 1;
    return alive;
  });
}

function columnOrder(hessian: Float64Array, columns: number, act_order: boolean): Int32Array {
  const order = Int32Array.from({ length: columns }, (_, i) => i);
  const weight = (i: number) => hessian[i * columns + i] as number;
  return act_order ? order.sort((a, b) => weight(b) - weight(a) || a - b) : order;
}

function permuted(hessian: Float64Array, order: Int32Array): Float64Array {
  if (order.every((column, i) => column === i)) return hessian;
  const n = order.length;
  const result = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const from = (order[i] as number) * n;
    for (let j = 0; j < n; j++) result[i * n + j] = hessian[from + (order[j] as number)] as number;
  }
  return result;
}

function damped(hessian: Float64Array, columns: number, damping: number): Float64Array {
  let trace = 0;
  for (let i = 0; i < columns; i++) trace += hessian[i * columns + i] as number;
  const more = (damping * trace) / columns;
  for (let i = 0; i < columns; i++) hessian[i * columns + i] = (hessian[i * columns + i] as number) + more;
  return hessian;
}

/** Rounds one row, `own` [columns] in the matrix's order; rows do not touch each other. */
function roundRow(work: Work, row: number, own: Float64Array): void {
  const { columns, settings, order, matrix } = work;
  const groups = groupCount(settings.group_size, columns);
  const width = groupWidth(settings.group_size, columns);
  // act-order and whole rows take the parameters of the weights as they came
  const fixed = settings.act_order || groups === 1 ? keepGroups(work, row, own) : undefined;
  const w = Float64Array.from(order, (column) => own[column] as number);
  const errors = new Float64Array(columns);
  for (let start = 0; start < columns; start += settings.block_columns) {
    const end = Math.min(start + settings.block_columns, columns);
    // the reference reads a group's range from the weights before this block's own updates
    const before = fixed ? w : w.slice();
    for (let i = start; i < end; i++) {
      const column = order[i] as number;
      const group = row * groups + Math.floor(column / width);
      if (!fixed && i % width === 0)
        keepGroup(matrix, group, groupParameters(before, i, Math.min(i + width, columns), settings));
      const parameters = { scale: matrix.scales[group] as number, zero: matrix.zeros[group] as number };
      const code = codeOf(w[i] as number, parameters, settings);
      matrix.codes[row * columns + column] = code;
      errors[i] =
        ((w[i] as number) - (code - parameters.zero) * parameters.scale) / (work.factor[i * columns + i] as number);
      spread(work, w, errors, i, i + 1, i + 1, end);
    }
    spread(work, w, errors, start, end, end, columns);
  }
}

function keepGroups({ columns, settings, matrix }: Work, row: number, own: Float64Array): true {
  const groups = groupCount(settings.group_size, columns);
  const width = groupWidth(settings.group_size, columns);
  for (let group = 0; group < groups; group++) {
    const end = Math.min((group + 1) * width, columns);
    keepGroup(matrix, row * groups + group, groupParameters(own, group * width, end, settings));
  }
  return true;
}

function keepGroup(matrix: IntegerMatrix, group: number, { scale, zero }: GroupParameters): void {
  matrix.scales[group] = scale;
  matrix.zeros[group] = zero;
}

/** Takes the errors of the columns from `first` to `last` off the columns from `start` to `end`. */
function spread(
  { columns, factor }: Work,
  w: Float64Array,
  errors: Float64Array,
  first: number,
  last: number,
  start: number,
  end: number,
): void {
  for (let i = first; i < last; i++) {
    const error = errors[i] as number;
    const row = i * columns;
    for (let j = start; j < end; j++) w[j] = (w[j] as number) - error * (factor[row + j] as number);
  }
}
