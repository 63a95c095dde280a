// lamina's process in the engine benchmark: `node engine-side.js TASK THREADS CHECKPOINT ARRAYS`.
import { useBackend } from '../tensor/backend/backend.ts';
import type { Task } from './engine-shape.ts';
import { workloadOf } from './engine-workloads.ts';
import { serve } from './serve.ts';

const [task, threads, checkpoint, arrays] = process.argv.slice(2) as [Task, string, string, string];
await useBackend({ backend: 'onnx', threads: Number(threads) });
await serve(await workloadOf(task, { checkpoint, arrays }), { node: process.versions.node });
