// The parameters with which the engine benchmark runs whole stages: their defaults, at the sizes of a model.
import type { ContextOf } from '../../contract/define.ts';
import type { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import type { sft } from '../../stages/sft/declare.ts';
import type { slw } from '../../stages/slw/declare.ts';
import type { EngineInputs } from './inputs.ts';
import { learningRate, sftParams, sharingType } from './settings.ts';

type Params<D> = ContextOf<D> extends { params: infer P } ? P : never;
type Sized = Pick<EngineInputs, 'sizes' | 'rank'>;

/** perplexity-eval as it is without settings, but for the length. */
export function evaluationParams({ sizes }: Sized, threads: number): Params<typeof perplexityEval> {
  return { max_length: sizes.max_length, batch_tokens: 1024, scope: 'response', reduction: 'token_mean', threads };
}

/** SFT with the sizes of `inputs`. */
export function sftStageParams({ sizes }: Sized, threads: number): Params<typeof sft> {
  const { batch_size, micro_batch } = sizes.sft;
  return { ...sftParams, batch_size, micro_batch, max_length: sizes.max_length, threads };
}

/** SLW with the sizes of `inputs`. */
export function slwParams({ sizes, rank }: Sized, threads: number): Params<typeof slw> {
  const { epochs, batch_tokens } = sizes.slw;
  const fixed = { type: sharingType, candidate: 'g0', match_rank: false, init: 'default', granularity: 'mlp' } as const;
  return { ...fixed, rank, lr: learningRate, epochs, batch_tokens, threads };
}
