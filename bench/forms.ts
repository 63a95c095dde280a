// What a layer's products cost in other forms, and which share of a pass they are: `node dist/bench/forms.js MODEL-FOLDER`, one thread. The figures of
// tensor/README.md under "did not pay".
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useBackend } from '../tensor/backend/backend.ts';
import { clearSessions } from '../tensor/backend/stats.ts';
import { tf } from '../tensor/tf.ts';
import { median } from '../util/statistics.ts';
import { prepareInputs } from './engine/inputs.ts';
import { forwardWorkload, sftStepWorkload } from './engine/step-workloads.ts';
import { markdownTable } from './markdown-table.ts';

const warmUp = 3;
const rounds = 12;

/** Widths of a model, and how many rows a pass of it has. */
interface Widths {
  name: string;
  rows: number;
  hidden: number;
  keys: number;
  inner: number;
}

const widths: readonly Widths[] = [
  { name: 'SmolLM2-135M', rows: 256, hidden: 576, keys: 192, inner: 1536 },
  { name: 'Llama-3.2-1B', rows: 128, hidden: 2048, keys: 512, inner: 8192 },
];

type Form = () => tf.Tensor[];

const product = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => tf.matMul(x, w, false, true);
const matrix = (rows: number, columns: number): tf.Tensor2D =>
  tf.keep(tf.randomNormal([rows, columns], 0, 0.05)) as tf.Tensor2D;

/** Pairs of forms of the same numbers: the first is what the model does. */
function formsOf({ rows, hidden, keys, inner }: Widths): Record<string, [Form, Form]> {
  const x = matrix(rows, hidden);
  const [q, k, v] = [matrix(hidden, hidden), matrix(keys, hidden), matrix(keys, hidden)];
  const [gate, up, down] = [matrix(inner, hidden), matrix(inner, hidden), matrix(hidden, inner)];
  const [qkv, both] = [tf.keep(tf.concat([q, k, v], 0)), tf.keep(tf.concat([gate, up], 0))];
  const mlp = (some: tf.Tensor) => {
    const g = product(some, gate);
    return product(tf.mul(tf.mul(g, tf.sigmoid(g)), product(some, up)), down);
  };
  return {
    'queries, keys and values in one product': [
      () => [product(x, q), product(x, k), product(x, v)],
      () => tf.split(product(x, qkv), [hidden, keys, keys], 1),
    ],
    'gate and up in one product': [
      () => [product(x, gate), product(x, up)],
      () => tf.split(product(x, both), [inner, inner], 1),
    ],
    'the MLP in halves of its rows': [() => [mlp(x)], () => tf.split(x, 2).map(mlp)],
    'the MLP in quarters of its rows': [() => [mlp(x)], () => tf.split(x, 4).map(mlp)],
  };
}

/** The CPU time of the second form as a share of the first's, both in turn. */
function ratioOf([first, second]: [Form, Form]): number {
  const ratios: number[] = [];
  for (let round = 0; round < warmUp + rounds; round++) {
    const ratio = timeOf(second) / timeOf(first);
    if (round >= warmUp) ratios.push(ratio);
  }
  return median(ratios);
}

function timeOf(form: Form): number {
  const before = process.cpuUsage();
  tf.tidy(() => void tf.addN(form().map((part) => tf.sum(part))).dataSync());
  const { user, system } = process.cpuUsage(before);
  return user + system;
}

/** Operators by their share of ONNX Runtime's time in a few steps. */
async function sharesOf(work: { round(steps: number): Promise<number> }, folder: string): Promise<string> {
  await work.round(6);
  clearSessions(); // which writes the profiles
  const times = new Map<string, number>();
  for (const name of readdirSync(folder)) {
    const events = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
      cat: string;
      name: string;
      dur: number;
      args: { op_name: string };
    }[];
    for (const { args, dur } of events.filter((each) => each.cat === 'Node' && each.name.endsWith('kernel_time')))
      times.set(args.op_name, (times.get(args.op_name) ?? 0) + dur);
  }
  const total = [...times.values()].reduce((a, b) => a + b, 0);
  const most = [...times].sort(([, a], [, b]) => b - a).slice(0, 8);
  return most.map(([name, time]) => `${name} ${((100 * time) / total).toFixed(1)} %`).join(', ');
}

async function main([folder]: readonly string[]): Promise<void> {
  await useBackend({ backend: 'onnx', threads: 1 });
  const rows = widths.flatMap((each) =>
    Object.entries(formsOf(each)).map(([name, pair]) => [each.name, String(each.rows), name, ratioOf(pair).toFixed(2)]),
  );
  console.log(markdownTable(['widths of', 'rows', 'form', 'of the usual CPU time'], rows, 3));
  if (folder === undefined) return;
  const inputs = await prepareInputs({ model: folder, records: undefined, quick: false });
  for (const [name, workload] of Object.entries({ forward: forwardWorkload, 'SFT step': sftStepWorkload })) {
    const profiles = mkdtempSync(join(tmpdir(), 'lamina-profile-'));
    await useBackend({ backend: 'onnx', threads: 1, profilePrefix: join(profiles, 'profile') });
    console.log(`\n${name}: ${await sharesOf(await workload(inputs), profiles)}`);
    rmSync(profiles, { recursive: true });
  }
}

await main(process.argv.slice(2));
