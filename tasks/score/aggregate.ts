// From the scores of records to a task's numbers and their standard errors, and from tasks to groups.
import { PythonRandom } from '../../python/random.ts';
import type { Aggregation } from '../files/metric-config.ts';
import type { Item } from '../files/task-function.ts';

const log2 = Math.log(2);

/** The value of a metric over all records. */
export function aggregate(aggregation: Aggregation, items: readonly Item[]): number {
  switch (aggregation) {
    case 'mean':
      return mean(items as number[]);
    case 'median':
      return items[items.length >> 1] as number;
    case 'perplexity':
      return Math.exp(-mean(items as number[]));
    case 'weighted_perplexity':
      return Math.exp(-weightedMean(items as [number, number][]));
    case 'bits_per_byte':
      return -weightedMean(items as [number, number][]) / log2;
  }
}

/** The standard error: of a mean by formula, of a perplexity or median by bootstrap; null where the harness has none. */
export function standardError(aggregation: Aggregation, items: readonly Item[], bootstrap: number): number | null {
  if (items.length < 2 || bootstrap <= 0) return null;
  if (aggregation === 'mean') return sampleDeviation(items as number[]) / Math.sqrt(items.length);
  if (aggregation === 'median' || aggregation === 'perplexity')
    return bootstrapError(aggregation, items as number[], bootstrap);
  return null;
}

/** Chunks of 1,000 resamples, chunk i drawn by Python's Random(i). */
function bootstrapError(aggregation: Aggregation, items: readonly number[], resamples: number): number {
  const chunk = Math.min(1000, resamples);
  const drawn = new Float64Array(items.length);
  const values: number[] = [];
  for (let i = 0; i < Math.floor(resamples / chunk); i++) {
    const random = new PythonRandom(i);
    for (let j = 0; j < chunk; j++) {
      for (let k = 0; k < items.length; k++) drawn[k] = items[random.choice(items.length)] as number;
      values.push(aggregate(aggregation, drawn as unknown as number[]));
    }
  }
  return sampleDeviation(values);
}

function sum(values: readonly number[]): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] as number;
  return total;
}

function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

function weightedMean(items: readonly (readonly [number, number])[]): number {
  return sum(items.map(([value]) => value)) / sum(items.map(([, weight]) => weight));
}

function sampleDeviation(values: readonly number[]): number {
  const center = mean(values);
  return Math.sqrt(sum(values.map((value) => (value - center) ** 2)) / (values.length - 1));
}

/** A task's number as a group sees it. */
export interface Part {
  value: number;
  stderr: number | null;
  n: number;
}

/** A group's number: the mean over its tasks, by size or alike; the error pools the tasks' own. */
export function aggregateParts(parts: readonly Part[], bySize: boolean): Part {
  const n = sum(parts.map((part) => part.n));
  const weight = (part: Part) => (bySize ? part.n : 1);
  const value = sum(parts.map((part) => part.value * weight(part))) / sum(parts.map(weight));
  return { value, stderr: pooledError(parts, n), n };
}

function pooledError(parts: readonly Part[], n: number): number | null {
  if (parts.some(({ stderr }) => stderr === null)) return null;
  const squares = sum(parts.map((part) => (part.n - 1) * (part.stderr as number) ** 2 * part.n));
  return Math.sqrt(squares / (n - parts.length) / n);
}
