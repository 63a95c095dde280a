// Tries a backend in a process of its own: what crashes there, ends or hangs takes nothing else away.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { linesOf, missingLibraries } from '../../util/last-words.ts';
import type { ToProbeChild } from './child.ts';
import type { BackendChoice, Findings, Probe } from './findings.ts';
import { type Answer, follow } from './follow.ts';

const program = fileURLToPath(new URL('./child.js', import.meta.url));
/** As many of its last lines as are kept. */
const mostLines = 5;

export interface ProbeOptions {
  /** A phase that takes longer is taken for one that hangs. */
  readonly wait_ms: number;
  /** An abort kills the process. */
  readonly signal: AbortSignal;
}

/** Starts the process, follows it to its end and judges what it found. Throws the abort's reason alone. */
export function probeInProcess(choice: BackendChoice, options: ProbeOptions): Promise<Probe> {
  return ask({ choice, depth: 'whole' }, options);
}

/** Why a backend cannot be loaded, with the libraries that the system does not find; undefined where it can. Throws the abort's reason alone. */
export async function whyUnusable(choice: BackendChoice, options: ProbeOptions): Promise<string | undefined> {
  const { reason, missing } = await ask({ choice, depth: 'load' }, options);
  if (reason === null) return undefined;
  return missing.length === 0 ? reason : `${reason} (${missingText(missing)})`;
}

/** What comes with no package. */
const origins: Readonly<Record<string, string>> = { 'libcuda.so.1': " of NVIDIA's driver" };

/** `the system does not find libcuda.so.1 of NVIDIA's driver`. */
export function missingText(missing: readonly string[]): string {
  return `the system does not find ${missing.map((name) => name + (origins[name] ?? '')).join(', ')}`;
}

async function ask(asked: ToProbeChild, { wait_ms, signal }: ProbeOptions): Promise<Probe> {
  signal.throwIfAborted();
  const child = fork(program, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    const { answer, words } = await follow(child, asked, wait_ms);
    signal.throwIfAborted();
    const said = linesOf(words).slice(-mostLines);
    return { ...asked.choice, ...judged(answer), missing: missingLibraries(words), said };
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

type Judgement = Pick<Probe, 'verdict' | 'reason' | 'findings'>;

function judged(answer: Answer): Judgement {
  if ('findings' in answer) {
    return answer.findings === null
      ? { verdict: 'usable', reason: null, findings: null }
      : judgedFindings(answer.findings);
  }
  return { verdict: 'unusable', reason: answer.reason, findings: null };
}

function judgedFindings(findings: Findings): Judgement {
  const { product, training } = findings;
  const wrong = [...(product.right ? [] : ['a product']), ...(training?.right === false ? ['a training'] : [])];
  if (wrong.length === 0) return { verdict: 'usable', reason: null, findings };
  const differ = wrong.length > 1 ? 'differ' : 'differs';
  const reason = `it computes wrong numbers: ${wrong.join(' and ')} ${differ} from plain JavaScript's`;
  return { verdict: 'wrong', reason, findings };
}
