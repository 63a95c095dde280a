// How long something takes: by the wall, and of the process's threads, which does not count what they waited for a core.

/** Seconds. */
export interface Spent {
  readonly wall_s: number;
  readonly cpu_s: number;
}

/** Starts one; each call of what comes back says what went by since. */
export function stopwatch(): () => Spent {
  const cpu = process.cpuUsage();
  const start_ms = performance.now();
  return () => {
    const wall_s = (performance.now() - start_ms) / 1000;
    const { user, system } = process.cpuUsage(cpu);
    return { wall_s, cpu_s: (user + system) / 1e6 };
  };
}
