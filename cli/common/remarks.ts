// What is to be said of flags that are taken as they are and may not do what was meant.
import { machineThreads } from '../../runner/executor/this-machine.ts';
import { multipliesIn } from '../../tensor/graph/precision.ts';
import type { EngineFlags } from './flags.ts';

/** All that is to be said of what a command computes on; a plan for another device (`device`) is one for the provider `cuda`. */
export function engineRemarks(flags: EngineFlags & { device?: string }): string[] {
  return [threadsRemark(flags.threads), precisionRemark(flags)].filter((remark) => remark !== undefined);
}

/** A sentence where products of the precision are computed as those of float32. */
function precisionRemark({
  backend = 'onnx',
  device = 'cpu',
  provider = device === 'cpu' ? 'cpu' : 'cuda',
  precision = 'float32',
}: EngineFlags & { device?: string }): string | undefined {
  if (backend !== 'onnx' || multipliesIn(provider, precision)) return undefined;
  return `--precision ${precision}: provider '${provider}' has no products of such numbers, so the rounded operands are multiplied as float32: the numbers are those of the precision, the time is not`;
}

/** A sentence where `threads` are more than the cores; they are taken all the same, since results follow their number and not the machine. */
export function threadsRemark(threads: number | undefined, cores = machineThreads()): string | undefined {
  if (threads === undefined || threads <= cores) return undefined;
  const has = cores === 1 ? '1 core' : `${cores} cores`;
  return `--threads ${threads} are more than the ${has} here: they take turns, which is slower than --threads ${cores}, and give the bytes of ${threads} threads`;
}
