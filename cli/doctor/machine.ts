// What this machine has, and what of it this process may use.
import { availableParallelism, cpus, totalmem } from 'node:os';
import { machineMemory } from '../../runner/executor/this-machine.ts';
import { type Gpu, gpusOf, vulkanDrivers } from '../../util/gpus.ts';
import { coreQuota } from './core-quota.ts';

export interface Machine {
  readonly platform: string;
  readonly arch: string;
  /** Null where the system does not name it. */
  readonly processor: string | null;
  /** Those of the machine, those that this process may run on, and the share of time that a quota gives (null without one). */
  readonly machine_cores: number;
  readonly cores: number;
  readonly core_quota: number | null;
  /** Of the machine, of what a limit leaves, and what of it is free now. */
  readonly machine_memory_bytes: number;
  readonly memory_bytes: number;
  readonly free_memory_bytes: number;
  readonly gpus: readonly Gpu[];
  readonly vulkan_drivers: readonly string[];
}

/** The machine as the system tells of it now. */
export function thisMachine(): Machine {
  const model = cpus()[0]?.model.trim();
  return {
    platform: process.platform,
    arch: process.arch,
    processor: model || null,
    machine_cores: cpus().length,
    cores: availableParallelism(),
    core_quota: coreQuota(),
    machine_memory_bytes: totalmem(),
    memory_bytes: machineMemory(),
    free_memory_bytes: process.availableMemory(),
    gpus: gpusOf(),
    vulkan_drivers: vulkanDrivers(),
  };
}
