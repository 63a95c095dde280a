// The GPUs of this machine: each attempt that computes on one has one for itself.
import { execFile } from 'node:child_process';
import type { Need } from './executor.ts';
import { Slots } from './slots.ts';

const endless = Number.POSITIVE_INFINITY;

/** True for work that computes on a GPU: by its numerics, or because its stage asks for one. */
export function usesGpu({ kind, resources }: Need): boolean {
  return resources.gpu !== undefined || (kind !== undefined && /"provider":"(?!cpu")/.test(kind));
}

/** Says which devices there are; asked once, by the first attempt that computes on one. */
export type FindDevices = () => Promise<readonly string[]>;

/** How many devices there are, those that are free, and the turns at them. */
interface Pool {
  size: number;
  free: string[];
  slots: Slots;
}

/** Hands devices out, in plan order; without devices nobody waits, and nothing is said of which to use. */
export class Gpus {
  readonly #find: FindDevices;
  #pool: Promise<Pool> | undefined;

  constructor(find: FindDevices) {
    this.#find = find;
  }

  /** A device for an attempt, or none where it needs none; `leave` gives it back. */
  async take(need: Need, order: readonly [number, number]): Promise<{ device: string | undefined; leave(): void }> {
    const pool = usesGpu(need) ? await this.#opened() : undefined;
    if (pool === undefined || pool.size === 0) return { device: undefined, leave: () => {} };
    const { free, slots } = pool;
    const release = await slots.take(order, { threads: 1, memory_bytes: 0 });
    const device = free.shift() as string;
    let isLeft = false;
    const leave = () => {
      if (isLeft) return;
      isLeft = true;
      free.unshift(device);
      release();
    };
    return { device, leave };
  }

  #opened(): Promise<Pool> {
    this.#pool ??= this.#find().then((devices) => {
      const slots = new Slots(devices.length, { threads: endless, memory_bytes: endless });
      return { size: devices.length, free: [...devices], slots };
    });
    return this.#pool;
  }
}

/** The devices that this process may use: those of CUDA_VISIBLE_DEVICES, else those that nvidia-smi lists; none where there is no such program. */
export function findGpus(env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const { CUDA_VISIBLE_DEVICES: given } = env;
  if (given !== undefined) return Promise.resolve(given.split(',').filter((device) => device.trim() !== ''));
  return new Promise((resolve) => {
    const words = ['--query-gpu=index', '--format=csv,noheader'];
    execFile('nvidia-smi', words, { env, timeout: 10_000, killSignal: 'SIGKILL' }, (error, out) => {
      const devices = error === null ? out.split('\n').map((line) => line.trim()) : [];
      resolve(devices.filter((device) => /^\d{1,4}$/.test(device)));
    });
  });
}
