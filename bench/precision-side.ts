// One precision: the logits after a few prompts, and the losses of a fine-tuning. One JSON line.
import { readFileSync } from 'node:fs';
import { loadModel } from '../model/checkpoint/checkpoint.ts';
import { createModel } from '../model/forward/model.ts';
import { createDecoder } from '../model/generate/decoder.ts';
import { useBackend } from '../tensor/backend/backend.ts';
import type { Precision } from '../tensor/graph/precision.ts';
import { readIntegers } from './engine/arrays.ts';
import type { EngineInputs } from './engine/inputs.ts';
import { sftOfSteps } from './engine/stage-workloads.ts';
import type { PrecisionSide } from './precision.ts';

/** Records whose first tokens are read. */
const texts = 8;

const [description, precisionName, stepsText, threadsText] = process.argv.slice(2) as [string, string, string, string];
const precision = precisionName as Precision;
const [steps, threads] = [Number(stepsText), Number(threadsText)];
const inputs = JSON.parse(readFileSync(description, 'utf8')) as EngineInputs;
await useBackend({ backend: 'onnx', provider: 'cpu', precision, threads });
const logits = await logitsOf(inputs);
const before = process.cpuUsage();
const losses = await sftOfSteps(inputs, { threads, steps, precision });
const { user, system } = process.cpuUsage(before);
const found: PrecisionSide = { logits, losses, cpu_s: (user + system) / 1e6 };
process.stdout.write(`${JSON.stringify(found)}\n`);

/** After the last token of the first records, one after the other. */
async function logitsOf({ checkpoint, arrays }: EngineInputs): Promise<number[][]> {
  const { weights } = await loadModel(checkpoint);
  const ids = await readIntegers(arrays, 'record_ids');
  const lengths = await readIntegers(arrays, 'record_lengths');
  const ends = [...lengths].map((_, i) => lengths.subarray(0, i + 1).reduce((sum, length) => sum + length, 0));
  const prompts = ends.slice(0, texts).map((end, i) => [...ids.subarray(end - (lengths[i] as number), end)]);
  const logits: number[][] = [];
  for await (const read of createDecoder(createModel(weights)).read(prompts)) {
    for (const { number, logits: row } of read) logits[number] = [...row];
  }
  return logits;
}
