// What timings have in common: which machine they are of, and how sure a median of ratios is.
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import { runtimeVersion } from '../../tensor/graph/runtime-package.ts';
import { median, quantile } from '../../util/statistics.ts';

/** What figures depend on and the cache key does not hold. */
export function machineFacts() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memory_mb: Math.round(totalmem() / 1e6),
    platform: `${platform()} ${arch()}`,
    node: process.versions.node,
    onnxruntime: runtimeVersion(),
  };
}

/** Ratios of pairs that were measured in turn: `NAME`, their median, with its standard error and the quartiles. */
export function ratioFigures(name: string, pairs: readonly number[]): Record<string, number> {
  return {
    [name]: median(pairs),
    [`${name}_stderr`]: errorOfMedian(pairs),
    [`${name}_q1`]: quantile(pairs, 0.25),
    [`${name}_q3`]: quantile(pairs, 0.75),
  };
}

/** The standard error of a median, from the quartiles, for normal noise: 1.2533 s / sqrt(n), where s = (q3 - q1) / 1.349. */
export function errorOfMedian(values: readonly number[]): number {
  const range = quantile(values, 0.75) - quantile(values, 0.25);
  return ((1.2533 / 1.349) * range) / Math.sqrt(values.length);
}
