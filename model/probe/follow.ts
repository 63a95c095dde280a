// Follows the process that tries a backend, from the request to its end.
import type { ChildProcess } from 'node:child_process';
import { bindingHelp, providerHelp } from '../../tensor/backend/ways-out.ts';
import { endOf } from '../../util/last-words.ts';
import type { FromProbeChild, ToProbeChild } from './child.ts';
import type { BackendChoice, Findings, Phase } from './findings.ts';

/** As much of its last words as is kept. */
const mostWords = 4000;

const phases: Readonly<Record<Phase, string>> = {
  engine: "lamina's engine was loaded",
  load: 'it was loaded',
  product: 'a product was computed',
  training: 'a small model was trained',
};

/** What the process found, or why it found nothing, with the way out. */
export type Answer = { findings: Findings | null } | { reason: string };

/** Asks it and waits until it is gone; one that takes longer than `wait_ms` for a phase is killed. */
export async function follow(
  child: ChildProcess,
  asked: ToProbeChild,
  wait_ms: number,
): Promise<{ answer: Answer; words: string }> {
  let phase: Phase = 'engine';
  let answer: Answer | undefined;
  const words = listen(child);
  const failed = (what: string): Answer => ({ reason: `${what}; ${wayOut(asked.choice, phase)}` });
  const clock = startClock(wait_ms, () => {
    const late = `its process took longer than ${wait_ms / 1000} s while ${phases[phase]}, and was ended`;
    answer ??= failed(`${late} (--wait gives it longer)`);
    endNow(child);
  });
  child.on('message', (message: FromProbeChild) => {
    clock.restart();
    if ('phase' in message) phase = message.phase;
    else if ('findings' in message) answer ??= message;
    else if (message.is_whole) answer ??= { reason: message.error };
    else answer ??= failed(`${message.error.split('\n')[0]}, while ${phases[phase]}`);
  });
  child.send(asked, () => {}); // a failed send is followed by the end of the process
  const end = await endOfChild(child, words);
  clock.stop();
  return { answer: answer ?? failed(`its process ${end}, while ${phases[phase]}`), words: words() };
}

function wayOut({ backend, provider }: BackendChoice, phase: Phase): string {
  if (phase === 'engine') return providerHelp('cpu');
  return backend === 'tensorflow' ? bindingHelp : providerHelp(provider ?? 'cpu');
}

/** Kills it; what it started may hold its output open, and is not waited for. */
function endNow(child: ChildProcess): void {
  child.kill('SIGKILL');
  child.stdout?.destroy();
  child.stderr?.destroy();
}

/** Waits until it is gone; how it ended. */
function endOfChild(child: ChildProcess, words: () => string): Promise<string> {
  return new Promise((resolve) => {
    child.on('error', (error) => resolve(`could not be started: ${error.message}`));
    child.on('close', (code, signal) => resolve(endOf(code, signal, words())));
  });
}

/** Gathers what it writes; gives the end of it. */
function listen(child: ChildProcess): () => string {
  let words = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      words = `${words}${chunk}`.slice(-mostWords);
    });
  }
  return () => words;
}

function startClock(wait_ms: number, late: () => void): { restart(): void; stop(): void } {
  const timer = setTimeout(late, wait_ms);
  return { restart: () => void timer.refresh(), stop: () => clearTimeout(timer) };
}
