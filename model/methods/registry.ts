// The methods, one line each: a new method is a file and a line here. Planning reads this: no numeric library is imported.
import { UserError } from '../../util/errors.ts';
import { basis } from './basis.ts';
import { delta } from './delta.ts';
import { g0 } from './g0.ts';
import { g0Tied } from './g0-tied.ts';
import { g1, g1Plus } from './g1.ts';
import { g2, g2Plus } from './g2.ts';
import { g3 } from './g3.ts';
import { lora } from './lora.ts';
import type { Init, MatrixSize, Method, NamedInit } from './method.ts';

const methods: readonly Method[] = [g0, g1, g2, g3, g1Plus, g2Plus, g0Tied, lora, delta, basis];

/** Names of the methods, as the paper's equations 3 to 6 number them, our variants, and others' methods. */
export const methodNames: readonly string[] = methods.map(({ name }) => name);

/** Those that make something of a stored matrix: what a shared layer may be given. */
export const transformingNames: readonly string[] = methods
  .filter(({ standsAlone }) => standsAlone !== true)
  .map(({ name }) => name);

const byName = new Map(methods.map((method) => [method.name, method]));

/** The method called `name`; a UserError when there is none. */
export function methodNamed(name: string): Method {
  const method = byName.get(name);
  if (method) return method;
  const expected = methodNames.map((known) => `'${known}'`).join(' or ');
  throw new UserError(`candidate '${name}' is not available, expected ${expected}`);
}

/** Shapes of the parameters of one matrix. */
export function matrixShapes(candidate: string, d: number, f: number, rank: number): Record<string, number[]> {
  return methodNamed(candidate).shapes({ d, f, rank });
}

/** Parameters of one matrix; rank 0 has none. */
export function matrixParameters(candidate: string, d: number, f: number, rank: number): number {
  return rank === 0 ? 0 : parametersOf(methodNamed(candidate), { d, f, rank });
}

/** The rank at which `candidate` has as many parameters as g0 at `rank0`, to the nearest (methods A.3, Table 5); at least 1. */
export function matchedRank(candidate: string, rank0: number, d: number, f: number): number {
  const perRank = (method: Method) => parametersOf(method, { d, f, rank: 1 }) - parametersOf(method, { d, f, rank: 0 });
  return rank0 === 0 ? 0 : Math.max(1, Math.round((rank0 * perRank(g0)) / perRank(methodNamed(candidate))));
}

/** The start that `init` means for `candidate`; a UserError when it does not have it. */
export function initOf(candidate: string, init: Init): NamedInit {
  const { inits: available } = methodNamed(candidate);
  if (init === 'default') return available[0];
  if (available.includes(init)) return init;
  throw new UserError(
    `candidate '${candidate}' has no init '${init}', expected ${['default', ...available].map((name) => `'${name}'`).join(' or ')}`,
  );
}

function parametersOf(method: Method, size: MatrixSize): number {
  return Object.values(method.shapes(size)).reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0);
}
