// The program of a process that tries one backend: a candidate comes in, what was found or what went wrong goes out, and it ends.
import { Worker } from 'node:worker_threads';
import type { Candidate, Findings, Passage } from './findings.ts';

/** What it says: what begins, and at last the findings or an error's message. */
export type FromProbeChild = { passage: Passage } | { findings: Findings } | { error: string };

new Worker(new URL('./watch.js', import.meta.url)).unref();

process.once('message', async (candidate) => {
  const answer = await answerTo(candidate as Candidate);
  process.send?.(answer, undefined, undefined, () => process.exit(0));
});
process.once('disconnect', () => process.exit(1)); // nobody waits for the answer any more

async function answerTo(candidate: Candidate): Promise<FromProbeChild> {
  try {
    // only now: ONNX Runtime is loaded by it, and may be what does not load
    const { probe } = await import('./probe.ts');
    return { findings: await probe(candidate, (passage) => void process.send?.({ passage })) };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
