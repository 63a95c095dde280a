// What a file or a flag says of resources, in bytes and milliseconds.
import type { Resources } from '../../contract/plan.ts';
import type { ResourcesFile } from '../../schemas/resources.ts';
import { readBytes, readTime } from '../../util/amounts.ts';

/** What was checked against its schema. A `gpu` of 0 is none. */
export function resourcesOf({ memory, cpus, time, gpu }: ResourcesFile): Resources {
  const memory_bytes = memory === undefined ? undefined : readBytes(memory);
  const time_ms = time === undefined ? undefined : readTime(time);
  return {
    ...(memory_bytes !== undefined && { memory_bytes }),
    ...(cpus !== undefined && { cpus }),
    ...(time_ms !== undefined && { time_ms }),
    ...(gpu !== undefined && gpu !== 0 && gpu !== '0' && { gpu: String(gpu) }),
  };
}
