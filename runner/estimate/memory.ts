// What would take more memory than this machine has: said before anything runs, not by the system that ends a process half-way.
import { formatBytes } from '../../util/amounts.ts';
import { UserError } from '../../util/errors.ts';
import { machineMemory } from '../executor/this-machine.ts';
import { usualRecordTokens } from '../survey/cost.ts';
import { countUnits, type Survey } from '../survey/survey.ts';
import { type Device, deviceNamed } from './devices.ts';
import { estimateWork, type Identified, type StageEstimate } from './estimate.ts';
import { identifyUnits } from './symbolic-key.ts';
import { firstOfEach } from './work.ts';

/** The stages of what is left to run whose largest attempt is estimated to take more than `memory_bytes`, by default this machine's. */
export function tooLarge(
  work: Identified,
  { memory_bytes = machineMemory(), record_tokens = usualRecordTokens } = {},
): StageEstimate[] {
  const device: Device = { ...(deviceNamed('cpu') as Device), memory_bytes };
  const { stages } = estimateWork(work, { device, utilisation: device.utilisation, record_tokens });
  return stages.filter(({ fits }) => !fits);
}

/** Throws a UserError with the numbers and the way out where a run of what `survey` found would not fit into `memory_bytes`. */
export async function refuseTooLarge(survey: Survey, memory_bytes = machineMemory()): Promise<void> {
  const { run, depends } = countUnits(survey.nodes);
  if (run + depends === 0) return;
  const units = await identifyUnits(survey);
  const identities = new Map(units.map(({ unit, identity }) => [unit, identity]));
  const [first] = tooLarge({ distinct: firstOfEach(units), identities }, { memory_bytes });
  if (first === undefined) return;
  throw new UserError(
    `${tooLargeText(first, memory_bytes)}, or run it all the same with --no-memory-check, if you know better or have swap`,
  );
}

/** `stage 'sft' is estimated to take 53 GB of memory, and this machine has 24 GB: ...` and what helps. */
export function tooLargeText({ stage, memory_bytes, fitting }: StageEstimate, has_bytes: number): string {
  const { param, value } = fitting ?? {};
  const way = value === undefined ? '' : `set '${param}' to ${value}, with which it would fit, `;
  const sizes = `${formatBytes(memory_bytes)} of memory, and this machine has ${formatBytes(has_bytes)}`;
  const vain = param !== undefined && value === undefined ? ` ('${param}' 1 would not fit either)` : '';
  return `stage '${stage}' is estimated to take ${sizes}: ${way}choose a smaller model${vain}`;
}
