// What Slurm says of its jobs, as states of tasks.
import type { EndKind, SubmissionState, TaskState } from './queue.ts';

/** A line of squeue: job, task or tasks, state, name, reason. */
export const squeueFormat = '%F|%K|%T|%j|%r';

const ends: Readonly<Record<string, EndKind>> = {
  COMPLETED: 'done',
  FAILED: 'failed',
  OUT_OF_MEMORY: 'memory',
  TIMEOUT: 'time',
  DEADLINE: 'time',
  NODE_FAIL: 'node',
  BOOT_FAIL: 'node',
  PREEMPTED: 'preempted',
  CANCELLED: 'cancelled',
  REVOKED: 'cancelled',
};
const pending: ReadonlySet<string> = new Set([
  'PENDING',
  'REQUEUED',
  'REQUEUE_FED',
  'REQUEUE_HOLD',
  'SPECIAL_EXIT',
  'RESV_DEL_HOLD',
]);
/** Held by Slurm itself, since nothing good would come of another try. */
const notLaunched = /launch failed|requeued (in )?held|JobHoldMaxRequeue|env retrieval failed/i;
const whyNot = "the log of the node's slurmd says why, 'sinfo -R' whether it was drained for it";
const held: readonly string[] = ['REQUEUE_HOLD', 'SPECIAL_EXIT', 'RESV_DEL_HOLD'];
const release = "it is held: 'scontrol release {job}' lets it start, 'scancel {job}' gives it up";
const asItIs = "it does not start as it is: 'scancel {job}' gives it up, for other resources or options of the site";
/** Reasons to wait that do not pass by themselves. */
const advices: readonly (readonly [RegExp, string])[] = [
  [/^JobHeld(User|Admin)/, release],
  [
    /DOWN, DRAINED|ReqNodeNotAvail|NodeDown|Partition(Down|Inactive)/,
    "it waits for nodes that are not there: 'sinfo -R' says why",
  ],
  [
    /^(BadConstraints|PartitionTimeLimit|PartitionNodeLimit|Invalid(Account|QOS)|(Account|QOS)NotAllowed|PartitionConfig)/,
    asItIs,
  ],
];
/** No array has more tasks: Slurm's own limit. */
const mostTasks = 4_000_001;

/** The lamina jobs that squeue lists, by the ids of their submissions. */
export function parseSqueue(text: string): Map<string, SubmissionState> {
  const found = new Map<string, { job: string; tasks: Map<number, TaskState> }>();
  for (const line of text.split('\n')) {
    const [, job, tasks = '', state = '', id, reason = ''] =
      /^(\d+)\|([^|]*)\|([A-Z_]+)\|lamina-([\w-]{1,64})\|(.*)$/.exec(line.trim()) ?? [];
    if (job === undefined || id === undefined) continue;
    const known = found.get(id) ?? { job, tasks: new Map() };
    found.set(id, known);
    for (const task of tasksOf(tasks)) known.tasks.set(task, stateOf(state, reason));
  }
  return found;
}

/** `7`, `3-9`, `1,4-6:2%50`: the tasks of a line; a job that is no array has the task 0. */
function* tasksOf(text: string): Iterable<number> {
  if (!/^\d/.test(text)) {
    yield 0;
    return;
  }
  for (const part of text.replace(/%.*$/, '').split(',')) {
    const [, from, to, step = '1'] = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part) ?? [];
    if (from === undefined) continue;
    const last = Math.min(Number(to ?? from), Number(from) + mostTasks);
    for (let task = Number(from); task <= last; task += Math.max(1, Number(step))) yield task;
  }
}

/** A job that could not be started is held until somebody looks at it: for whoever waits it has ended. One that people hold is waited for. */
function stateOf(state: string, reason: string): TaskState {
  const words = reason === '' || reason === 'None' ? state : `${state} (${reason.replace(/^\(|\)$/g, '')})`;
  if (pending.has(state)) {
    const plain = reason.replaceAll('_', ' '); // Slurm writes them either way, by its version
    if (notLaunched.test(plain)) return { phase: 'ended', kind: 'held', words, advice: whyNot };
    const advice = held.includes(state) ? release : advices.find(([pattern]) => pattern.test(plain))?.[1];
    return { phase: 'pending', words, ...(advice !== undefined && { advice }) };
  }
  const kind = ends[state];
  return kind === undefined ? { phase: 'running', words } : { phase: 'ended', kind, words };
}
