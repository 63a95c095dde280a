// Slurm: job arrays by sbatch, their states by squeue alone (no accounting is needed), their end by scancel.
import type { Need } from '../executor/executor.ts';
import { type Called, call, lastWords, notFoundCode } from './call.ts';
import type { Asked, Cancellation, Queue, States, Submission, Submitted } from './queue.ts';
import { parseSqueue, squeueFormat } from './slurm-states.ts';
import { userId } from './submission.ts';

/** What a site says of its Slurm. */
export interface SlurmSite {
  /** Words for every sbatch: `--partition=long --account=x`. */
  options?: string | undefined;
  /** How GPUs are asked for; `{gpu}` stands for what the stage says. */
  gpu?: string | undefined;
  /** Words for the jobs of single stages, by their names. */
  stages?: Readonly<Record<string, string>> | undefined;
}

/** Where Slurm does not say how large an array may be: its own default. */
const usualMost = 1001;
const usualGpu = '--gres=gpu:{gpu}';
const MiB = 1 << 20;
/** What an estimate may be wrong by: a job is ended by what it asked for. */
const spare = { share: 1.5, bytes: 512 * MiB };
/** Sizes that were estimated are rounded up to so much, so that units of one stage go into one array. */
const step_MiB = 256;
/** Tasks that are named in one call of scancel. */
const cancelsAtOnce = 500;

/** Refusals that pass: too many jobs by now, or a controller that is busy or away. */
const tooMany = /submit.?(job.?)?limit|MaxSubmit|MaxJobCount|job violates accounting\/QOS policy|too many/i;
const busy = /temporarily (un|not )?a|Unable to contact|Connection refused|controller.*not resp/i;
const unclear = /timed out|connection reset|send\/recv|unexpected message/i;

export class SlurmQueue implements Queue {
  readonly name = 'slurm';
  readonly taskVariable = 'SLURM_ARRAY_TASK_ID';
  readonly #site: SlurmSite;
  readonly #env: () => NodeJS.ProcessEnv;
  #most: Promise<number> | undefined;

  constructor(site: SlurmSite = {}, env: () => NodeJS.ProcessEnv = () => process.env) {
    this.#site = site;
    this.#env = () => ownEnvironment(env());
  }

  most(): Promise<number> {
    this.#most ??= this.#call('scontrol', ['show', 'config']).then(({ out }) => {
      const found = Number(/^MaxArraySize\s*=\s*(\d+)/m.exec(out)?.[1] ?? usualMost);
      return Math.max(1, found - 1); // the largest number of a task is below it
    });
    return this.#most;
  }

  kindOf(need: Need): string {
    return JSON.stringify(this.#optionsOf(need));
  }

  async submit(submission: Submission): Promise<Submitted> {
    const { name, folder, script, tasks, need } = submission;
    const own = ['--parsable', '--requeue', `--job-name=${name}`, `--output=${folder.replaceAll('%', '%%')}/%a.out`];
    const words = [...own, '--open-mode=append', `--array=0-${tasks - 1}`, ...this.#optionsOf(need), script];
    return submitted(await this.#call('sbatch', words));
  }

  async states(asked: readonly Asked[]): Promise<States | undefined> {
    const users = new Set([userId(), ...asked.map(({ user }) => user ?? '')].filter((user) => user !== ''));
    const words = ['--noheader', '--states=all', `--format=${squeueFormat}`];
    const { code, out } = await this.#call('squeue', [...words, ...(users.size > 0 ? [`--user=${[...users]}`] : [])]);
    return code === 0 ? parseSqueue(out) : undefined;
  }

  async cancel(jobs: readonly Cancellation[], hard: boolean): Promise<void> {
    const names = jobs.flatMap(({ job, tasks }) => tasks?.map((task) => `${job}_${task}`) ?? [job]);
    for (let i = 0; i < names.length; i += cancelsAtOnce) {
      const some = names.slice(i, i + cancelsAtOnce);
      if (hard) await this.#call('scancel', ['--quiet', '--full', '--signal=KILL', ...some]);
      await this.#call('scancel', ['--quiet', ...some]);
    }
  }

  #call(program: string, words: readonly string[]): Promise<Called> {
    return call(program, words, { env: this.#env() });
  }

  #optionsOf({ stage, threads, memory_bytes, kind, resources }: Need): string[] {
    const { options = '', gpu = usualGpu, stages = {} } = this.#site;
    const own = Object.hasOwn(stages, stage) ? (stages[stage] as string) : '';
    const onDevice = kind !== undefined && !kind.includes('"provider":"cpu"');
    const estimate = onDevice ? 0 : memory_bytes;
    const memory = resources.memory_bytes === undefined ? roomFor(estimate) : Math.ceil(resources.memory_bytes / MiB);
    return [
      ...(Number.isFinite(threads) ? [`--cpus-per-task=${threads}`] : ['--exclusive']),
      ...(memory > 0 ? [`--mem=${memory}M`] : []),
      ...(resources.time_ms === undefined ? [] : [`--time=${Math.ceil(resources.time_ms / 60_000)}`]),
      ...(resources.gpu === undefined ? [] : words(gpu.replaceAll('{gpu}', resources.gpu))),
      ...words(options),
      ...words(own),
    ];
  }
}

/** MiB for an estimate; 0 for none. */
function roomFor(estimate_bytes: number): number {
  if (estimate_bytes === 0) return 0;
  const room_MiB = (estimate_bytes * spare.share + spare.bytes) / MiB;
  return Math.ceil(room_MiB / step_MiB) * step_MiB;
}

/** Free text as words; quotes hold words together. */
export function words(text: string): string[] {
  return [...text.matchAll(/(?:[^\s'"]|'[^']*'|"[^"]*")+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  );
}

/** What sbatch said. */
function submitted(called: Called): Submitted {
  const { code, out, err } = called;
  const job = /^(\d+)(?:;.*)?$/m.exec(out)?.[1];
  if (code === 0 && job !== undefined) return { type: 'accepted', job };
  const said = lastWords(called);
  if (code === notFoundCode) {
    return { type: 'refused', message: `${said}: submit where Slurm's programs are, or run with --executor local` };
  }
  if (code === null || code === 0 || unclear.test(err)) return { type: 'unclear', message: said };
  if (tooMany.test(err)) return { type: 'later', message: said, fewer: true };
  if (busy.test(err)) return { type: 'later', message: said, fewer: false };
  return { type: 'refused', message: `Slurm does not take it: ${said} (resources of the stage, options of the site)` };
}

/** Inside a job Slurm's variables are the job's own: what is submitted there must not be held for a part of it. */
function ownEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !/^SLURM(D|_)/.test(name) || /^SLURM_(CONF|JWT)$/.test(name));
  return { ...Object.fromEntries(kept), SLURM_BITSTR_LEN: '0' };
}
