// Recoveries: what stands in for MLPs in the forward pass, which replacements go together, starting values, and files.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { projections } from '../../model/architecture/roles.ts';
import { createWeights } from '../../model/architecture/weights.ts';
import { readRecovery, readReplacements, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { forward } from '../../model/forward/forward.ts';
import { createModel } from '../../model/forward/model.ts';
import { matrixShapes } from '../../model/methods/registry.ts';
import { createRecovery, joinRecoveries, type Recovery } from '../../model/sharing/recovery.ts';
import { recoveryName } from '../../model/sharing/recovery-shapes.ts';
import {
  checkReplacements,
  formatReplacements,
  ownReplacements,
  prunedReplacements,
  type Replacement,
  replacementsOf,
} from '../../model/sharing/replacement.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { tf } from '../../tensor/tf.ts';
import { expectClose, scratch } from './fixtures.ts';
import { llamaName } from './llama-name.ts';
import { normals, tinyConfig, tinyWeights } from './tiny.ts';

const config = tinyConfig();
const settings = { init: 'default', seed: 5 } as const;
const of = (reference: number | null, target: number, rank = 3) => ({ reference, target, candidate: 'g0', rank });
const without = (replacements: readonly Replacement[]): Recovery => ({ replacements, parameters: new Map() });

/** A recovery whose every number is random, as after training. */
function trained(replacements: readonly Replacement[]): Recovery {
  const recovery = createRecovery(config, replacements, settings);
  for (const [name, variable] of recovery.parameters) {
    tf.tidy(() => variable.assign(tf.tensor(normals(variable.size, name), variable.shape)));
  }
  return recovery;
}

async function logits(recovery?: Recovery, weights = tinyWeights(config)): Promise<ArrayLike<number>> {
  return forward(createModel(weights, recovery), tf.tensor2d([[1, 2, 3, 4]], undefined, 'int32')).data();
}

describe.each(['cpu', 'onnx'] as const)('a model with a recovery, on backend %s', (backend) => {
  beforeAll(() => useBackend({ backend }));

  it('LoRA on own MLPs starts at the original model, to the bit, and leaves it once trained', async () => {
    const own = ownReplacements([1, 2, 3, 4], 3);
    expect(await logits(createRecovery(config, own, settings))).toEqual(await logits());
    expect(await logits(trained(own))).not.toEqual(await logits());
  });

  it('Full-LoRA starts where plain sharing with the same parameters is, to the bit (methods A.9)', async () => {
    const plain = trained([of(2, 3)]);
    const full = joinRecoveries(
      config,
      [plain, createRecovery(config, ownReplacements([1, 2, 4], 3), settings)],
      'here',
    );
    expect(full.replacements.map(({ target }) => target)).toEqual([1, 2, 3, 4]);
    expect(await logits(full)).toEqual(await logits(plain));
  });

  it("a target uses its reference's original weights, whatever the reference has of its own", async () => {
    const shared = trained([of(2, 3, 2)]);
    const adapted = joinRecoveries(config, [shared, trained([of(2, 2)])], 'here');
    // by hand: layer 3 gets a copy of layer 2's MLP, and then has both adapters on its own
    const weights = tinyWeights(config);
    const copy = createWeights(
      config,
      new Map(weights.names.map((name) => [name, weights.get(name.replace('layers.2.mlp', 'layers.1.mlp'))])),
    );
    const own = { ...adapted, replacements: [of(2, 2), of(3, 3, 2)] };
    expectClose(await logits(adapted), await logits(own, copy), 1e-6);
  });

  it('a pruned MLP is one whose down projection is zero', async () => {
    const weights = tinyWeights(config);
    const down = llamaName(3, 'down');
    const zeroed = new Map(
      weights.names.map((name) => [name, name === down ? tf.zerosLike(weights.get(name)) : weights.get(name)]),
    );
    const pruned = await logits(without(prunedReplacements([3])));
    expect(pruned).toEqual(await logits(undefined, createWeights(config, zeroed)));
    expect(pruned).not.toEqual(await logits());
  });

  it("a pruned layer's MLP is not looked at", async () => {
    const weights = tinyWeights(config);
    const names = new Set(projections.map((projection) => llamaName(3, projection)));
    const rest = new Map(weights.names.filter((name) => !names.has(name)).map((name) => [name, weights.get(name)]));
    expect(await logits(without(prunedReplacements([3])), createWeights(config, rest))).toHaveLength(4 * 20);
  });

  it('layers may have MLPs of different widths', async () => {
    const widths = tinyConfig({ intermediate_sizes: [12, 6, 6, 10] });
    const recovery = createRecovery(widths, [of(2, 3), of(4, 4)], settings);
    expect(recovery.parameters.get(recoveryName(3, 'up', 'B'))?.shape).toEqual([3, 6]);
    expect(recovery.parameters.get(recoveryName(4, 'up', 'B'))?.shape).toEqual([3, 10]);
    const weights = tinyWeights(widths);
    expect(weights.get(llamaName(4, 'down')).shape).toEqual([8, 10]);
    const direct = await logits(without(replacementsOf([{ reference: 2, targets: [3] }])), weights);
    expect(await logits(recovery, weights)).toEqual(direct);
  });
});

describe('replacements', () => {
  const check = (...replacements: Replacement[]) => checkReplacements(config, replacements, 'here');

  it('of every kind go together', () => {
    expect(() => check(of(1, 1), of(1, 2), of(null, 3, 0), of(4, 4))).not.toThrow();
  });

  it.each([
    [[of(1, 2), of(2, 2)], 'here: target layer 2 is replaced already'],
    [[of(1, 2), of(2, 3)], 'here: layer 2 is the reference of layer 3, but its own MLP is replaced'],
    [[of(2, 3), of(null, 2, 0)], 'here: layer 2 is the reference of layer 3, but its own MLP is replaced'],
  ])('%j are refused', (replacements, message) => expect(() => check(...replacements)).toThrow(message));

  it('between MLPs of different widths are refused', () => {
    const widths = tinyConfig({ intermediate_sizes: [12, 6, 12, 12] });
    expect(() => checkReplacements(widths, [of(2, 3)], 'here')).toThrow(
      'here: layer 3 needs a reference whose MLP is 12 wide, got layer 2 with 6',
    );
  });

  it('read as text like a map, with own and pruned layers at the end', () => {
    const mixed = [of(null, 8, 0), of(1, 1), of(3, 4), of(3, 5), of(10, 11), of(null, 9, 0)];
    expect(formatReplacements(mixed)).toBe('3:4,5; 10:11; own:1; pruned:8,9');
  });
});

describe('recovery parameters', () => {
  beforeAll(() => useBackend({ backend: 'cpu' }));

  it('rank 0 has none', () => expect(createRecovery(config, [of(2, 3, 0)], settings).parameters.size).toBe(0));

  it('start the same for a target whatever the other targets are', async () => {
    const one = createRecovery(config, [of(2, 3)], settings);
    const two = createRecovery(config, [of(1, 2), of(1, 3)], settings);
    const name = recoveryName(3, 'gate', 'A');
    expect(await one.parameters.get(name)?.data()).toEqual(await two.parameters.get(name)?.data());
  });

  it('have the shapes of methods A.3, by size', () => {
    expect(matrixShapes('g0', 4096, 11008, 400)).toEqual({ alpha: [], A: [4096, 400], B: [400, 11008] });
    expect(matrixShapes('g1', 4096, 11008, 163)).toMatchObject({ C: [163, 11008], D: [163, 11008] });
    expect(matrixShapes('g2_plus', 4096, 11008, 259)).toMatchObject({ E: [4096, 259], F: [4096, 259] });
    expect(matrixShapes('g3', 4096, 11008, 200)).toMatchObject({ U: [4096, 200], V: [200, 11008] });
  });
});

describe('recovery files', () => {
  beforeAll(() => useBackend({ backend: 'cpu' }));

  it('one file per pair reads as one recovery with the same numbers', async () => {
    const folder = await scratch();
    const paths: string[] = [];
    const parts: Recovery[] = [];
    for (const replacement of [of(1, 4, 2), { ...of(1, 2), candidate: 'g3' }, of(3, 3)]) {
      const part = createRecovery(config, [replacement], settings);
      paths.push(join(folder, `${replacement.target}.arrow`));
      await writeRecovery(paths.at(-1) as string, part);
      parts.push(part);
    }
    const merged = await readRecovery(paths, config);
    expect(merged.replacements).toEqual([{ ...of(1, 2), candidate: 'g3' }, of(3, 3), of(1, 4, 2)]);
    expect(merged.parameters.size).toBe(3 * 3 + 3 * 3 + 3 * 5);
    for (const part of parts) {
      for (const [name, variable] of part.parameters) {
        expect(await merged.parameters.get(name)?.data(), name).toEqual(await variable.data());
      }
    }
  });

  it('pruned layers and Direct Sharing are files without tensors', async () => {
    const path = join(await scratch(), 'a');
    const replacements = [of(2, 3, 0), of(null, 4, 0)];
    await writeRecovery(path, without(replacements));
    expect(await readRecovery([path], config)).toEqual(without(replacements));
    expect(await readReplacements(path, config)).toEqual(replacements);
  });

  it('a target in two files, another model and another kind of file are refused, and nothing is kept', async () => {
    const folder = await scratch();
    const write = async (name: string) => {
      const path = join(folder, name);
      const recovery = createRecovery(config, [of(2, 3)], settings);
      await writeRecovery(path, recovery);
      tf.dispose([...recovery.parameters.values()]);
      return path;
    };
    const [a, b] = [await write('a'), await write('b')];
    const before = tf.memory().numTensors;
    await expect(readRecovery([a, b], config)).rejects.toThrow(`recovery '${b}': target layer 3 is replaced already`);
    await expect(readRecovery([a], tinyConfig({ hidden_size: 16 }))).rejects.toThrow(
      "tensor 'layers.3.mlp.gate.A': expected [16, 3] for this model, got [8, 3]",
    );
    const other = join(folder, 'other');
    await (await createCheckpoint(other, { kind: 'llama' })).close();
    await expect(readRecovery([other], config)).rejects.toThrow(
      "must hold a recovery (kind 'recovery'), got kind 'llama'",
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  const good = { target: 3, reference: 2, candidate: 'g0', rank: 2 };
  it.each([
    ['nothing', undefined, "'replacements' must be a list"],
    ['an object', {}, "'replacements' must be a list"],
    ['a number', [7], "replacement 1: 'target' must be a layer from 1 to 4"],
    ['layer 5 of 4', [{ ...good, target: 5 }], "replacement 1: 'target' must be a layer from 1 to 4"],
    ['half a layer', [{ ...good, target: 2.5 }], "replacement 1: 'target' must be a layer from 1 to 4"],
    ['layer 0', [{ ...good, reference: 0 }], "replacement 1: 'reference' must be a layer from 1 to 4 or null"],
    ['no reference', [{ target: 3 }], "replacement 1: 'reference' must be a layer from 1 to 4 or null"],
    ['another candidate', [{ ...good, candidate: 'g9' }], "replacement 1: 'candidate' must be g0 or g1"],
    ['a property of objects', [{ ...good, candidate: 'constructor' }], "replacement 1: 'candidate' must be g0 or g1"],
    ['a rank below 0', [{ ...good, rank: -1 }], "replacement 1: 'rank' must be a whole number of at least 0"],
    ['an endless rank', [{ ...good, rank: 2 ** 40 }], "replacement 1: 'rank' must be a whole number"],
    [
      'a rank of nothing',
      [{ ...good, reference: null }],
      "replacement 1: 'rank' must be a whole number of at least 0, and 0",
    ],
    ['a rank as text', [{ ...good, rank: '2' }], "replacement 1: 'rank' must be a whole number"],
    ['the same target', [good, good], 'target layer 3 is replaced already'],
    [
      'a chain',
      [good, { ...good, target: 4, reference: 3 }],
      'layer 3 is the reference of layer 4, but its own MLP is replaced',
    ],
    ['missing tensors', [good], "tensor 'layers.3.mlp.gate.alpha': expected [] for this model, got nothing"],
    ['a huge rank without tensors', [{ ...good, rank: 2 ** 24 }], "tensor 'layers.3.mlp.gate.alpha'"],
  ])('%s is refused', async (_what, replacements, message) => {
    const path = join(await scratch(), 'hostile');
    const listed = replacements === undefined ? {} : { replacements: JSON.stringify(replacements) };
    await (await createCheckpoint(path, { kind: 'recovery', ...listed })).close();
    await expect(readRecovery([path], config)).rejects.toThrow(message);
  });
});
