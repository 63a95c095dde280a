// The program of a process that times one model once: a request comes in, a sample or an error goes out, and it ends.
import { UserError } from '../../util/errors.ts';
import { type LatencyRequest, type LatencySample, measureLatency } from './session.ts';

/** What it answers with; `user` is false where something broke. */
export type FromLatencyChild = { sample: LatencySample } | { error: string; user: boolean };

process.once('message', async (request) => {
  const answer = await answerTo(request as LatencyRequest);
  process.send?.(answer, undefined, undefined, () => process.exit(0));
});
process.once('disconnect', () => process.exit(1)); // nobody waits for the answer any more

async function answerTo(request: LatencyRequest): Promise<FromLatencyChild> {
  try {
    return { sample: await measureLatency(request) };
  } catch (error) {
    if (error instanceof UserError) return { error: error.message, user: true };
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error), user: false };
  }
}
