// The program of a process that tries one backend: a choice comes in, what was found or what went wrong goes out, and it ends.
import { Worker } from 'node:worker_threads';
import { isUserError } from '../../util/errors.ts';
import type { BackendChoice, Depth, Findings, Phase } from './findings.ts';

/** What it is asked. */
export type ToProbeChild = { choice: BackendChoice; depth: Depth };

/** What it says: what begins, and at last the findings (null where it was only loaded) or an error's message, whole where it has its way out. */
export type FromProbeChild = { phase: Phase } | { findings: Findings | null } | { error: string; is_whole: boolean };

new Worker(new URL('./watch.js', import.meta.url)).unref();

process.once('message', async (asked) => {
  const answer = await answerTo(asked as ToProbeChild);
  process.send?.(answer, undefined, undefined, () => process.exit(0));
});
process.once('disconnect', () => process.exit(1)); // nobody waits for the answer any more

async function answerTo({ choice, depth }: ToProbeChild): Promise<FromProbeChild> {
  try {
    // only now: ONNX Runtime is loaded by it, and may be what does not load
    const { load, probe } = await import('./probe.ts');
    if (depth === 'whole') return { findings: await probe(choice, say) };
    await load(choice, say);
    return { findings: null };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error), is_whole: isUserError(error) };
  }
}

function say(phase: Phase): Promise<void> {
  return new Promise((resolve) => process.send?.({ phase }, undefined, undefined, () => resolve()));
}
