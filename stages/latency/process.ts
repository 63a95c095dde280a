// Times one model in a process of its own, and puts what may become of that process into words.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { UserError } from '../../util/errors.ts';
import { endOf } from '../../util/last-words.ts';
import type { FromLatencyChild } from './child.ts';
import type { LatencyRequest, LatencySample } from './session.ts';

const program = fileURLToPath(new URL('./child.js', import.meta.url));
/** As much of its last words as is kept. */
const mostWords = 2000;

/** Starts the process, waits for its sample, and lets it end. `input` is the name of the stage's input, for messages; an abort kills it. */
export async function sampleOf(input: string, request: LatencyRequest, signal: AbortSignal): Promise<LatencySample> {
  signal.throwIfAborted();
  const child = fork(program, [], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'], execArgv: [] });
  const kill = () => child.kill('SIGKILL');
  signal.addEventListener('abort', kill);
  try {
    const answer = await answerOf(child, request);
    signal.throwIfAborted();
    if (typeof answer === 'string') throw new UserError(`input '${input}': ${answer}`);
    if ('sample' in answer) return answer.sample;
    if (!answer.user) throw new Error(answer.error);
    throw new UserError(`input '${input}': ${answer.error}${wayOut(input, answer.error)}`);
  } finally {
    signal.removeEventListener('abort', kill);
    kill();
  }
}

/** What to join instead, for the two usual mistakes of wiring. */
function wayOut(input: string, error: string): string {
  if (/external data/i.test(error)) return `; join input '${input}_data' to output 'onnx_data' of the same export`;
  return /protobuf/i.test(error) ? "; expected output 'onnx' of an export with format: onnx" : '';
}

/** What the process said; a sentence where it ended without a word. */
function answerOf(child: ChildProcess, request: LatencyRequest): Promise<FromLatencyChild | string> {
  return new Promise((resolve) => {
    let words = '';
    let answer: FromLatencyChild | undefined;
    child.stderr?.on('data', (chunk: Buffer) => {
      words = `${words}${chunk}`.slice(-mostWords);
    });
    child.on('message', (message) => {
      answer = message as FromLatencyChild;
    });
    child.on('error', (error) => resolve(`the process that times it could not be started: ${error.message}`));
    child.on('close', (code, signal) => resolve(answer ?? deathOf(code, signal, words)));
    child.send(request, () => {}); // a failed send is followed by the end of the process
  });
}

function deathOf(code: number | null, signal: NodeJS.Signals | null, words: string): string {
  if (signal === 'SIGKILL') {
    return 'the process that times it was killed (SIGKILL), most likely because memory ran out: take a smaller model, fewer prompt_tokens, or fewer bits';
  }
  return `the process that times it ${endOf(code, signal, words)}`;
}
