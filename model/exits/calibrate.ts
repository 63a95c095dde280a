// The lowest threshold that keeps a promise: Learn then Test (arXiv 2110.01052) as CALM uses it (arXiv 2207.07061, section 3.3).
import { binomialAtMost } from '../../util/binomial.ts';

/** By which bound a mean of losses from 0 to 1 becomes a p-value: Hoeffding's (CALM), or the smaller of a tighter form of it and Bentkus' (Learn then Test). */
export const pValueBounds = ['hoeffding', 'hoeffding_bentkus'] as const;
export type PValueBound = (typeof pValueBounds)[number];

/** A threshold that was tried: its losses, each from 0 to 1, one for each record, and what a token takes with it. */
export interface TriedThreshold {
  readonly threshold: number;
  readonly losses: readonly number[];
  readonly operations: number;
}

/** The same with its mean loss, and how likely so small a mean were if the true one exceeded `delta`. */
export interface TestedThreshold extends TriedThreshold {
  readonly risk: number;
  readonly p: number;
}

/** What is promised: with probability of at least 1 - epsilon the risk is at most delta. */
export interface RiskPromise {
  readonly delta: number;
  readonly epsilon: number;
  readonly bound: PValueBound;
}

/** p-value of "the true mean exceeds `delta`", for a mean of `n` independent losses from 0 to 1. */
export function pValue(mean: number, n: number, delta: number, bound: PValueBound): number {
  if (bound === 'hoeffding') return Math.exp(-2 * n * Math.max(0, delta - mean) ** 2);
  const least = Math.min(mean, delta);
  const hoeffding = Math.exp(-n * relativeEntropy(least, delta));
  // a sum that is a whole number but for rounding is that number
  const bentkus = Math.E * binomialAtMost(Math.ceil(n * mean - 1e-9), n, delta);
  return Math.min(1, hoeffding, bentkus);
}

/**
 * Tests the thresholds one by one, the highest first, until one fails (a fixed sequence, so that epsilon need not be divided), and gives
 * those that passed, in this order.
 */
export function passingThresholds(
  tried: readonly TriedThreshold[],
  { delta, epsilon, bound }: RiskPromise,
): TestedThreshold[] {
  const passed: TestedThreshold[] = [];
  for (const each of tried.toSorted((a, b) => b.threshold - a.threshold)) {
    const risk = each.losses.reduce((a, b) => a + b, 0) / each.losses.length;
    const p = pValue(risk, each.losses.length, delta, bound);
    if (!(p <= epsilon)) break;
    passed.push({ ...each, risk, p });
  }
  return passed;
}

/** Of thresholds the one that takes the fewest operations; the first of equal ones. */
export function cheapest(passed: readonly TestedThreshold[]): TestedThreshold | undefined {
  return passed.toSorted((a, b) => a.operations - b.operations)[0];
}

/** a log(a / b) + (1 - a) log((1 - a) / (1 - b)). */
function relativeEntropy(a: number, b: number): number {
  const term = (x: number, y: number) => (x === 0 ? 0 : x * Math.log(x / y));
  return term(a, b) + term(1 - a, 1 - b);
}
