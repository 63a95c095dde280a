// Which executor a run has: what the flags say, else the site file, else this machine.
import { fileURLToPath } from 'node:url';
import type { Executor } from '../../runner/executor/executor.ts';
import { findGpus } from '../../runner/executor/gpus.ts';
import { LocalExecutor } from '../../runner/executor/local.ts';
import { CommandQueue } from '../../runner/queue/commands.ts';
import type { Queue } from '../../runner/queue/queue.ts';
import { QueueExecutor } from '../../runner/queue/queue-executor.ts';
import { SlurmQueue } from '../../runner/queue/slurm.ts';
import type { Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import type { Context } from '../common/context.ts';
import type { RunFlags } from '../common/flags.ts';
import { readSite, type Site } from '../common/site.ts';

/** Attempts that a batch system is given at once: each is a lease and some files here. */
const usualJobs = 1000;
const usualMost = 1000;

/** Where a run's attempts are carried out. */
export interface Place {
  /** True on this machine: what fits into it and loads here can be asked before anything runs. */
  isLocal: boolean;
  /** The executor of one part of the run; `say` is told what becomes of its jobs. */
  open(store: Store, say: (sentence: string) => void): Executor;
}

/** Throws UserError for a site file that is wrong, or that does not say what the executor needs. */
export async function placeOf(flags: RunFlags, context: Context): Promise<Place> {
  const site = readSite(flags.site);
  const name = flags.executor ?? site.executor ?? 'local';
  if (name === 'local') {
    const gpus = () => devicesFor(flags.gpus);
    const open = (store: Store) => new LocalExecutor({ workerUrl: context.worker, store, jobs: flags.jobs, gpus });
    return { isLocal: true, open };
  }
  const queue = queueOf(name, site);
  const jobs = flags.jobs ?? site.jobs ?? usualJobs;
  const program = { program: fileURLToPath(context.job), node: process.execPath };
  const open: Place['open'] = (store, say) =>
    new QueueExecutor({ store, queue, jobs, times: site.times, say, ...program });
  return { isLocal: false, open };
}

/** The devices that are found, or `count` of them; where none are, by their numbers. */
async function devicesFor(count: number | undefined): Promise<string[]> {
  const found = count === 0 ? [] : await findGpus();
  if (count === undefined) return found;
  return Array.from({ length: count }, (_, i) => (found.length === 0 ? String(i) : found[i])).filter(
    (device): device is string => device !== undefined,
  );
}

/** The batch system of a site. Throws UserError where the site does not say what it needs. */
export function queueOf(name: 'slurm' | 'commands', { slurm, commands }: Site): Queue {
  if (name === 'slurm') return new SlurmQueue(slurm);
  if (commands === undefined) {
    throw new UserError(
      "--executor commands needs the commands: give 'commands' in lamina.site.yaml (docs/cluster.md), or another --executor",
    );
  }
  const { pending = [], running = [], ended = [] } = commands.states ?? {};
  const { job = '(\\S+)', most = usualMost } = commands;
  return new CommandQueue({ ...commands, job, most, states: { pending, running, ended } });
}
