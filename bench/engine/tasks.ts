// What the engine benchmark computes: its tasks, whom each meets, and what one step of a task is counted as.
import type { EngineInputs } from './inputs.ts';
import { copyBytes, gemmSize } from './settings.ts';
import type { Extent } from './sizes.ts';

/** What a side can be told to do; the last two show what the machine can do. */
export const tasks = [
  ...([
    'forward',
    'perplexity-eval',
    'slw',
    'sft-step',
    'sft',
    'train-step',
    'prompt',
    'decode-1',
    'decode-8',
  ] as const),
  ...(['gemm', 'copy'] as const),
] as const;
export type Task = (typeof tasks)[number];

/** A whole stage, from its input files to its outputs. */
export const isWhole = (task: Task) => task === 'perplexity-eval' || task === 'slw' || task === 'sft';

/** What is asked of the machine and not of a model. */
export const isMachine = (task: Task) => task === 'gemm' || task === 'copy';

/** Whom lamina meets: a plain loop on PyTorch, or transformers where that is what people use. */
export function peerOf(task: Task): 'PyTorch' | 'transformers' {
  const others: readonly Task[] = ['perplexity-eval', 'prompt', 'decode-1', 'decode-8'];
  return others.includes(task) ? 'transformers' : 'PyTorch';
}

/** How it is called in the tables. */
export const labels: Readonly<Record<Task, string>> = {
  forward: 'forward, loss of the answers',
  'perplexity-eval': 'perplexity-eval, whole',
  slw: 'SLW unit, whole',
  'sft-step': 'SFT step',
  sft: 'SFT, whole',
  'train-step': 'training step, all weights',
  prompt: 'prompts read',
  'decode-1': 'decoding, 1 text',
  'decode-8': 'decoding, 8 texts',
  gemm: 'matrix product, GFLOP/s',
  copy: 'copy, GB/s',
};

/** What one step of a task is counted as: tokens, floating-point operations, bytes. */
export function perStep(task: Task, inputs: Pick<EngineInputs, 'sizes' | 'evaluated' | 'trained'>): number {
  const { sizes, evaluated, trained } = inputs;
  const tokens = ({ batch, tokens }: Extent) => batch * tokens;
  const total = (lengths: readonly number[]) => lengths.reduce((a, b) => a + b, 0);
  const counts: Readonly<Record<Task, number>> = {
    forward: tokens(sizes.forward),
    'perplexity-eval': total(evaluated.lengths),
    slw: sizes.slw.rows * sizes.slw.epochs,
    'sft-step': tokens(sizes.step),
    sft: total(trained.lengths),
    'train-step': tokens(sizes.step),
    prompt: tokens(sizes.prompt),
    'decode-1': 1,
    'decode-8': 8,
    ...machineAmounts,
  };
  return counts[task];
}

/** Operations of a step of `gemm`, bytes of one of `copy`. */
export const machineAmounts = { gemm: 2 * gemmSize ** 3, copy: 2 * copyBytes } as const;
