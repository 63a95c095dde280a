// A walk through a model layer by layer against one pass over the whole of it: every architecture, whatever stands at the matrices, and
// what is read for it.
import { join } from 'node:path';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { matrixRoles } from '../../model/architecture/roles.ts';
import { embeddingName, tensorName } from '../../model/architecture/tensors.ts';
import { loadModel, type ModelCheckpoint, openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { quantizePlain } from '../../model/codec/plain.ts';
import { bucketLength } from '../../model/forward/batches.ts';
import { hiddenStates } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { type Quantizer, writeQuantized } from '../../model/quantize/model.ts';
import { arithmeticOf, planQuantization } from '../../model/quantize/plan.ts';
import { createRecovery, disposeRecovery, type Recovery } from '../../model/sharing/recovery.ts';
import { ownReplacements, prunedReplacements, type Replacement } from '../../model/sharing/replacement.ts';
import { packsOf, passagesOf } from '../../model/walk/packs.ts';
import { embedPassages } from '../../model/walk/rows.ts';
import type { StoredModel } from '../../model/walk/stored-model.ts';
import { createWalk } from '../../model/walk/walk.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { architectureCases, loadArchitecture } from './architectures.ts';
import { expectClose, scratch } from './fixtures.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const settings = { batch_tokens: 64, max_length: 64 };
/** Texts of some lengths, of tokens that every vocabulary here has. */
const texts = [5, 17, 9, 30, 12].map((length, i) => ({
  ids: Int32Array.from({ length }, (_, t) => (7 * t + 3 * i + 1) % 19),
}));

/** The states of every text behind `last`, by the walk; started at `first` from the states that an earlier walk left. */
async function walked(model: StoredModel, stretches: readonly [number, number][]): Promise<Float32Array[]> {
  const { config } = model.checkpoint;
  const packs = packsOf(
    texts.map(({ ids }) => ids.length),
    settings,
  );
  const passages = passagesOf(config, texts, packs, settings);
  const states = await embedPassages(model, passages);
  for (const [first, last] of stretches) await createWalk(model)(passages, states, { first, last });
  const found: Float32Array[] = [];
  packs.forEach((pack, i) => {
    const row = (passages[i]?.extent.tokens as number) * config.hidden_size;
    pack.forEach((text, b) => {
      const size = (texts[text]?.ids.length as number) * config.hidden_size;
      found[text] = (states[i] as Float32Array).slice(b * row, b * row + size);
    });
  });
  return found;
}

/** The same by one pass over the loaded model, text by text. */
async function passed(path: string, recovery?: Recovery): Promise<Float32Array[]> {
  const { config, weights } = await loadModel(path);
  const model = createModel(weights, recovery);
  const found: Float32Array[] = [];
  for (const { ids } of texts) {
    const padded = new Int32Array(bucketLength(ids.length, 64));
    padded.set(ids);
    const h = tf.tidy(() => hiddenStates(model, tf.tensor2d(padded, [1, padded.length], 'int32')));
    found.push(((await h.data()) as Float32Array).slice(0, ids.length * config.hidden_size));
    h.dispose();
  }
  model.disposeFrames();
  weights.dispose();
  return found;
}

async function opened(path: string): Promise<ModelCheckpoint> {
  const checkpoint = await openStored(path);
  onTestFinished(() => checkpoint.close());
  return checkpoint;
}

const scheme8da4w = {
  scheme: '8da4w',
  bits: 4,
  symmetric: true,
  group_size: 16,
  block_size: 64,
  double_quant: true,
  embedding_bits: 8,
  embedding_group_size: 0,
  dtype: 'F32',
} as const;
const noTokenizer = { tokenizer_json: null, tokenizer_config_json: null };

async function tinyCheckpoint(dtype: 'F32' | 'F16' | 'BF16', over: object = {}): Promise<string> {
  const path = join(await scratch(), 'tiny.arrow');
  const config = tinyConfig(over);
  const weights = tinyWeights(config);
  await writeModel(path, config, weights, noTokenizer, dtype);
  weights.dispose();
  return path;
}

function expectSame(found: readonly Float32Array[], expected: readonly Float32Array[], tolerance = 1e-5): void {
  expect(found).toHaveLength(texts.length);
  for (const [i, states] of expected.entries()) expectClose(found[i] as Float32Array, states, tolerance, `text ${i}`);
}

describe.each(['cpu', 'onnx'] as const)('a walk on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it.each(architectureCases)('through %s gives the states of one pass', async (name) => {
    const { path, config } = await loadArchitecture(name);
    const found = await walked({ checkpoint: await opened(path) }, [[1, config.num_hidden_layers]]);
    expectSame(found, await passed(path));
  });

  it.each(['F32', 'F16', 'BF16'] as const)('reads tensors of %s as a loaded model has them', async (dtype) => {
    const path = await tinyCheckpoint(dtype);
    expectSame(await walked({ checkpoint: await opened(path) }, [[1, 4]]), await passed(path));
  });

  it('goes through shared, pruned and recovered MLPs and low-rank terms at attention', async () => {
    const path = await tinyCheckpoint('F32', { num_hidden_layers: 6 });
    const checkpoint = await opened(path);
    const { weights } = await loadModel(path);
    const replacements: Replacement[] = [
      { target: 2, reference: 1, candidate: 'g0', rank: 3 },
      { target: 3, reference: 1, candidate: 'g0', rank: 0 },
      { target: 4, reference: 1, candidate: 'g2', rank: 2 },
      ...prunedReplacements([5]),
      ...ownReplacements([6], 2, { candidate: 'lora', roles: matrixRoles }),
    ];
    const recovery = createRecovery(checkpoint.config, replacements, { init: 'default', seed: 1 }, weights);
    for (const [name, variable] of recovery.parameters) {
      variable.assign(tf.tensor(normals(variable.size, name), variable.shape)); // many start at zero, where nothing shows
    }
    expectSame(await walked({ checkpoint, recovery }, [[1, 6]]), await passed(path, recovery));
    disposeRecovery(recovery);
    weights.dispose();
  });

  it('rounds the inputs of a model of 8da4w', async () => {
    const source = await opened(await tinyCheckpoint('F32', { hidden_size: 32, intermediate_size: 32 }));
    const path = join(await scratch(), 'quantized.arrow');
    const plan = planQuantization(source.config, [], scheme8da4w, source.storedAs);
    const quantize: Quantizer = async (name, codec, shape) =>
      quantizePlain(name, codec, shape, await source.readFloat32(name), arithmeticOf('8da4w'));
    await writeQuantized(path, source, plan, { scheme: '8da4w', activations: 'int8' }, quantize, () => {});
    const found = await walked({ checkpoint: await opened(path) }, [[1, 4]]);
    expectSame(found, await passed(path));
  });

  it('may begin at any layer, from the states that were kept', async () => {
    const checkpoint = await opened(await tinyCheckpoint('F32'));
    const inParts = await walked({ checkpoint }, [
      [1, 1],
      [2, 3],
      [4, 4],
    ]);
    expect(inParts).toEqual(await walked({ checkpoint }, [[1, 4]]));
  });
});

describe('what a walk reads', () => {
  beforeAll(() => useBackend({ backend: 'onnx' }));

  async function readBy(path: string, replacements: readonly Replacement[]): Promise<string[]> {
    const checkpoint = await opened(path);
    const names: string[] = [];
    const readFloat32 = (name: string) => {
      names.push(name);
      return checkpoint.readFloat32(name);
    };
    const recovery = { replacements, parameters: new Map() };
    await walked({ checkpoint: { ...checkpoint, readFloat32 }, recovery }, [[1, 4]]);
    return names;
  }

  const gate = (layer: number) => tensorName(tinyConfig(), layer, 'gate');

  it('is each tensor once, and of the embedding nothing but rows', async () => {
    const names = await readBy(await tinyCheckpoint('F32'), []);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toContain(gate(3));
    expect(names).not.toContain(embeddingName);
  });

  it("is no matrix that another's stands in for, and a reference that the layer before has is not read again", async () => {
    const names = await readBy(await tinyCheckpoint('F32'), [
      { target: 3, reference: 2, candidate: 'g0', rank: 0 },
      { target: 4, reference: null, candidate: 'g0', rank: 0 },
    ]);
    expect(names.filter((name) => name.includes('gate'))).toEqual([gate(1), gate(2)]);
  });
});
