// Layers without attention, MLP or both, against PyTorch: logits, loss, gradients, decoding with a cache, and what is exported.
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { attentionRoles, type MatrixRole } from '../../model/architecture/roles.ts';
import { matrixShapeOf } from '../../model/architecture/tensors.ts';
import { writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { writeHuggingFace } from '../../model/export/huggingface.ts';
import { type ExportSource, openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { forward } from '../../model/forward/forward.ts';
import { attendingLayers } from '../../model/forward/layer-weights.ts';
import { createModel } from '../../model/forward/model.ts';
import { createDecoder } from '../../model/generate/decoder.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { writeOnnx } from '../../model/onnx/export.ts';
import { recoveryParameters, storedParameters, storedRatio } from '../../model/sharing/ratios.ts';
import {
  checkReplacements,
  formatReplacements,
  type SkippedPart,
  skippedReplacements,
} from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, scratch, unpack } from './fixtures.ts';
import { greedyTexts } from './greedy.ts';
import { as } from './onnx-made.ts';
import { feedsOf, inNode, type Value } from './onnx-runs.ts';
import {
  changedModel,
  expectCompact,
  expectFileLogits,
  expectGradients,
  expectLogits,
  loadedFor,
  type PytorchCase,
} from './pytorch-cases.ts';
import { tinyConfig } from './tiny.ts';

interface SkippingCase extends PytorchCase {
  part: SkippedPart;
  layers: number[];
}

const tolerance = 1e-5;
const { cases } = fixture<{ cases: SkippingCase[] }>('skipping.json');
const [late, ends, , block, , biased] = cases as [SkippingCase, SkippingCase, ...SkippingCase[]] & SkippingCase[];
const named = cases.map((one) => [`${one.model} without the ${one.part} of ${one.layers.join(', ')}`, one] as const);

const recoveryOf = ({ part, layers }: SkippingCase) => ({
  replacements: skippedReplacements(layers, part),
  parameters: new Map(),
});

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('skipped sublayers', () => {
  it.each(named)('%s: the logits of PyTorch, to 1e-5', async (_, one) => {
    const { model } = await changedModel(one, recoveryOf(one));
    await expectLogits(model, one);
  });

  it.each(named)('%s: the loss and the gradients of PyTorch, also where layers are computed again', (_, one) =>
    expectGradients(one, recoveryOf(one)),
  );

  it.each(named)('%s: what PyTorch says next, with a cache that has no place for what is skipped', async (_, one) => {
    const { model, config } = await changedModel(one, recoveryOf(one));
    const skipped = one.part === 'mlp' ? 0 : one.layers.length;
    expect(attendingLayers(model)).toHaveLength(config.num_hidden_layers - skipped);
    expect(await greedyTexts(model, one)).toEqual(one.decoded);
  });

  it('a model in which no layer attends decodes too', async () => {
    const { weights, config } = await loadFixture('deep');
    const model = createModel(weights, recoveryOf({ ...late, layers: [1, 2, 3, 4] }));
    const decoder = createDecoder(model);
    decoder.resize(1);
    for await (const [prompt] of decoder.read([[5, 6, 7]])) if (prompt) decoder.fill(0, prompt);
    const step = await decoder.step(Int32Array.of(9), [0]);
    const whole = forward(model, tf.tensor2d([[5, 6, 7, 9]], undefined, 'int32'));
    expectClose(step, (await whole.data()).slice(3 * config.vocab_size), tolerance, 'logits');
    whole.dispose();
    model.disposeFrames();
  });
});

describe('a model with skipped sublayers', () => {
  const config = tinyConfig();

  it('is told as text, and counts what is stored', () => {
    const replacements = [...skippedReplacements([2, 3], 'block'), ...skippedReplacements([4], 'attention')];
    expect(formatReplacements(replacements)).toBe('pruned attention:2,3,4; pruned:2,3');
    expect(recoveryParameters({ replacements, config })).toBe(0);
    expect(storedRatio(config, { replacements, config })).toBe(0.5);
    const sizeOf = (role: MatrixRole) => matrixShapeOf(config, 1, role).reduce((a, b) => a * b);
    const attention = skippedReplacements([1], 'attention');
    const gone = storedParameters({ replacements: [], config }) - storedParameters({ replacements: attention, config });
    expect(gone).toBe(attentionRoles.reduce((sum, role) => sum + sizeOf(role), 0));
    expect(storedRatio(config, { replacements: attention, config })).toBe(1);
  });

  it('has parts of a sublayer only whole', () => {
    const check = (roles: ('q' | 'k' | 'gate')[]) =>
      checkReplacements(config, [{ target: 2, reference: null, candidate: 'g0', rank: 0, roles }], 'here');
    const message = "here: layer 2 can skip its whole MLP (no 'roles') or its whole attention (q, k, v, o), got";
    expect(() => check(['q', 'k'])).toThrow(`${message} q, k`);
    expect(() => check(['gate'])).toThrow(`${message} gate`);
  });

  const filesIn = (to: string) => ({
    ...textFilesIn(to),
    config: join(to, 'config.json'),
    weights: join(to, 'model.safetensors'),
  });

  async function exporting(one: SkippingCase): Promise<{ source: ExportSource; to: string }> {
    const { path } = await loadedFor(one);
    const to = await scratch();
    const recovery = join(to, 'recovery.arrow');
    await writeRecovery(recovery, recoveryOf(one));
    const source = await openExportSource(path, [recovery]);
    onTestFinished(() => source.close());
    return { source, to };
  }

  it.each([late, block, biased] as SkippingCase[])(
    'goes to a folder for other programs as zeros, biases too ($model, $part)',
    async (one) => {
      const { source, to } = await exporting(one);
      await writeHuggingFace(source, filesIn(to), 'F32');
      const back = join(to, 'back.arrow');
      await importHuggingFace(to, back);
      await expectFileLogits({ model: back }, one);
    },
  );

  it.each([late, block, biased] as SkippingCase[])(
    'goes to a compact folder without what is skipped, and back ($model, $part)',
    async (one) => {
      const { source, to } = await exporting(one);
      const { unique_bytes, expanded_bytes } = await expectCompact(source, to, filesIn(to), one);
      expect(unique_bytes).toBeLessThan(expanded_bytes);
    },
  );

  it.each([late, ends, block, biased] as SkippingCase[])(
    'goes to ONNX without caches for what is skipped, and goes on after a past ($model, $part)',
    async (one) => {
      const { source, to } = await exporting(one);
      const files = { ...filesIn(to), onnx: join(to, 'model.onnx'), onnx_data: join(to, 'model.onnx.data') };
      await writeOnnx(source, files, as('F32'));
      const runtime = await inNode(to);
      onTestFinished(() => runtime.close());
      const layers = source.stored.num_hidden_layers;
      const attending = Array.from({ length: layers }, (_, i) => i).filter((i) => !one.layers.includes(i + 1));
      const cache = (prefix: string) => attending.flatMap((i) => [`${prefix}.${i}.key`, `${prefix}.${i}.value`]);
      expect(runtime.inputs.slice(3)).toEqual(cache('past_key_values'));
      expect(runtime.outputs).toEqual(['logits', ...cache('present')]);
      const run = (ids: number[], past?: Record<string, Value>) => {
        const feeds = feedsOf(source.stored, { ids: [ids], ...(past && { past }) });
        return runtime.run(Object.fromEntries(runtime.inputs.map((name) => [name, feeds[name] as Value])));
      };
      const [ids] = one.ids as [number[]];
      const first = await run(ids.slice(0, 7));
      const second = await run(ids.slice(7), first);
      const found = [first, second].flatMap(({ logits }) => [...(logits as Value).data]) as number[];
      expectClose(found, unpack(one.logits).subarray(0, found.length), tolerance, 'logits');
    },
  );
});
