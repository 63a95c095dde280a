// What a latency measurement comes to: medians, deviations, and ratios taken pair by pair.
import type { LatencySample } from '../tensor/latency-session.ts';
import { mean, median, quantile, standardDeviation } from '../util/statistics.ts';
import { timings } from './latency.ts';

/** All that was measured of one model: the bytes that it loads, and one sample per repetition. */
export interface MeasuredModel {
  readonly size_bytes: number;
  readonly samples: readonly LatencySample[];
}

type Timing = (typeof timings)[number];
type Numbers = Record<string, number>;

const megabyte = 1e6;
/** Of a quartile range to the standard deviation, and of the median's error to the mean's, for normal noise. */
const [rangeOfDeviation, errorOfMedian] = [1.349, 1.2533];

/** The model's figures, its ratios to the reference where there is one, and the reference's figures. */
export function latencyReport(model: MeasuredModel, reference: MeasuredModel | undefined, threads: number) {
  return {
    ...figuresOf(model, threads),
    ...(reference && ratiosOf(model, reference)),
    n: model.samples.length,
    ...(reference && { reference: figuresOf(reference, threads) }),
    samples: model.samples,
    ...(reference && { reference_samples: reference.samples }),
  };
}

/** Seconds of each sample; total is load and forward, as in the paper's Table 7. */
export function secondsOf({ samples }: MeasuredModel, timing: Timing): number[] {
  if (timing === 'total') return samples.map(({ load_s, forward_s }) => load_s + forward_s);
  return samples.map((sample) => sample[`${timing}_s`]);
}

function figuresOf(model: MeasuredModel, threads: number): Numbers {
  const figures: Numbers = {};
  for (const timing of timings) {
    const seconds = secondsOf(model, timing);
    if (Math.max(...seconds) === 0) continue; // no token was decoded
    figures[`${timing}_s`] = median(seconds);
    figures[`${timing}_std_pct`] = (100 * standardDeviation(seconds)) / mean(seconds);
    figures[`${timing}_min_s`] = Math.min(...seconds);
    figures[`${timing}_max_s`] = Math.max(...seconds);
  }
  const { samples, size_bytes } = model;
  const [first] = samples as [LatencySample];
  const decoded = first.cached_tokens - (first.logits_shape[1] as number);
  if (figures.decode_s !== undefined) figures.tokens_per_s = decoded / figures.decode_s;
  return {
    ...figures,
    size_bytes,
    size_mb: size_bytes / megabyte,
    peak_mb: median(samples.map(({ peak_bytes }) => peak_bytes)) / megabyte,
    memory_mb: median(samples.map(grownBytes)) / megabyte,
    cpu_share:
      median(samples.map(({ cpu_s, load_s, forward_s, decode_s }) => cpu_s / (load_s + forward_s + decode_s))) /
      threads,
  };
}

/** Each sample is divided by the reference's of the same round: a slow moment of the machine hits both. */
function ratiosOf(model: MeasuredModel, reference: MeasuredModel): Numbers {
  const ratios: Numbers = {};
  for (const timing of timings) {
    const [own, other] = [secondsOf(model, timing), secondsOf(reference, timing)];
    if (Math.min(...other) === 0) continue;
    const pairs = own.map((seconds, i) => seconds / (other[i] as number));
    const [q1, q3] = [quantile(pairs, 0.25), quantile(pairs, 0.75)];
    ratios[`${timing}_ratio`] = median(pairs);
    ratios[`${timing}_ratio_stderr`] = (errorOfMedian * (q3 - q1)) / rangeOfDeviation / Math.sqrt(pairs.length);
    ratios[`${timing}_ratio_q1`] = q1;
    ratios[`${timing}_ratio_q3`] = q3;
  }
  const memory = (measured: MeasuredModel) => median(measured.samples.map(grownBytes));
  return {
    ...ratios,
    size_ratio: model.size_bytes / reference.size_bytes,
    memory_ratio: memory(model) / memory(reference),
  };
}

/** Memory that the model took on top of the process's own. */
const grownBytes = ({ peak_bytes, base_bytes }: LatencySample) => peak_bytes - base_bytes;
