// Tries a backend in a process of its own: what crashes there, ends or hangs takes nothing else away.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { bindingHelp, providerHelp } from '../../tensor/backend/ways-out.ts';
import { endOf, linesOf, missingLibraries } from '../../util/last-words.ts';
import type { FromProbeChild } from './child.ts';
import type { Candidate, Findings, Passage, Probe } from './findings.ts';

const program = fileURLToPath(new URL('./child.js', import.meta.url));
/** As much of its last words as is kept, in characters and lines. */
const mostWords = 4000;
const mostLines = 5;

const passages: Readonly<Record<Passage, string>> = {
  load: 'it was loaded',
  product: 'a product was computed',
  training: 'a small model was trained',
};

export interface ProbeOptions {
  /** A passage that takes longer is taken for one that hangs. */
  readonly wait_ms: number;
  /** An abort kills the process. */
  readonly signal: AbortSignal;
}

/** Starts the process, follows it to its end and judges what it found. Throws the abort's reason alone. */
export async function probeInProcess(candidate: Candidate, { wait_ms, signal }: ProbeOptions): Promise<Probe> {
  signal.throwIfAborted();
  const child = fork(program, [], { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: [] });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    const { answer, words } = await follow(child, candidate, wait_ms);
    signal.throwIfAborted();
    const said = linesOf(words).slice(-mostLines);
    return { ...candidate, ...judged(candidate, answer), missing: missingLibraries(words), said };
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

/** What became of the process: findings, an error's message, or a sentence about its end, which is no error of the library's own. */
type Answer = { findings: Findings } | { error: string } | { end: string };

function follow(
  child: ChildProcess,
  candidate: Candidate,
  wait_ms: number,
): Promise<{ answer: Answer; words: string }> {
  return new Promise((resolve) => {
    let words = '';
    let answer: Answer | undefined;
    let passage: Passage = 'load';
    const hangs = () => {
      answer ??= {
        end: `took longer than ${wait_ms / 1000} s while ${passages[passage]}, and was ended (--wait gives it longer)`,
      };
      child.kill('SIGKILL');
    };
    let timer = setTimeout(hangs, wait_ms);
    const hear = (chunk: Buffer) => {
      words = `${words}${chunk}`.slice(-mostWords);
    };
    const end = (last: Answer) => {
      clearTimeout(timer);
      resolve({ answer: answer ?? last, words });
    };
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.on('message', (message: FromProbeChild) => {
      clearTimeout(timer);
      timer = setTimeout(hangs, wait_ms);
      if ('passage' in message) passage = message.passage;
      else answer ??= message;
    });
    child.on('error', (error) => end({ end: `could not be started: ${error.message}` }));
    child.on('close', (code, signal) => end({ end: `${endOf(code, signal, words)}, while ${passages[passage]}` }));
    child.send(candidate, () => {}); // a failed send is followed by the end of the process
  });
}

function judged(candidate: Candidate, answer: Answer): Pick<Probe, 'verdict' | 'reason' | 'findings'> {
  if ('findings' in answer) return judgedFindings(answer.findings);
  const reason = 'error' in answer ? answer.error : `its process ${answer.end}; ${wayOut(candidate)}`;
  return { verdict: 'unusable', reason, findings: null };
}

function judgedFindings(findings: Findings): Pick<Probe, 'verdict' | 'reason' | 'findings'> {
  const wrong = [
    findings.product.right ? '' : 'a product',
    findings.training?.right === false ? 'a training' : '',
  ].filter((each) => each !== '');
  if (wrong.length === 0) return { verdict: 'usable', reason: null, findings };
  const reason = `it computes wrong numbers: ${wrong.join(' and ')} ${wrong.length > 1 ? 'differ' : 'differs'} from plain JavaScript's`;
  return { verdict: 'wrong', reason, findings };
}

function wayOut({ backend, provider }: Candidate): string {
  return backend === 'tensorflow' ? bindingHelp : providerHelp(provider ?? 'cpu');
}
