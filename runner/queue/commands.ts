// Any batch system that has commands: what to submit, to ask and to cancel with is text of the site.
import type { Need } from '../executor/executor.ts';
import { type Called, call, lastWords } from './call.ts';
import type { Asked, Cancellation, EndKind, Queue, States, Submission, Submitted, TaskState } from './queue.ts';
import { quoted } from './submission.ts';

/** A batch system in commands, which a shell runs; `{script}` and its like are filled in, quoted. What stands in `[[ ]]` is left out where a value in it is not known. */
export interface CommandSite {
  name: string;
  submit: string;
  /** Finds the job in what `submit` prints, as its first group. */
  job: string;
  /** The variable in which a job finds the number of its task. */
  task?: string | undefined;
  /** Tasks of one submission; 1: the system has no arrays. */
  most: number;
  /** Prints a line for each task that is there. */
  status: string;
  /** Finds `job`, `task` and `state` in a line, as named groups. */
  line: string;
  states: { pending: readonly string[]; running: readonly string[]; ended: readonly string[] };
  /** Ends a whole job, and `cancel_task` one task of it. */
  cancel: string;
  cancel_task?: string | undefined;
}

const MiB = 1 << 20;
/** The end of a task that the system names no better: its own notes say more. */
const plainEnd: EndKind = 'failed';

export class CommandQueue implements Queue {
  readonly name: string;
  readonly taskVariable: string;
  readonly #site: CommandSite;
  readonly #env: () => NodeJS.ProcessEnv;

  constructor(site: CommandSite, env: () => NodeJS.ProcessEnv = () => process.env) {
    this.#site = site;
    this.#env = env;
    this.name = site.name;
    this.taskVariable = site.task ?? 'LAMINA_TASK';
  }

  async most(): Promise<number> {
    return this.#site.most;
  }

  kindOf(need: Need): string {
    return JSON.stringify(valuesOf(need));
  }

  async submit({ name, folder, script, tasks, need }: Submission): Promise<Submitted> {
    const values = { ...valuesOf(need), name, folder, script, tasks: String(tasks), last: String(tasks - 1) };
    const called = await this.#run(filled(this.#site.submit, values));
    const job = new RegExp(this.#site.job, 'm').exec(called.out)?.[1];
    if (called.code === 0 && job !== undefined) return { type: 'accepted', job };
    const said = lastWords(called);
    if (called.code === null) return { type: 'unclear', message: said };
    const what = called.code === 0 ? `it printed no job that '${this.#site.job}' finds: ${said}` : said;
    return { type: 'refused', message: `${this.name} does not take it: ${what} (commands.submit of the site)` };
  }

  async states(asked: readonly Asked[]): Promise<States | undefined> {
    const jobs = asked.flatMap(({ job }) => job ?? []);
    const { code, out } = await this.#run(filled(this.#site.status, { jobs: undefined }, { jobs }));
    if (code !== 0) return undefined;
    const ids = new Map(asked.map(({ id, job }) => [job, id]));
    const found = new Map<string, { job: string; tasks: Map<number, TaskState> }>();
    const line = new RegExp(this.#site.line);
    for (const text of out.split('\n')) {
      const { job, task = '0', state = '' } = line.exec(text)?.groups ?? {};
      const id = ids.get(job);
      if (job === undefined || id === undefined || !/^\d{1,9}$/.test(task)) continue;
      const known = found.get(id) ?? { job, tasks: new Map() };
      found.set(id, known);
      known.tasks.set(Number(task), this.#stateOf(state));
    }
    return found;
  }

  async cancel(jobs: readonly Cancellation[]): Promise<void> {
    const { cancel, cancel_task } = this.#site;
    for (const { job, tasks } of jobs) {
      if (tasks === undefined || this.#site.most === 1) await this.#run(filled(cancel, { job }));
      else if (cancel_task !== undefined) {
        for (const task of tasks) await this.#run(filled(cancel_task, { job, task: String(task) }));
      }
    }
  }

  #run(command: string): Promise<Called> {
    return call('/bin/sh', ['-c', command], { env: this.#env() });
  }

  /** A word that nobody has named is that of a job which is there. */
  #stateOf(words: string): TaskState {
    const { pending, ended } = this.#site.states;
    if (ended.includes(words)) return { phase: 'ended', kind: plainEnd, words };
    return { phase: pending.includes(words) ? 'pending' : 'running', words };
  }
}

type Values = Readonly<Record<string, string | undefined>>;

function valuesOf({ stage, threads, memory_bytes, resources }: Need): Values {
  const { memory_bytes: limit_bytes, time_ms, gpu } = resources;
  const memory = limit_bytes ?? memory_bytes;
  return {
    stage,
    cpus: Number.isFinite(threads) ? String(threads) : undefined,
    memory_mb: memory > 0 ? String(Math.ceil(memory / MiB)) : undefined,
    time_s: time_ms === undefined ? undefined : String(Math.ceil(time_ms / 1000)),
    gpu,
  };
}

/** The command with its values as words of a shell; `lists` become several words. */
export function filled(
  template: string,
  values: Values,
  lists: Readonly<Record<string, readonly string[]>> = {},
): string {
  const known = (name: string) => values[name] !== undefined || (lists[name]?.length ?? 0) > 0;
  const put = (text: string) =>
    text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      if (Object.hasOwn(lists, name)) return (lists[name] as string[]).map(quoted).join(' ');
      return values[name] === undefined ? (Object.hasOwn(values, name) ? '' : whole) : quoted(values[name]);
    });
  const kept = template.replace(/\[\[(.*?)\]\]/gs, (_, part: string) => {
    return [...part.matchAll(/\{(\w+)\}/g)].every(([, name = '']) => known(name)) ? part : '';
  });
  return put(kept);
}
