// What a latency measurement comes to: medians, deviations, and ratios taken pair by pair.
import { mean, median, standardDeviation } from '../../util/statistics.ts';
import { errorOfMedian, ratioFigures } from '../common/timings.ts';
import { timings } from './declare.ts';
import type { LatencySample } from './session.ts';

/** All that was measured of one model: the bytes that it loads, and one sample per repetition. */
export interface MeasuredModel {
  readonly size_bytes: number;
  readonly samples: readonly LatencySample[];
}

type Timing = (typeof timings)[number];
type Numbers = Record<string, number>;

const megabyte = 1e6;
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
function secondsOf({ samples }: MeasuredModel, timing: Timing, clock: 's' | 'cpu_s' = 's'): number[] {
  if (timing === 'total') return samples.map((sample) => sample[`load_${clock}`] + sample[`forward_${clock}`]);
  return samples.map((sample) => sample[`${timing}_${clock}`]);
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
    figures[`${timing}_cpu_s`] = median(secondsOf(model, timing, 'cpu_s'));
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
    cpu_share: median(samples.map(shareOfWall)) / threads,
  };
}

/** Each sample is divided by the reference's of the same round: a slow moment of the machine hits both. */
function ratiosOf(model: MeasuredModel, reference: MeasuredModel): Numbers {
  const ratios: Numbers = {};
  for (const timing of timings) {
    const pairs = pairRatios(model, reference, timing, 's');
    const cpuPairs = pairRatios(model, reference, timing, 'cpu_s');
    if (pairs === undefined || cpuPairs === undefined) continue;
    Object.assign(ratios, ratioFigures(`${timing}_ratio`, pairs));
    ratios[`${timing}_cpu_ratio`] = median(cpuPairs);
    ratios[`${timing}_cpu_ratio_stderr`] = errorOfMedian(cpuPairs);
  }
  const memory = (measured: MeasuredModel) => median(measured.samples.map(grownBytes));
  return {
    ...ratios,
    size_ratio: model.size_bytes / reference.size_bytes,
    memory_ratio: memory(model) / memory(reference),
  };
}

/** Undefined where the reference did nothing of the kind. */
function pairRatios(
  model: MeasuredModel,
  reference: MeasuredModel,
  timing: Timing,
  clock: 's' | 'cpu_s',
): number[] | undefined {
  const other = secondsOf(reference, timing, clock);
  if (Math.min(...other) === 0) return undefined;
  return secondsOf(model, timing, clock).map((seconds, i) => seconds / (other[i] as number));
}

/** Processor time as a share of wall time; below the number of threads where others held the cores. */
function shareOfWall(sample: LatencySample): number {
  const { load_s, forward_s, decode_s, load_cpu_s, forward_cpu_s, decode_cpu_s } = sample;
  return (load_cpu_s + forward_cpu_s + decode_cpu_s) / (load_s + forward_s + decode_s);
}

/** Memory that the model took on top of the process's own. */
const grownBytes = ({ peak_bytes, base_bytes }: LatencySample) => peak_bytes - base_bytes;
