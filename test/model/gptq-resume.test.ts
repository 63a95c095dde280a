// A GPTQ pass that was stopped goes on after its last saved step, and makes the same bytes; layers side by side see what enters both.
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { tensorShapes } from '../../model/architecture/tensors.ts';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import type { Parts } from '../../model/codec/quantize-codec.ts';
import { GptqPass, type GptqRun } from '../../model/quantize/gptq-pass.ts';
import { type PlanSettings, planQuantization } from '../../model/quantize/plan.ts';
import type { Recovery } from '../../model/sharing/recovery.ts';
import { type Replacement, skippedReplacements } from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { createRandom } from '../../util/random.ts';
import { scratch } from './fixtures.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

beforeAll(() => useBackend({ backend: 'onnx', threads: 1 }));

const settings: PlanSettings = {
  scheme: 'gptq',
  bits: 4,
  symmetric: false,
  group_size: 4,
  block_size: 64,
  double_quant: true,
  head: true,
  embedding_bits: 8,
  embedding_group_size: 0,
  dtype: 'F32',
};
// layer 4 has the MLP of layer 2, which is rounded before the pass is stopped
const replacements: Replacement[] = [{ target: 4, reference: 2, candidate: 'g0', rank: 0 }];

it.each([
  { parallel: undefined, steps: [1, 2, 3, 4], stopped: [1, 2, 3], rest: [4] },
  { parallel: { first: 1, last: 4, variant: 'released' } as const, steps: [2, 4], stopped: [2], rest: [4] },
])('goes on after the last saved layer with equal bytes: steps $steps', async ({ parallel, steps, stopped, rest }) => {
  const folder = await scratch();
  const config = tinyConfig();
  const weights = tinyWeights(config);
  const path = join(folder, 'model.arrow');
  await writeModel(path, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
  weights.dispose();
  const checkpoint = await openStored(path);
  const random = createRandom('gptq-resume');
  const windows = Array.from({ length: 5 }, () =>
    Int32Array.from({ length: 8 }, () => random.below(config.vocab_size)),
  );
  const plan = planQuantization(config, replacements, settings);

  /** The rounded matrices by name, and the layers that were computed for them; stops after layer `until`. */
  const pass = async (save: GptqRun['save'], until = Number.POSITIVE_INFINITY) => {
    const layers: number[] = [];
    const before = tf.memory().numTensors;
    const run = new GptqPass({
      ...{
        checkpoint,
        plan,
        windows,
        save,
        scheme: 'gptq',
        recovery: { replacements, parameters: new Map(), ...(parallel && { parallel }) },
      },
      ...{ batch_size: 2, settings: { damping: 0.01, block_columns: 4, act_order: true } },
      onLayer: (layer) => layers.push(layer),
    });
    const found = new Map<string, Parts>();
    for (const [name, shape] of tensorShapes(config)) {
      const codec = plan.codecs.get(name);
      if (codec && name !== 'model.embed_tokens.weight' && (layers.at(-1) ?? 0) <= until)
        found.set(name, await run.parts(name, codec, shape));
    }
    await run.dispose();
    expect(tf.memory().numTensors).toBe(before);
    return { found, layers };
  };

  const whole = await pass(undefined);
  expect(whole.layers).toEqual(steps);
  const save = { folder: join(folder, 'scratch'), every_ms: 0 };
  expect((await pass(save, parallel ? 1 : 2)).layers).toEqual(stopped);
  const resumed = await pass(save);
  expect(resumed.layers).toEqual(rest);
  expect(resumed.found).toEqual(whole.found);
  expect((await pass(save)).layers).toEqual([]);
  await checkpoint.close();
});

it('rounds a layer that stands beside another one as if it stood alone', async () => {
  const folder = await scratch();
  const config = tinyConfig();
  const weights = tinyWeights(config);
  const path = join(folder, 'model.arrow');
  await writeModel(path, config, weights, { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
  weights.dispose();
  const checkpoint = await openStored(path);
  const windows = [
    Int32Array.from({ length: 8 }, (_, i) => i + 1),
    Int32Array.from({ length: 8 }, (_, i) => 2 * i + 3),
  ];

  /** The rounded matrices of layer 2. */
  const secondLayer = async (recovery: Recovery) => {
    const plan = planQuantization(config, recovery.replacements, settings);
    const run = new GptqPass({
      ...{ checkpoint, plan, windows, scheme: 'gptq', recovery },
      ...{ batch_size: 2, settings: { damping: 0.01, block_columns: 4, act_order: true }, onLayer: () => {} },
    });
    const found = new Map<string, Parts>();
    for (const [name, shape] of tensorShapes(config)) {
      const codec = plan.codecs.get(name);
      if (codec && name.startsWith('model.layers.1.')) found.set(name, await run.parts(name, codec, shape));
    }
    await run.dispose();
    return found;
  };

  const parameters = new Map();
  const beside = await secondLayer({ replacements: [], parameters, parallel: { first: 1, last: 2, variant: 'par' } });
  const alone = await secondLayer({ replacements: skippedReplacements([1], 'block'), parameters });
  expect(beside.size).toBe(7);
  expect(beside).toEqual(alone);
  expect(beside).not.toEqual(await secondLayer({ replacements: [], parameters }));
  await checkpoint.close();
});
