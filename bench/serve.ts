// The other end of a side: reads numbers of steps, makes them, writes how long they took.
import { createInterface } from 'node:readline';

/** Something that can be measured: `round` makes `steps` steps and returns a number to compare by. */
export interface Workload {
  round(steps: number): Promise<number>;
  /** CPU time of the last round that was spent in the model. */
  model_cpu_ms?(): number;
}

/** Serves `workload` until the input ends. */
export async function serve(workload: Workload, versions: Readonly<Record<string, string>>): Promise<void> {
  say(versions);
  for await (const line of createInterface({ input: process.stdin })) {
    const start = performance.now();
    const cpu = process.cpuUsage();
    const value = await workload.round(Number(line));
    const wall_ms = performance.now() - start;
    const { user, system } = process.cpuUsage(cpu);
    say({ wall_ms, cpu_ms: (user + system) / 1000, model_cpu_ms: workload.model_cpu_ms?.(), value });
  }
}

function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}
