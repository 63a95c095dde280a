// The worker process: takes jobs from the runner, runs stages, reports. The one export is called by the entry file.
import type { StageRegistry } from '../../contract/stage.ts';
import type { FromWorker, Job, ToWorker } from '../attempt/protocol.ts';
import { runJob } from './job.ts';
import { markOutput } from './log.ts';

/** Serves jobs until the runner goes away. */
export function serveWorker(registry: StageRegistry): void {
  const parent = process.ppid;
  const leaveOrphaned = () => {
    if (process.ppid !== parent || !process.connected) process.exit(1);
  };
  const send = (message: FromWorker) => {
    leaveOrphaned();
    process.send?.(message, undefined, undefined, () => {});
  };
  let current: { id: string; controller: AbortController } | undefined;

  async function serve(job: Job): Promise<void> {
    const controller = new AbortController();
    current = { id: job.id, controller };
    const failure = await runJob(job, registry, controller.signal, send);
    current = undefined;
    await markOutput(job.id);
    send({ type: 'end', id: job.id, failure });
  }

  // Ctrl-C reaches the whole process group: what to do about it is the runner's decision.
  for (const signal of ['SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('disconnect', () => process.exit(1));
  process.on('message', (message) => {
    const order = message as ToWorker;
    if (order.type === 'job') void serve(order);
    else if (order.id === current?.id) current.controller.abort(new Error('the run was stopped'));
  });
}
