// What the rounds of exit-latency come to.
import { median } from '../../util/statistics.ts';
import { ratioFigures } from '../common/timings.ts';

/** One round of one way to decode: seconds of all its steps, of wall and of processor time, and the tokens that they made. */
export interface DecodeSample {
  readonly wall_s: number;
  readonly cpu_s: number;
  readonly tokens: number;
}

/**
 * The figures of rounds with exits (`early`) and with all layers (`full`). Times are those of a token: an answer that stops early may be longer or shorter. Each
 * round with exits is divided by the one with all layers beside it: a slow moment of the machine hits both.
 */
export function exitLatencyReport(early: readonly DecodeSample[], full: readonly DecodeSample[]) {
  const ratios = (clock: 'wall_s' | 'cpu_s') =>
    early.map((sample, i) => perToken(sample, clock) / perToken(full[i] as DecodeSample, clock));
  const milliseconds = (samples: readonly DecodeSample[], clock: 'wall_s' | 'cpu_s') =>
    1000 * median(samples.map((sample) => perToken(sample, clock)));
  return {
    token_ms: milliseconds(early, 'wall_s'),
    token_cpu_ms: milliseconds(early, 'cpu_s'),
    full_token_ms: milliseconds(full, 'wall_s'),
    full_token_cpu_ms: milliseconds(full, 'cpu_s'),
    ...ratioFigures('token_ratio', ratios('wall_s')),
    ...ratioFigures('token_cpu_ratio', ratios('cpu_s')),
    tokens: median(early.map(({ tokens }) => tokens)),
    full_tokens: median(full.map(({ tokens }) => tokens)),
    n: early.length,
    samples: early,
    full_samples: full,
  };
}

function perToken(sample: DecodeSample, clock: 'wall_s' | 'cpu_s'): number {
  return sample[clock] / sample.tokens;
}
