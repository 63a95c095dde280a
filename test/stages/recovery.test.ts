// The stages that make, train and count recoveries, on a random model of 6 layers: what comes out of one goes into the next.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageDeclaration } from '../../contract/stage.ts';
import { matrixRoles } from '../../model/architecture/roles.ts';
import { openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { readReplacements, writeRecovery } from '../../model/checkpoint/recovery-file.ts';
import { createRecovery } from '../../model/sharing/recovery.ts';
import { prunedReplacements } from '../../model/sharing/replacement.ts';
import { captureActivations } from '../../stages/capture-activations/declare.ts';
import { rankAt } from '../../stages/common/rank.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { ratios } from '../../stages/ratios/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { slw } from '../../stages/slw/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { type GivenInput, runStage, type StageOutcome, temporaryFolder, untyped } from './harness.ts';

const sizes = {
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 6,
  vocab_size: 320,
  max_position_embeddings: 128,
};
const config = tinyConfig(sizes);
const folder = temporaryFolder();
const files = {
  model: join(folder, 'model.arrow'),
  pruned: join(folder, 'pruned.arrow'),
  train: '',
  eval: '',
  activations: '',
};
const facts = { layers: 6, hidden_size: 16, intermediate_size: 24 };
const model = (): GivenInput => ({ files: { '': files.model }, facts });
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const recoveryOf = (...paths: string[]): GivenInput => ({
  files: Object.fromEntries(paths.map((path, i) => [i === 0 ? '' : String(i), path])),
  facts: {},
});

/** The recovery that `stage` writes for the model. */
async function make(stage: StageDeclaration, params: object, recovery?: string): Promise<string> {
  const inputs = { model: model(), ...(recovery !== undefined && { recovery: recoveryOf(recovery) }) };
  return only(await runStage(stage, { params: { ...params }, inputs }), 'recovery');
}

async function perplexity(recovery?: string): Promise<number> {
  const inputs = {
    model: model(),
    data: files.eval,
    ...(recovery !== undefined && { recovery: recoveryOf(recovery) }),
  };
  const outcome = await runStage(perplexityEval, { params: { max_length: 96 }, inputs });
  return (JSON.parse(readFileSync(only(outcome, 'metrics'), 'utf8')) as { perplexity: number }).perplexity;
}

/** Writes a recovery that prunes the MLPs of `layers`. */
async function prune(layers: number[]): Promise<string> {
  const path = join(temporaryFolder(), 'pruned.arrow');
  await writeRecovery(path, createRecovery(config, prunedReplacements(layers), { init: 'default', seed: 1 }));
  return path;
}

const tuning = { max_length: 96, batch_size: 18, max_steps: 2, lr: 1e-3, schedule: 'constant', warmup_ratio: 0 };
const replaced = async (path: string) => (await readReplacements(path, config)).map(({ target }) => target);

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
  const texts = { tokenizer_json, tokenizer_config_json: null };
  await writeModel(files.model, config, tinyWeights(config), texts, 'F16');
  const widths = tinyConfig({ ...sizes, intermediate_sizes: [24, 12, 12, 12, 12, 24] });
  await writeModel(files.pruned, widths, tinyWeights(widths), texts, 'F16');
  const data = await runStage(dataset, { params: { generate: 'arxiv_math', records: 24, eval_fraction: 0.25 } });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
  const captured = await runStage(captureActivations, {
    params: { fraction: 0.5, max_length: 96 },
    inputs: { model: model(), data: files.train },
    units: ['layer 3'],
  });
  files.activations = captured.files['layer 3']?.activations as string;
});

describe.each(['g0', 'g1', 'g2', 'g3', 'delta'])('candidate %s', (candidate) => {
  const given = { map: '2:3', candidate, rank: 4, match_rank: true };

  it('goes from share into sft, which trains it', async () => {
    const start = await make(share, given);
    const inputs = { model: model(), recovery: recoveryOf(start), data: files.train };
    const tuned = await runStage(sft, { params: tuning, inputs });
    expect(await readReplacements(only(tuned, 'recovery'), config)).toEqual(await readReplacements(start, config));
    const { loss } = JSON.parse(readFileSync(only(tuned, 'curve'), 'utf8')) as { loss: number[] };
    expect(loss[1]).not.toBe(loss[0]);
  });

  it.each(['mlp', 'projection'])('is fitted by slw with granularity %s', async (granularity) => {
    const warm = await runStage(slw, {
      params: { ...given, granularity, batch_tokens: 64, epochs: 4, lr: 5e-3 },
      inputs: { model: model(), activations: { files: { 'layer 3': files.activations }, facts: {} } },
    });
    const { first_loss, last_loss } = warm.facts['2→3'] as { first_loss: number; last_loss: number };
    expect(last_loss).toBeLessThan(first_loss);
  });
});

describe('share', () => {
  it('with match_rank gives each candidate the rank of as many parameters', async () => {
    const rankOf = async (candidate: string) =>
      (await readReplacements(await make(share, { candidate, rank: 6, match_rank: true }), config))[0]?.rank;
    // 6 * (16 + 24) / c with c = 16 + 24, 16 + 72, 48 + 24, 80 (methods A.3)
    expect(await Promise.all(['g0', 'g1', 'g2', 'g3'].map(rankOf))).toEqual([6, 3, 3, 3]);
  });

  it("of rank 'scaled' takes the paper's share of the width, and so does lora where nobody says otherwise", async () => {
    expect([96, 576, 2048, 4096, 4].map((width) => rankAt('scaled', width))).toEqual([9, 56, 200, 400, 1]);
    const ranks = async (recovery: string) => (await readReplacements(recovery, config)).map(({ rank }) => rank);
    expect(new Set(await ranks(await make(share, { rank: 'scaled' })))).toEqual(new Set([2]));
    expect(new Set(await ranks(await make(lora, { layers: 'all' })))).toEqual(new Set([2]));
  });

  it('with rank 0 is Direct Sharing, which slw, sft and lora are measured against', async () => {
    const direct = await perplexity(await make(share, {}));
    expect(await perplexity(await make(share, { rank: 3 }))).toBe(direct);
    expect(await perplexity(await make(share, { rank: 3, candidate: 'g3' }))).toBe(direct);
  });

  it('refuses an init that the candidate does not have, before anything runs', async () => {
    const params = { type: 'T_next', candidate: 'g0', init: 'svd', rank: 3, match_rank: false };
    await expect(untyped(share).expect?.(params, { model: facts })).rejects.toThrow("candidate 'g0' has no init 'svd'");
  });

  it('refuses an init that the candidate does not have', async () => {
    await expect(make(share, { candidate: 'g1', rank: 3, init: 'gaussian' })).rejects.toThrow(
      "candidate 'g1' has no init 'gaussian', expected 'default' or 'svd'",
    );
  });
});

describe('slw', () => {
  const units = (params: object) => slw.units?.({ ...params } as never, { model: facts }) ?? [];
  const given = { type: 'T_next', candidate: 'g3', init: 'default', rank: 6, match_rank: true };

  it('a unit holds the rank and the init that were meant, so that it is shared with a spec that says them', () => {
    const explicit = { ...given, init: 'uniform', rank: 3, match_rank: false };
    expect(units(given)).toEqual(units(explicit));
    expect(units(given)[0]?.params).toEqual({ candidate: 'g3', init: 'uniform', rank: 3, reference: 2, target: 3 });
  });

  it("a unit of rank 'scaled' is that of the number, which takes the model's width", () => {
    const scaled = { ...given, rank: 'scaled' };
    for (const match_rank of [true, false]) {
      expect(units({ ...scaled, match_rank })).toEqual(units({ ...given, rank: 2, match_rank }));
    }
    const unknown = { ...scaled, match_rank: false } as never;
    expect(() => slw.units?.(unknown, { model: { layers: 6 } })).toThrow("expected the facts 'layers', 'hidden_size'");
  });

  it('refuses an init that the candidate does not have before anything runs', () => {
    expect(() => units({ ...given, init: 'svd' })).toThrow("candidate 'g3' has no init 'svd'");
  });
});

describe('lora', () => {
  it('on all layers is the original model, until sft has trained it (Original + SFT)', async () => {
    const start = await make(lora, { layers: 'all', rank: 3 });
    expect(await replaced(start)).toEqual([1, 2, 3, 4, 5, 6]);
    const original = await perplexity();
    expect(await perplexity(start)).toBe(original);
    const inputs = { model: model(), recovery: recoveryOf(start), data: files.train };
    const tuned = await runStage(sft, { params: tuning, inputs });
    expect(await perplexity(only(tuned, 'recovery'))).not.toBe(original);
  });

  it('on the others is Full-LoRA: before sft it is plain SHARP, to the bit', async () => {
    const warm = await runStage(slw, {
      params: { map: '2:3', rank: 2, batch_tokens: 64, epochs: 1, lr: 5e-3 },
      inputs: { model: model(), activations: { files: { 'layer 3': files.activations }, facts: {} } },
    });
    const plain = warm.files['2→3']?.recovery as string;
    const full = await make(lora, { rank: 3 }, plain);
    expect(await replaced(full)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(await perplexity(full)).toBe(await perplexity(plain));
  });

  it('at all seven matrices starts at what is there, is trained by sft, and is counted', async () => {
    const matrices = [...matrixRoles];
    const shared = await make(share, { map: '2:3', rank: 0 });
    const attention = await make(lora, { layers: 'all', rank: 2, matrices: ['o', 'q', 'k', 'v'] }, shared);
    const outcome = await runStage(lora, {
      params: { layers: 'others', rank: 2, matrices },
      inputs: { model: model(), recovery: recoveryOf(shared) },
    });
    expect(outcome.facts['']?.map).toBe('2:3; own q+k+v+o+gate+up+down:1,2,4,5,6');
    expect(await perplexity(attention)).toBe(await perplexity(shared));
    const inputs = { model: model(), recovery: recoveryOf(attention), data: files.train };
    const tuned = only(await runStage(sft, { params: tuning, inputs }), 'recovery');
    expect(await perplexity(tuned)).not.toBe(await perplexity(shared));
    // 2 heads of 8 and one key head: q and o are 16 x 16, k and v 8 x 16
    const full = { ...facts, heads: 2, kv_heads: 1, head_dim: 8 };
    const layer = 2 * (2 * (16 + 16) + 2 * (16 + 8) + 3 * (16 + 24));
    expect(outcome.facts['']).toMatchObject({ targets: 1, recovery_parameters: 5 * layer });
    const expected = await lora.expect?.(
      { type: 'T_next', init: 'default', layers: 'all', rank: 2, matrices },
      { model: full },
    );
    expect(expected).toMatchObject({ recovery_parameters: 6 * layer });
  });

  it('at attention goes beside whatever stands at the MLPs, once at each matrix', async () => {
    const first = await make(lora, { layers: '2', rank: 1, matrices: ['q'] }, await make(share, {}));
    expect(await replaced(await make(lora, { rank: 1, matrices: ['q'] }, first))).toEqual([1, 2, 3, 3, 4, 5, 5, 6]);
    await expect(make(lora, { layers: 'all', rank: 1, matrices: ['q'] }, first)).rejects.toThrow(
      "layers 'all': layer 2 is replaced by the recovery that comes in",
    );
  });

  it.each([
    ['references', [2, 4]],
    ['targets', [3, 5]],
    ['1, 4-6', [1, 4, 5, 6]],
  ])('layers %s of T_next are %j', async (layers, expected) => {
    expect(await replaced(await make(lora, { layers, rank: 1 }))).toEqual(expected);
  });

  it('adds to pruned layers, and what is expected of it is what it writes', async () => {
    const pruned = await prune([3, 5]);
    const outcome = await runStage(lora, {
      params: { layers: 'references', rank: 2 },
      inputs: { model: model(), recovery: recoveryOf(pruned) },
    });
    const kinds = (await readReplacements(only(outcome, 'recovery'), config)).map(({ reference, rank }) => [
      reference,
      rank,
    ]);
    expect(kinds).toEqual([
      [2, 2],
      [null, 0],
      [4, 2],
      [null, 0],
    ]);
    const recovery_parameters = 2 * 3 * (1 + 2 * (16 + 24));
    expect(outcome.facts['']).toEqual({ map: 'own:2,4; pruned:3,5', targets: 2, recovery_parameters });
    const params = { layers: 'references', type: 'T_next', rank: 2 };
    expect(
      await untyped(lora).expect?.(params, { model: facts, recovery: { targets: 2, recovery_parameters: 0 } }),
    ).toEqual({
      targets: 2,
      recovery_parameters,
      first_layer: 2,
    });
    const narrow = { ...facts, intermediate_sizes: [24, 12, 12, 12, 12, 24] };
    expect(await untyped(lora).expect?.({ layers: '2-5', rank: 2 }, { model: narrow })).toMatchObject({
      recovery_parameters: 4 * 3 * (1 + 2 * (16 + 12)),
    });
  });

  it.each([
    [
      'all',
      "layers 'all': layer 3 is replaced by the recovery that comes in, expected other layers ('others' takes all of them)",
    ],
    ['targets', "layers 'targets': layer 3 is replaced by the recovery that comes in"],
    ['7', "layers: '7' must name layers from 1 to 6, got 7"],
    ['most', "layers: 'most' is not a layer, expected a number such as '4' or a range such as '4-6'"],
  ])('layers %s beside sharing are refused', async (layers, message) => {
    await expect(make(lora, { layers, rank: 1 }, await make(share, {}))).rejects.toThrow(message);
  });
});

describe('ratios', () => {
  const measure = async (inputs: Record<string, GivenInput>) =>
    JSON.parse(
      readFileSync(only(await runStage(ratios, { inputs: { model: model(), ...inputs } }), 'metrics'), 'utf8'),
    ) as object;
  const mlp = 3 * 16 * 24;

  it('of the original model are 1', async () => {
    expect(await measure({})).toMatchObject({ tau: 1, s: 1, recovery_parameters: 0, targets: 0, map: '', layers: 6 });
  });

  it('of a recovery in several files are those of all together', async () => {
    const [first, second] = [await make(share, { map: '2:3', rank: 2 }), await make(share, { map: '4:5', rank: 3 })];
    const recovery_parameters = 3 * (1 + 2 * 40) + 3 * (1 + 3 * 40);
    const found = await measure({ recovery: recoveryOf(first, second) });
    expect(found).toMatchObject({ targets: 2, map: '2:3; 4:5', recovery_parameters, mlp_parameters: 4 * mlp });
    expect(found).toMatchObject({ tau: 4 / 6, s: (4 * mlp + recovery_parameters) / (6 * mlp) });
  });

  it('of a narrower model count its widths, and bytes of what is stored', async () => {
    const pruned = { files: { '': files.pruned }, facts };
    const recovery = await runStage(lora, { params: { layers: '2-5', rank: 2 }, inputs: { model: pruned } });
    const found = await measure({ pruned, recovery: recoveryOf(only(recovery, 'recovery')) });
    const recovery_parameters = 4 * 3 * (1 + 2 * (16 + 12));
    expect(found).toMatchObject({ tau: 4 / 6, s: (4 * mlp + recovery_parameters) / (6 * mlp), targets: 0 });
    const { parameters, bytes } = found as { parameters: number; bytes: number };
    expect(bytes).toBe(2 * (parameters - recovery_parameters) + 4 * recovery_parameters);
    const checkpoint = await openStored(files.pruned);
    const stored = [...checkpoint.tensors.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    await checkpoint.close();
    expect(parameters).toBe(stored + recovery_parameters);
  });

  it('of a model of another depth are refused', async () => {
    const path = join(temporaryFolder(), 'deep.arrow');
    const deep = tinyConfig({ ...sizes, num_hidden_layers: 7 });
    await writeModel(path, deep, tinyWeights(deep), { tokenizer_json: null, tokenizer_config_json: null }, 'F32');
    await expect(measure({ pruned: { files: { '': path }, facts } })).rejects.toThrow(
      "input 'pruned' must come from input 'model', expected 6 layers of 16, got 7 layers of 16",
    );
  });
});
