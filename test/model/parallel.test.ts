// Pairs of layers side by side, against PyTorch: logits, loss, gradients, decoding with a cache, a walk, and what is exported.
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { hiddenStates } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import type { Prompt } from '../../model/generate/read-prompts.ts';
import { writeOnnx } from '../../model/onnx/export.ts';
import { joinParallel, layerSteps, type ParallelVariant, parseParallel } from '../../model/sharing/parallel-layers.ts';
import { joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import { type Replacement, replacementsOf, skippedReplacements } from '../../model/sharing/replacement.ts';
import { causalViews } from '../../model/walk/passage.ts';
import { embedPassages } from '../../model/walk/rows.ts';
import { createWalk } from '../../model/walk/walk.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, scratch, unpack } from './fixtures.ts';
import { greedyTexts } from './greedy.ts';
import { as } from './onnx-made.ts';
import { feedsOf, inNode, type Value } from './onnx-runs.ts';
import {
  changedModel,
  expectCompact,
  expectGradients,
  expectLogits,
  loadedFor,
  type PytorchCase,
} from './pytorch-cases.ts';
import { tinyConfig } from './tiny.ts';

interface ParallelCase extends PytorchCase {
  first: number;
  last: number;
  variant: ParallelVariant;
}

const tolerance = 1e-5;
const { cases } = fixture<{ cases: ParallelCase[] }>('parallel.json');
const named = cases.map((one) => [`${one.model}, layers ${one.first}-${one.last}, ${one.variant}`, one] as const);
const [, paper, , released] = cases as [ParallelCase, ParallelCase, ParallelCase, ParallelCase];

const recoveryOf = (
  { first, last, variant }: Pick<ParallelCase, 'first' | 'last' | 'variant'>,
  replacements: readonly Replacement[] = [],
): Recovery => ({ replacements, parameters: new Map(), parallel: { first, last, variant } });

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('layers side by side', () => {
  it.each(named)('%s: the logits of PyTorch, to 1e-5', async (_, one) => {
    const { model } = await changedModel(one, recoveryOf(one));
    await expectLogits(model, one);
  });

  it.each(named)('%s: the loss and the gradients of PyTorch, also where layers are computed again', (_, one) =>
    expectGradients(one, recoveryOf(one)),
  );

  it.each(named)('%s: what PyTorch says next, each layer with a slot of its own in the cache', async (_, one) => {
    const { model, config } = await changedModel(one, recoveryOf(one));
    const seen = (prompt: Prompt) => expect(prompt.found).toHaveLength(config.num_hidden_layers);
    expect(await greedyTexts(model, one, seen)).toEqual(one.decoded);
  });

  const combined: [string, Replacement[]][] = [
    ['nothing replaced', []],
    ['an MLP shared within a pair', replacementsOf([{ reference: 1, targets: [2] }])],
    ['an MLP shared from another pair', replacementsOf([{ reference: 1, targets: [3] }])],
    ['a skipped attention', skippedReplacements([2], 'attention')],
    ['a pruned MLP', skippedReplacements([3], 'mlp')],
  ];

  it.each(combined)('a walk of layers that are not loaded makes the same states: %s', async (_, replacements) => {
    const { weights, config, path } = await loadFixture('deep');
    for (const variant of ['paper', 'released', 'par'] as const) {
      const recovery = recoveryOf({ first: 1, last: 4, variant }, replacements);
      const model = createModel(weights, recovery);
      const ids = (paper.ids as [number[]])[0];
      const whole = tf.tidy(() => hiddenStates(model, tf.tensor2d([ids], undefined, 'int32')));
      const checkpoint = await openStored(path);
      const views = causalViews(config);
      const passages = [
        { extent: { batch: 1, tokens: ids.length }, ids: Int32Array.from(ids), view: views(ids.length) },
      ];
      const stored = { checkpoint, recovery };
      const states = await embedPassages(stored, passages);
      const visited: number[] = [];
      const walk = createWalk(stored);
      await walk(passages, states, { first: 1, last: 4 }, ({ layer }) => void visited.push(layer));
      await checkpoint.close();
      expect(visited).toEqual([2, 4]);
      expectClose(states[0] as Float32Array, (await whole.data()) as Float32Array, tolerance, variant);
      whole.dispose();
      model.disposeFrames();
    }
  });
});

describe('a recovery with layers side by side', () => {
  const config = tinyConfig();

  it('is steps of one layer or two', () => {
    expect(layerSteps(6, { first: 2, last: 5, variant: 'paper' })).toEqual([[1], [2, 3], [4, 5], [6]]);
    expect(layerSteps(3)).toEqual([[1], [2], [3]]);
  });

  it('is written and read, and joined with others once', async () => {
    const path = join(await scratch(), 'recovery.arrow');
    const recovery = recoveryOf({ first: 1, last: 2, variant: 'released' }, skippedReplacements([3], 'mlp'));
    await writeRecovery(path, recovery);
    expect(await readRecovery([path], config)).toEqual(recovery);
    const other = recoveryOf({ first: 3, last: 4, variant: 'paper' });
    expect(joinRecoveries(config, [recovery, { replacements: [], parameters: new Map() }], 'here')).toEqual(recovery);
    expect(() => joinParallel([recovery, other], 'here')).toThrow(
      'here: layers 1-2 run in parallel already, expected one range, got 3-4 beside it',
    );
  });

  it('from a file of anybody is checked', async () => {
    const path = join(await scratch(), 'recovery.arrow');
    await writeRecovery(path, recoveryOf({ first: 3, last: 8, variant: 'par' }));
    await expect(readRecovery([path], config)).rejects.toThrow(
      `recovery '${path}': 'parallel': expected layers from 1 to ${config.num_hidden_layers}, the model's, got 3-8`,
    );
    const strange = { first: 1, last: 2, variant: 'other' as ParallelVariant };
    await writeRecovery(path, recoveryOf(strange));
    await expect(readRecovery([path], config)).rejects.toThrow(
      "'parallel' must hold 'first' and 'last', layers, and a 'variant' of paper, released, par, got",
    );
  });

  it.each([
    [
      '5-7',
      "here: expected an even number of layers, two for each pair, got the 3 of '5-7': take one more or one less",
    ],
    ['8-5', "here: expected one range of layers such as '5-8' that counts from 1 and goes up, got '8-5'"],
    ['0-3', "here: expected one range of layers such as '5-8' that counts from 1 and goes up, got '0-3'"],
    ['5,6', "here: expected one range of layers such as '5-8', got '5,6'"],
  ])("'%s' is no range of pairs", (text, message) => {
    expect(() => parseParallel(text, 'paper', 'here')).toThrow(message);
  });
});

describe('layers side by side, exported', () => {
  async function exporting(one: ParallelCase, replacements: readonly Replacement[] = []) {
    const { path } = await loadedFor(one);
    const to = await scratch();
    const recovery = join(to, 'recovery.arrow');
    await writeRecovery(recovery, recoveryOf(one, replacements));
    const source = await openExportSource(path, [recovery]);
    onTestFinished(() => source.close());
    return { source, to };
  }

  const files = (to: string) => ({ ...textFilesIn(to), config: join(to, 'config.json') });

  it.each(named)('to ONNX, which goes on after a past: %s', async (_, one) => {
    const { source, to } = await exporting(one);
    await writeOnnx(
      source,
      { ...files(to), onnx: join(to, 'model.onnx'), onnx_data: join(to, 'model.onnx.data') },
      as('F32'),
    );
    const runtime = await inNode(to);
    onTestFinished(() => runtime.close());
    expect(runtime.inputs).toHaveLength(3 + 2 * source.stored.num_hidden_layers);
    const run = (ids: number[], past?: Record<string, Value>) => {
      const feeds = feedsOf(source.stored, { ids: [ids], ...(past && { past }) });
      return runtime.run(Object.fromEntries(runtime.inputs.map((name) => [name, feeds[name] as Value])));
    };
    const [ids] = one.ids as [number[]];
    const first = await run(ids.slice(0, 7));
    const second = await run(ids.slice(7), first);
    const found = [first, second].flatMap(({ logits }) => [...(logits as Value).data]) as number[];
    expectClose(found, unpack(one.logits).subarray(0, found.length), tolerance, 'logits');
  });

  it.each([paper, released])('to a compact folder, and back: $variant', async (one) => {
    const { source, to } = await exporting(one);
    await expectCompact(source, to, files(to), one);
  });
});
