// Training on every backend that this machine has: the same losses, and nothing computed on the CPU in a GPU's stead.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createWeights, initWeights, variablesOf } from '../../model/architecture/weights.ts';
import type { Example } from '../../model/forward/batches.ts';
import { createModel } from '../../model/forward/model.ts';
import { type LanguageModelSettings, trainLanguageModel } from '../../model/train/language-model-training.ts';
import { adamDefaults } from '../../model/train/optimizer.ts';
import { type BackendOptions, useBackend } from '../../tensor/backend/backend.ts';
import { clearSessions } from '../../tensor/backend/stats.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { unusable } from '../tensor/usable.ts';
import { scratch } from './fixtures.ts';
import { tinyConfig } from './tiny.ts';

/** Largest difference of a loss: float32 sums in another order, over a dozen steps. */
const TOLERANCE = 1e-4;

/** Of a loss, whose products were those of bfloat16: half a unit in its last place, and a dozen steps of such gradients. */
const ROUNDED = 2 ** -7;

const config = tinyConfig({ num_hidden_layers: 3, hidden_size: 16, intermediate_size: 24, num_attention_heads: 4 });
const settings: LanguageModelSettings = {
  ...adamDefaults,
  schedule: 'linear',
  lr: 1e-2,
  warmup_ratio: 0.1,
  batch_size: 4,
  epochs: 2,
  max_length: 32,
  reduce_loss: 'mean',
  seed: 7,
};

/** Counting sequences: the next token is the last plus one, modulo 20. */
const examples: Example[] = Array.from({ length: 24 }, (_, i) => {
  const ids = Int32Array.from({ length: 6 + (i % 9) }, (_, t) => (i + t) % 20);
  return { ids, labels: ids.map((id, t) => (t < 2 ? -100 : id)) };
});

/** The losses of a training that begins with the same weights each time. */
async function lossesOn(options: BackendOptions): Promise<number[]> {
  await useBackend(options);
  const variables = variablesOf(initWeights(config, createRandom('backends', 1), { init_std: 0.1 }));
  const model = createModel(createWeights(config, variables));
  const { losses } = await trainLanguageModel(model, variables, examples, settings, {});
  model.disposeFrames();
  tf.dispose([...variables.values()]);
  return losses;
}

describe.each(['bfloat16', 'float16'] as const)('training in %s', (precision) => {
  it('has nearly the losses of float32, and the same ones again', async () => {
    const want = await lossesOn({ backend: 'onnx' });
    const got = await lossesOn({ backend: 'onnx', precision });
    expect(got).not.toEqual(want);
    got.forEach((loss, i) => {
      expect(Math.abs(loss / (want[i] as number) - 1)).toBeLessThan(ROUNDED);
    });
    expect(await lossesOn({ backend: 'onnx', precision })).toEqual(got);
  });
});

const others = [{ backend: 'cpu' }, { backend: 'onnx', provider: 'webgpu' }, { backend: 'tensorflow' }] as const;

describe.each(others)('training on %j', (options) => {
  const reason = options.backend === 'cpu' ? undefined : unusable(options);
  if (reason !== undefined) console.warn(`skipped: training on ${JSON.stringify(options)}: ${reason}`);

  it.skipIf(reason !== undefined)('has the losses of the onnx backend on the CPU', async () => {
    const want = await lossesOn({ backend: 'onnx' });
    const got = await lossesOn(options);
    expect(got.length).toBe(12);
    expect(want.at(-1)).toBeLessThan((want[0] as number) - 0.5); // it learns
    got.forEach((loss, step) => {
      expect(Math.abs(loss - (want[step] as number))).toBeLessThan(TOLERANCE);
    });
  });
});

const webgpu = { backend: 'onnx', provider: 'webgpu' } as const;

it.skipIf(unusable(webgpu) !== undefined)('on webgpu no operator of a training step is left to the CPU', async () => {
  const folder = await scratch();
  await lossesOn({ ...webgpu, profilePrefix: join(folder, 'profile') });
  clearSessions(); // which writes the profiles
  const traces = readdirSync(folder).map(
    (name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as TraceEvent[],
  );
  const nodes = traces.flat().filter(({ cat, args }) => cat === 'Node' && args?.provider !== undefined);
  expect(nodes.length).toBeGreaterThan(1000);
  const onCpu = nodes.filter(({ args }) => args?.provider !== 'WebGpuExecutionProvider');
  expect([...new Set(onCpu.map(({ args }) => args?.op_name))]).toEqual([]);
});

/** An event of ONNX Runtime's profile. */
interface TraceEvent {
  readonly cat: string;
  readonly args?: { readonly provider?: string; readonly op_name?: string };
}
