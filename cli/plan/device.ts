// Which device a plan is estimated for, and whether this machine's history says it better.
import { type Foreseen, foreseenBy } from '../../runner/estimate/by-history.ts';
import { type Device, deviceNamed } from '../../runner/estimate/devices.ts';
import { type Estimate, estimateWork } from '../../runner/estimate/estimate.ts';
import type { History } from '../../runner/estimate/history.ts';
import { tooLarge, tooLargeText } from '../../runner/estimate/memory.ts';
import { isCached, type JointWork } from '../../runner/estimate/work.ts';
import { machineMemory } from '../../runner/executor/this-machine.ts';
import type { EngineFlags, EstimateFlags, PlanFlags } from '../common/flags.ts';
import { isOnProcessor } from '../common/plan-request.ts';

const day_ms = 24 * 3600 * 1000;
/** What is estimated for where this machine would take more than a day, or does not have the memory. */
const largeDevice = 'h100';

/** The estimate of what is left to run; undefined when nothing is. */
export function estimateFor(work: JointWork, flags: EstimateFlags & EngineFlags): Estimate | undefined {
  if (work.distinct.every(({ unit }) => isCached(unit))) return undefined;
  if (flags.device !== undefined) return estimateOn(flags.device, work, flags);
  const here = estimateOn('cpu', work, flags);
  const isSmall = here.total.duration_ms <= day_ms && here.stages.every(({ fits }) => fits);
  return isSmall ? here : estimateOn(largeDevice, work, flags);
}

/** The stages that a run here would refuse for want of memory, in sentences; none where another device was named. */
export function tooLargeHere(work: JointWork, flags: EstimateFlags & PlanFlags): string[] {
  if ((flags.device ?? 'cpu') !== 'cpu' || !isOnProcessor(flags)) return [];
  const memory_bytes = machineMemory();
  const found = tooLarge(work, { memory_bytes, record_tokens: flags.recordTokens });
  return found.map((stage) => tooLargeText(stage, memory_bytes));
}

function estimateOn(
  name: string,
  work: JointWork,
  { utilisation, recordTokens, precision }: EstimateFlags & EngineFlags,
): Estimate {
  const device = deviceNamed(name, precision) as Device;
  return estimateWork(work, { device, utilisation: utilisation ?? device.utilisation, record_tokens: recordTokens });
}

/**
 * What is left by earlier attempts on this machine's engines: where no device was named, and every stage has some that are comparable. A plan
 * that this machine would take more than a day for is not judged by them, and then `readHistory` is not asked.
 */
export async function foreseenHere(
  work: JointWork,
  { options: { device, record_tokens } }: Estimate,
  readHistory: () => Promise<History>,
  flags: EstimateFlags,
): Promise<Foreseen | undefined> {
  if (flags.device !== undefined || device.name !== 'cpu') return undefined;
  return foreseenBy(await readHistory(), work, device, record_tokens);
}
