// MLPs cut into experts with a router, against PyTorch: logits, loss, gradients, the routers' own loss, decoding with a cache, a walk, and what is exported.
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Values, variablesOf } from '../../model/architecture/weights.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { openExportSource } from '../../model/export/source.ts';
import { textFilesIn } from '../../model/export/texts.ts';
import { forward, hiddenStates } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { keepExperts } from '../../model/forward/router.ts';
import { writeOnnx } from '../../model/onnx/export.ts';
import { createRecovery, disposeRecovery, joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import {
  ownReplacements,
  type Replacement,
  replacementsOf,
  skippedReplacements,
} from '../../model/sharing/replacement.ts';
import { joinRouting, routingFrom } from '../../model/sharing/routing.ts';
import { routerBatch, routerLoss } from '../../model/train/routers.ts';
import { causalViews } from '../../model/walk/passage.ts';
import { embedPassages } from '../../model/walk/rows.ts';
import { createWalk } from '../../model/walk/walk.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, fixture, loadFixture, type Packed, scratch, unpack } from './fixtures.ts';
import { greedyTexts } from './greedy.ts';
import { as } from './onnx-made.ts';
import { feedsOf, inNode, type Value } from './onnx-runs.ts';
import {
  batchOf,
  changedModel,
  expectCompact,
  expectGradients,
  expectLogits,
  loadedFor,
  type PytorchCase,
} from './pytorch-cases.ts';
import { tinyConfig } from './tiny.ts';

interface FactorCase extends PytorchCase {
  layers: number[];
  experts: number;
  active: number;
  divergence: number;
  balance: number;
  routers: Record<string, Packed>;
  router_gradients: Record<string, Packed>;
}

const tolerance = 1e-5;
const { cases } = fixture<{ cases: FactorCase[] }>('factor.json');
const named = cases.map(
  (one) => [`${one.model}, ${one.active} of ${one.experts} in layers ${one.layers}`, one] as const,
);
const [all, some] = cases as [FactorCase, FactorCase];

/** The routing of a case; its routers are freed after the test. */
function routingOf({ layers, experts, active, routers: packed }: FactorCase) {
  const values = Object.entries(packed).map(
    ([name, one]) => [name, { shape: one.shape, values: unpack(one) }] as const,
  );
  const routers = variablesOf(new Map(values));
  onTestFinished(() => tf.dispose([...routers.values()]));
  return { layers, experts, active, routers };
}

const recoveryOf = (one: FactorCase, replacements: readonly Replacement[] = []): Recovery => ({
  replacements,
  parameters: new Map(),
  routing: routingOf(one),
});

beforeAll(() => useBackend({ backend: 'onnx' }));

describe('MLPs cut into experts', () => {
  it.each(named)('%s: the logits of PyTorch, whichever way they are computed', async (_, one) => {
    const { model } = await changedModel(one, recoveryOf(one));
    keepExperts(model);
    const ways = {
      all: model,
      chosen: { ...model, routes: true },
      'cut in the pass': { ...model, routes: true, experts: new Map() },
    };
    for (const [way, each] of Object.entries(ways)) {
      await expectLogits(each, one, `logits, ${way}`);
    }
  });

  it.each(named)('%s: the loss and the gradients of PyTorch, also where layers are computed again', (_, one) =>
    expectGradients(one, recoveryOf(one), { tensorOf: (name) => name.replace('.mlp.mlp.', '.mlp.') }),
  );

  it.each(named)("%s: the terms of the routers' loss and their gradients are PyTorch's", async (_, one) => {
    const { model } = await changedModel(one, recoveryOf(one));
    const batch = await routerBatch(model, batchOf(one));
    expect(batch.text).toBeCloseTo(one.loss, 4);
    const routing = routingOf(one);
    const lossOf = (router_weight: number, balance_weight: number) =>
      tf.tidy(() => routerLoss(routing, { router_weight, balance_weight }, batch).dataSync()[0] as number);
    expect(lossOf(1, 0) - batch.text).toBeCloseTo(one.divergence, 4);
    expect(lossOf(0, 1) - batch.text).toBeCloseTo(one.balance, 4);
    const gradientsOf = (router_weight: number, balance_weight: number) =>
      tf.variableGrads(
        () => routerLoss(routing, { router_weight, balance_weight }, batch),
        [...routing.routers.values()],
      );
    const intended = gradientsOf(0.05, 0.01);
    const released = gradientsOf(0, 0);
    for (const [name, gradient] of Object.entries(one.router_gradients)) {
      const { name: own } = routing.routers.get(name) as tf.Variable;
      expectClose(await (intended.grads[own] as tf.Tensor).data(), unpack(gradient), tolerance, `gradient of ${name}`);
      expect((await (released.grads[own] as tf.Tensor).data()).every((value) => value === 0)).toBe(true);
    }
    tf.dispose([intended, released]);
  });

  it.each(named)('%s: what PyTorch says next, with a cache', async (_, one) => {
    const { model } = await changedModel(one, recoveryOf(one));
    expect(await greedyTexts(model, one)).toEqual(one.decoded);
  });

  const combined: [string, Replacement[]][] = [
    ['nothing replaced', []],
    ['a shared MLP', replacementsOf([{ reference: 1, targets: [2] }])],
    ['a skipped attention', skippedReplacements([2], 'attention')],
  ];

  it.each(combined)('a walk of layers that are not loaded makes the same states: %s', async (_, replacements) => {
    const { weights, path } = await loadFixture('deep');
    for (const one of [all, some]) {
      const recovery = recoveryOf(one, replacements);
      const model = createModel(weights, recovery);
      const ids = (one.ids as [number[]])[0];
      const whole = tf.tidy(() => hiddenStates(model, tf.tensor2d([ids], undefined, 'int32')));
      const states = await walked(path, recovery, ids);
      expectClose(states, (await whole.data()) as Float32Array, tolerance);
      whole.dispose();
      model.disposeFrames();
    }
  });

  it('a walk does not compute with the experts that no token passes', async () => {
    const { config, path } = await loadFixture('deep');
    const recovery = recoveryOf(all);
    const ids = (all.ids as [number[]])[0];
    const before = await walked(path, recovery, ids);
    for (const { target } of ownReplacements(all.layers, 0)) {
      // every token passes the first and the second expert
      const bias = recovery.routing?.routers.get(`layers.${target}.mlp.router.bias`) as tf.Variable;
      tf.tidy(() => bias.assign(tf.tensor1d([1e6, 1e5, 0, 0])));
    }
    const { intermediate_size: width, hidden_size } = config;
    const spoilt = await walked(path, recovery, ids, (name, values) => {
      const isSpoilt = name.includes('down_proj')
        ? (i: number) => i % width >= width / 2
        : (i: number) => i / hidden_size >= width / 2;
      return name.includes('.mlp.') ? values.map((value, i) => (isSpoilt(i) ? Number.NaN : value)) : values;
    });
    expect(spoilt.every(Number.isFinite)).toBe(true);
    expect(spoilt).not.toEqual(before);
    expect(spoilt).toEqual(await walked(path, recovery, ids));
  });
});

/** The states [T, D] after the last layer of the model in `path`, by a walk; `change` stands between it and the file. */
async function walked(
  path: string,
  recovery: Recovery,
  ids: readonly number[],
  change: (name: string, values: Float32Array) => Float32Array = (_, values) => values,
): Promise<Float32Array> {
  const opened = await openStored(path);
  const checkpoint = { ...opened, readFloat32: async (name: string) => change(name, await opened.readFloat32(name)) };
  const views = causalViews(checkpoint.config);
  const passages = [{ extent: { batch: 1, tokens: ids.length }, ids: Int32Array.from(ids), view: views(ids.length) }];
  const stored = { checkpoint, recovery };
  const states = await embedPassages(stored, passages);
  await createWalk(stored)(passages, states, { first: 1, last: checkpoint.config.num_hidden_layers });
  await opened.close();
  return states[0] as Float32Array;
}

describe('a recovery with experts', () => {
  const config = tinyConfig(); // 12 channels
  const values = { shape: [3, 8], values: new Float32Array(24).fill(0.5) };
  const made = (layers: number[]) => {
    const entries = layers.flatMap((layer): [string, Values][] => [
      [`layers.${layer}.mlp.router.weight`, values],
      [`layers.${layer}.mlp.router.bias`, { shape: [3], values: Float32Array.of(1, 2, 3) }],
    ]);
    return { layers, experts: 3, active: 2, routers: variablesOf(new Map(entries)) };
  };

  it('is written and read, and joined with others once', async () => {
    const path = join(await scratch(), 'recovery.arrow');
    const recovery = { replacements: skippedReplacements([3], 'mlp'), parameters: new Map(), routing: made([1, 2]) };
    await writeRecovery(path, recovery);
    const read = await readRecovery([path], config);
    expect(read.routing).toMatchObject({ layers: [1, 2], experts: 3, active: 2 });
    expect([...(read.routing?.routers ?? [])].map(([name, { shape }]) => [name, shape])).toEqual(
      [...recovery.routing.routers].map(([name, { shape }]) => [name, shape]),
    );
    expect(read.routing?.routers.get('layers.2.mlp.router.bias')?.arraySync()).toEqual([1, 2, 3]);
    const none = { replacements: [], parameters: new Map() };
    expect(joinRecoveries(config, [recovery, none], 'here')).toEqual(recovery);
    expect(() => joinRouting([recovery, { routing: made([4]) }], 'here')).toThrow(
      'here: the MLPs of layers 1, 2 are cut into experts already, expected one routing, got layer 4 beside it',
    );
  });

  it('does not go together with what leaves no MLP to cut', () => {
    const part = (more: Partial<Recovery>): Recovery => ({ replacements: [], parameters: new Map(), ...more });
    const routing = made([2]);
    const skipped = part({ replacements: skippedReplacements([2], 'block') });
    expect(() => joinRecoveries(config, [part({ routing }), skipped], 'here')).toThrow(
      'here: the MLP of layer 2 is skipped, so it has no experts: leave one of them out',
    );
    const halved = part({ parallel: { first: 1, last: 2, variant: 'released' } });
    expect(() => joinRecoveries(config, [part({ routing }), halved], 'here')).toThrow(
      'here: the MLP of layer 2 is halved by variant: released of layers 1-2 side by side, so it has no experts: expected variant: paper or par',
    );
    expect(() => joinRecoveries(config, [part({ routing: { ...routing, experts: 5 } })], 'here')).toThrow(
      'here: 5 experts must be of one width, but the MLP of layer 2 has 12 channels, which 5 does not divide: expected one of 2, 3, 4, 6, 12',
    );
  });

  it('from a file of anybody is checked', async () => {
    const path = join(await scratch(), 'recovery.arrow');
    await writeRecovery(path, { replacements: [], parameters: new Map(), routing: { ...made([1]), experts: 4 } });
    await expect(readRecovery([path], config)).rejects.toThrow(
      `recovery '${path}': tensor 'layers.1.mlp.router.weight': expected [4, 8] for this model, got [3, 8]`,
    );
    const said =
      "here: 'routing' must hold 'layers' from 1 to 4, ascending, and 'experts' and 'active', counts up to 4096, got";
    for (const json of [
      null,
      {},
      { layers: [], experts: 2, active: 1 },
      { layers: [2, 1], experts: 2, active: 1 },
      { layers: [1, 9], experts: 2, active: 1 },
      { layers: [1], experts: 2.5, active: 1 },
      { layers: [1], experts: 1e9, active: 1 },
    ]) {
      expect(() => routingFrom(json, 4, 'here')).toThrow(said);
    }
    expect(() => routingFrom({ layers: [1], experts: 2, active: 3 }, 4, 'here')).toThrow(
      "here: 'routing': a token can pass 2 of 2 experts at most, got active: 3: lower it, or raise 'experts'",
    );
  });
});

describe('experts, exported', () => {
  async function exporting(one: FactorCase, beside: Partial<Recovery> = {}) {
    const { path } = await loadedFor(one);
    const to = await scratch();
    const recovery = join(to, 'recovery.arrow');
    await writeRecovery(recovery, { ...recoveryOf(one), ...beside });
    const source = await openExportSource(path, [recovery]);
    onTestFinished(() => source.close());
    return { source, to };
  }

  const files = (to: string) => ({ ...textFilesIn(to), config: join(to, 'config.json') });
  const onnxFiles = (to: string) => ({
    ...files(to),
    onnx: join(to, 'model.onnx'),
    onnx_data: join(to, 'model.onnx.data'),
  });

  it.each(named)('to ONNX, which goes on after a past: %s', async (_, one) => {
    const { source, to } = await exporting(one);
    await writeOnnx(source, onnxFiles(to), as('F32'));
    const runtime = await inNode(to);
    onTestFinished(() => runtime.close());
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

  it('to ONNX with parameters beside the matrices, where all experts are computed and the chosen ones count', async () => {
    const { config } = await loadedFor(all);
    const own = createRecovery(config, ownReplacements([1, 3], 2), { init: 'random', seed: 3 });
    onTestFinished(() => disposeRecovery(own));
    const { source, to } = await exporting(all, own);
    await writeOnnx(source, onnxFiles(to), as('F32'));
    const runtime = await inNode(to);
    onTestFinished(() => runtime.close());
    const { weights } = await loadedFor(all);
    const model = createModel(weights, { ...recoveryOf(all), ...own });
    const [ids] = all.ids as [number[]];
    const wanted = forward(model, tf.tensor2d([ids], undefined, 'int32'));
    const feeds = feedsOf(source.stored, { ids: [ids] });
    const { logits } = await runtime.run(
      Object.fromEntries(runtime.inputs.map((name) => [name, feeds[name] as Value])),
    );
    const values = await wanted.data();
    expectClose([...(logits as Value).data] as number[], values, tolerance, 'logits');
    const plain = unpack(all.logits);
    expect(values.some((value, i) => Math.abs(value - (plain[i] as number)) > 0.01)).toBe(true);
    wanted.dispose();
    model.disposeFrames();
  });

  it.each([all, some])('to a compact folder, and back: $layers', async (one) => {
    const { source, to } = await exporting(one);
    await expectCompact(source, to, files(to), one);
  });
});
