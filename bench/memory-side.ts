// A fine-tuning of many steps that says after every few of them what the process holds: one JSON line each.
import { readFileSync } from 'node:fs';
import { useBackend } from '../tensor/backend/backend.ts';
import { tensorStats } from '../tensor/backend/stats.ts';
import { sftOfSteps } from './engine/stage-workloads.ts';

const [description, stepsText, everyText, threadsText] = process.argv.slice(2) as [string, string, string, string];
const [steps, every, threads] = [stepsText, everyText, threadsText].map(Number) as [number, number, number];
await useBackend({ backend: 'onnx', provider: 'cpu', threads });
await sftOfSteps(JSON.parse(readFileSync(description, 'utf8')), { threads, steps }, (step) => {
  if (step !== 1 && step % every !== 0) return;
  const { rss, external, heapUsed } = process.memoryUsage();
  const { sessions, compiled } = tensorStats();
  process.stdout.write(`${JSON.stringify({ step, resident: rss, external, heap: heapUsed, sessions, compiled })}\n`);
});
