// The engine benchmark: lamina and PyTorch in turn, task by task, at 1 and 2 threads.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { ModelConfig } from '../model/architecture/model-config.ts';
import { type Duel, type DuelSettings, duel } from './duel.ts';
import { type EngineInputs, prepareInputs } from './engine-inputs.ts';
import { type Task, tasks } from './engine-shape.ts';
import { root } from './place.ts';
import type { Python } from './python.ts';
import type { Command } from './whole-process.ts';

/** One line of the result. */
export interface EngineRow {
  task: Task;
  threads: number;
  duel: Duel;
}

export interface EngineResult {
  model: string;
  config: ModelConfig;
  rows: EngineRow[];
}

/** What is measured at 1 and at 2 threads; what the machine can do is asked of one thread. */
const threadCounts = (task: Task) => (task === 'gemm' || task === 'copy' ? [1] : [1, 2]);

/** Runs every task; `say` is told what is being measured. */
export async function benchEngine(
  python: Python,
  settings: DuelSettings,
  say: (line: string) => void,
): Promise<EngineResult> {
  const inputs = await prepareInputs();
  const rows: EngineRow[] = [];
  for (const task of tasks) {
    for (const threads of threadCounts(task).filter((count) => count <= availableParallelism())) {
      say(`engine: ${task}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`);
      const peer = 'bin' in python ? torchSide(python.bin, task, threads, inputs) : undefined;
      rows.push({ task, threads, duel: await duel(laminaSide(task, threads, inputs), peer, settings) });
    }
  }
  return { model: inputs.model, config: inputs.config, rows };
}

function laminaSide(task: Task, threads: number, { checkpoint, arrays }: EngineInputs): Command {
  const script = join(root, 'dist/bench/engine-side.js');
  return { program: process.execPath, args: [script, task, String(threads), checkpoint, arrays], cwd: root };
}

function torchSide(bin: string, task: Task, threads: number, { modelFolder, arrays }: EngineInputs): Command {
  const script = join(root, 'bench/torch_side.py');
  // lamina's threads do not spin while they wait, so PyTorch's do not either: with others on the machine it costs 20 times
  const env = { OMP_NUM_THREADS: String(threads), MKL_NUM_THREADS: String(threads), OMP_WAIT_POLICY: 'PASSIVE' };
  return { program: join(bin, 'python'), args: [script, task, String(threads), modelFolder, arrays], cwd: root, env };
}
