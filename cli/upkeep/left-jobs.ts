// Jobs whose run is gone: the batch system is asked about them, and what the gone ones left is given up.

import type { Queue, TaskState } from '../../runner/queue/queue.ts';
import { usualTimes } from '../../runner/queue/queue-executor.ts';
import { openSubmission } from '../../runner/queue/submission.ts';
import type { OpenJob } from '../../store/attempts.ts';
import { layoutOf } from '../../store/layout.ts';
import type { LocalStore } from '../../store/store.ts';
import { noteListed } from '../../store/submissions.ts';
import { giveUp, leftJobs } from '../../store/upkeep/jobs.ts';
import { formatLimit } from '../../util/amounts.ts';
import { readSite, type Site } from '../common/site.ts';
import { countOf } from '../common/spec-name.ts';
import { queueOf } from '../runs/executor.ts';

/** Ends after which a job does not run again: the others may be requeued or released. */
const finalEnds: readonly (TaskState['kind'] | undefined)[] = ['done', 'failed', 'memory', 'time', 'cancelled'];

/** Sentences on the jobs for which no run waits here; nothing is asked and nothing changed. */
export function sentencesOnJobs(store: string): string[] {
  return openSentences(leftJobs(store));
}

/** The same, after the batch systems of the site file were asked; jobs that are gone are given up. Throws UserError for a site file that is wrong. */
export async function settleJobs(store: LocalStore, sitePath: string | undefined): Promise<string[]> {
  const jobs = leftJobs(store.folder);
  if (jobs.length === 0) return [];
  const site = readSite(sitePath);
  const said: string[] = [];
  const open: OpenJob[] = [];
  for (const [name, own] of byExecutor(jobs)) {
    const left = await settleOf(name, own, store, site, said);
    open.push(...left);
  }
  return [...said, ...openSentences(open)];
}

/** Asks one batch system; which of its jobs are open. */
async function settleOf(
  name: string,
  jobs: readonly OpenJob[],
  store: LocalStore,
  site: Site,
  said: string[],
): Promise<readonly OpenJob[]> {
  const queue = queueNamed(name, site);
  const asked = [...new Set(jobs.map(({ task }) => task.submission))].map((id) => ({
    id,
    ...openSubmission(store.folder, id),
  }));
  const states = await queue?.states(asked.map(({ id, job, user }) => ({ id, job, user })));
  if (states === undefined) {
    said.push(
      queue === undefined
        ? `the site file has no '${name}', so its jobs count as open`
        : `${name} does not answer, so its jobs count as open`,
    );
    return jobs;
  }
  const known = new Map(asked.map(({ id, job }) => [id, job !== undefined || name === 'slurm']));
  const absent_ms = site.times.absent_ms ?? usualTimes.absent_ms;
  const [open, missing]: [OpenJob[], OpenJob[]] = [[], []];
  let gone = 0;
  for (const job of jobs) {
    const state = states.get(job.task.submission)?.tasks.get(job.task.task);
    const isOver = state?.phase === 'ended' && finalEnds.includes(state.kind);
    const isListed = state !== undefined || known.get(job.task.submission) !== true; // a job that has no name cannot be looked for
    const since_ms = noteListed(layoutOf(store.folder), job.task, isListed);
    const isGone = isOver || (since_ms !== undefined && Date.now() - since_ms > absent_ms);
    if (isGone && (await giveUp(store, job))) gone++;
    else (isListed ? open : missing).push(job);
  }
  if (gone > 0)
    said.push(
      `${countOf(gone, 'job')} of ${name} without a run ${gone === 1 ? 'is' : 'are'} gone: what is left of ${gone === 1 ? 'it' : 'them'} can go`,
    );
  if (missing.length > 0)
    said.push(
      `${name} does not list ${countOf(missing.length, 'job')} without a run: gone where 'lamina gc --yes' is told the same in ${formatLimit(absent_ms)}; until then what they read stays`,
    );
  return open;
}

function queueNamed(name: string, site: Site): Queue | undefined {
  if (name === 'slurm') return queueOf('slurm', site);
  return site.commands?.name === name ? queueOf('commands', site) : undefined;
}

function openSentences(jobs: readonly OpenJob[]): string[] {
  return [...byExecutor(jobs)].map(([name, own]) => {
    const [whose, them] = own.length === 1 ? ['its', 'it'] : ['their', 'them'];
    const what = own.length === 1 ? 'what it reads' : 'what they read';
    const jobs = countOf(own.length, 'job');
    return `${jobs} of ${name} may run although ${whose} run is gone: ${what} stays (the same 'lamina run' waits for ${them})`;
  });
}

function byExecutor(jobs: readonly OpenJob[]): Map<string, OpenJob[]> {
  const found = new Map<string, OpenJob[]>();
  for (const job of jobs) {
    const name = String(job.carrier.executor);
    const known = found.get(name);
    if (known === undefined) found.set(name, [job]);
    else known.push(job);
  }
  return found;
}
