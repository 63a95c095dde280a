// lamina's process in the engine benchmark: `node side.js TASK THREADS INPUTS`.
import { readFileSync } from 'node:fs';
import { useBackend } from '../../tensor/backend/backend.ts';
import { serve, type Workload } from '../serve.ts';
import { decodeWorkload, promptWorkload } from './decode-workloads.ts';
import type { EngineInputs } from './inputs.ts';
import { copyWorkload, gemmWorkload } from './machine-workloads.ts';
import { evaluationWorkload, sftWorkload, slwWorkload } from './stage-workloads.ts';
import { forwardWorkload, sftStepWorkload, trainStepWorkload } from './step-workloads.ts';
import type { Task } from './tasks.ts';

type SideInputs = Omit<EngineInputs, 'config'>;

const workloads: Readonly<Record<Task, (inputs: SideInputs, threads: number) => Promise<Workload>>> = {
  forward: forwardWorkload,
  'perplexity-eval': evaluationWorkload,
  slw: slwWorkload,
  'sft-step': sftStepWorkload,
  sft: sftWorkload,
  'train-step': trainStepWorkload,
  prompt: promptWorkload,
  'decode-1': (inputs) => decodeWorkload(inputs, 1),
  'decode-8': (inputs) => decodeWorkload(inputs, 8),
  gemm: gemmWorkload,
  copy: copyWorkload,
};

const [task, threadsText, description] = process.argv.slice(2) as [Task, string, string];
const inputs = JSON.parse(readFileSync(description, 'utf8')) as SideInputs;
const threads = Number(threadsText);
await useBackend({ backend: 'onnx', provider: 'cpu', threads });
await serve(await workloads[task](inputs, threads), { node: process.versions.node });
