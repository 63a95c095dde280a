// Tries a backend in this process: loads it, computes with it, and holds the numbers against plain JavaScript's.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BackendOptions, useBackend } from '../../tensor/backend/backend.ts';
import { computedBy } from '../../tensor/backend/computed-by.ts';
import { clearSessions, tensorStats } from '../../tensor/backend/stats.ts';
import { compare } from './compare.ts';
import type { BackendChoice, Crossing, Findings, Phase } from './findings.ts';
import { products } from './product.ts';
import { operatorsIn } from './traces.ts';
import { steps, trainedNumbers } from './training.ts';

/** float32 sums in another order; CUDA takes the products of float32 in TF32, whose numbers have ten bits. */
const tolerances = { float32: 1e-4, tf32: 1e-2 };

/** Loads the backend as a run would; `say` as in `probe`. */
export async function load(choice: BackendChoice, say: (phase: Phase) => Promise<void>): Promise<void> {
  await say('load');
  await useBackend(optionsOf(choice));
}

/** Loads the backend and computes with it; `say` is told what begins, and waited for, since a library may end the process. Throws what the library throws, UserError where it is missing. */
export async function probe(choice: BackendChoice, say: (phase: Phase) => Promise<void>): Promise<Findings> {
  const options = optionsOf(choice);
  const tolerance = choice.provider === 'cuda' ? tolerances.tf32 : tolerances.float32;
  await load(choice, say);
  const { computed_by, device } = computedBy();
  await say('product');
  const { got, want } = products();
  const product = compare(got, want, tolerance);
  if (choice.backend === 'cpu') return { computed_by, product, training: null, crossing: 'none' };
  await say('training');
  const { numbers, crossing } =
    device === 'gpu' && choice.backend === 'onnx'
      ? await watched(options)
      : { numbers: await trainedNumbers(), crossing: device === 'cpu' ? ('none' as const) : ('unknown' as const) };
  await useBackend({ backend: 'cpu' });
  return { computed_by, product, training: compare(numbers, await trainedNumbers(), tolerance), crossing };
}

function optionsOf({ backend, provider }: BackendChoice): BackendOptions {
  return { backend, provider: provider ?? undefined };
}

/** Trains while ONNX Runtime writes its profiles. */
async function watched(options: BackendOptions): Promise<{ numbers: number[]; crossing: Crossing }> {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-profile-'));
  try {
    await useBackend({ ...options, profilePrefix: join(folder, 'profile') });
    const numbers = await trainedNumbers();
    const { fed_bytes, fetched_bytes } = tensorStats();
    clearSessions(); // which writes the profiles
    return { numbers, crossing: { steps, ...operatorsIn(folder), fed_bytes, fetched_bytes } };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
