// MLPs cut into experts, and their routers trained: what is written and counted, what cannot be, and what it goes together with.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeModel } from '../../model/checkpoint/checkpoint.ts';
import { readRecovery } from '../../model/checkpoint/recovery-file.ts';
import { disposeRecovery } from '../../model/sharing/recovery.ts';
import { formatReplacements } from '../../model/sharing/replacement.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { ratios } from '../../stages/ratios/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { splitExperts } from '../../stages/split-experts/declare.ts';
import { trainRoutersStage } from '../../stages/train-routers/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

const config = tinyConfig({
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 4,
  vocab_size: 320,
  max_position_embeddings: 128,
});
const files = { model: join(temporaryFolder(), 'model.arrow'), train: '', eval: '' };
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const metrics = (outcome: StageOutcome) =>
  JSON.parse(readFileSync(only(outcome, 'metrics'), 'utf8')) as Record<string, number>;
const run = (params: Record<string, unknown> = {}, inputs: Record<string, string> = {}) =>
  runStage(splitExperts, { params, inputs: { model: files.model, ...inputs } });
const perplexity = async (recovery?: string) => {
  const inputs = { model: files.model, data: files.eval, ...(recovery && { recovery }) };
  return metrics(await runStage(perplexityEval, { params: { max_length: 96 }, inputs })).perplexity as number;
};
const training = {
  epochs: 8,
  max_length: 96,
  batch_size: 6,
  micro_batch: 3,
  lr: 1e-2,
  schedule: 'constant',
  warmup_ratio: 0,
};
const lossesOf = (outcome: StageOutcome) =>
  (JSON.parse(readFileSync(only(outcome, 'curve'), 'utf8')) as { loss: number[] }).loss;

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
  await writeModel(files.model, config, tinyWeights(config), { tokenizer_json, tokenizer_config_json: null }, 'F32');
  const data = await runStage(dataset, { params: { generate: 'arxiv_math', records: 24, eval_fraction: 0.25 } });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
});

/** What the recovery in `path` says, and all numbers of its routers. */
async function said(path: string) {
  const recovery = await readRecovery([path], config);
  const { layers, experts, active, routers } = recovery.routing ?? { routers: new Map() };
  const numbers = [...routers.values()].flatMap((each) => [...each.dataSync()] as number[]);
  disposeRecovery(recovery);
  return { map: formatReplacements(recovery.replacements), layers, experts, active, numbers };
}

describe('split-experts', () => {
  it('writes routers, and counts what a token takes', async () => {
    const cut = await run({ layers: '2-4', experts: 4, active: 1 });
    const { numbers, ...rest } = await said(only(cut, 'recovery'));
    expect(rest).toEqual({ map: '', layers: [2, 3, 4], experts: 4, active: 1 });
    expect(numbers).toHaveLength(3 * 4 * 17);
    expect(Math.max(...numbers.map(Math.abs))).toBeLessThanOrEqual(1 / 4); // 1 / sqrt(16)
    const attention = 2 * 16 * (16 + config.num_key_value_heads * config.head_dim);
    const original = 2 * (4 * (attention + 3 * 16 * 24) + 16 * 320);
    const routed = original - 3 * (0.75 * 6 * 16 * 24 - 2 * 16 * 4);
    expect(metrics(cut)).toEqual({
      layers: 3,
      experts: 4,
      active: 1,
      router_parameters: 3 * 4 * 17,
      operations_per_token: routed,
      original_operations_per_token: original,
      operations_ratio: routed / original,
    });
    expect(cut.facts['']).toMatchObject({ recovery_parameters: 0, router_parameters: 3 * 4 * 17 });
    const counted = await runStage(ratios, { inputs: { model: files.model, recovery: only(cut, 'recovery') } });
    expect(metrics(counted)).toMatchObject({ tau: 1, recovery_parameters: 3 * 4 * 17 });
  });

  it('with every expert active is the original model', async () => {
    expect(await perplexity(only(await run({ active: 4 }), 'recovery'))).toBeCloseTo(await perplexity(), 3);
    expect(await perplexity(only(await run({ active: 1 }), 'recovery'))).not.toBeCloseTo(await perplexity(), 3);
  });

  it('is refused where experts and model do not fit', async () => {
    const check = () => splitExperts.check?.({ layers: 'all', experts: 2, active: 3 }, new Set(['model']));
    expect(check).toThrow(
      "'active': a token can pass 2 of 2 experts at most, got active: 3: lower it, or raise 'experts'",
    );
    const message =
      '5 experts must be of one width, but the MLP of layer 1 has 24 channels, which 5 does not divide: expected one of 2, 3, 4, 6, 8, 12, 24';
    const model = { layers: 4, hidden_size: 16, intermediate_size: 24 };
    await expect(splitExperts.expect?.({ layers: 'all', experts: 5, active: 1 }, { model })).rejects.toThrow(
      `'experts': ${message}`,
    );
    await expect(run({ experts: 5 })).rejects.toThrow(`stage 'split-experts': ${message}`);
  });

  it('is known of before it runs, by what comes after it too', async () => {
    const model = { layers: 4, hidden_size: 16, intermediate_size: 24, heads: 2, kv_heads: 1, vocab_size: 320 };
    const expected = await splitExperts.expect?.({ layers: '3-4', experts: 4, active: 2 }, { model });
    const routing = { layers: 2, experts: 4, active: 2 };
    expect(expected).toEqual({
      recovery_parameters: 0,
      targets: 0,
      first_replaced: 3,
      router_parameters: 2 * 4 * 17,
      routing,
    });
    const inputs = { model, recovery: expected, data: {} };
    const params = { ...training, router: 'intended', router_weight: 1, balance_weight: 1, fraction: 1, epochs: 1 };
    const rest = { weight_decay: 0, clip_norm: 0, save_every: 1, threads: 1, schedule: 'constant' };
    const trained = await trainRoutersStage.expect?.({ ...params, ...rest } as never, inputs);
    expect(trained).toMatchObject({ routing, first_replaced: 3 });
    const plain = { ...inputs, recovery: { recovery_parameters: 3, first_replaced: 1 } };
    await expect(trainRoutersStage.expect?.({ ...params, ...rest } as never, plain)).rejects.toThrow(
      "input 'recovery' has no routers to train: expected the recovery of stage 'split-experts', or of one after it",
    );
  });

  it('goes together with shared MLPs, codes, and parameters that sft trains through the experts', async () => {
    const shared = only(await runStage(share, { params: { map: '2:3' }, inputs: { model: files.model } }), 'recovery');
    const both = only(await run({}, { recovery: shared }), 'recovery');
    expect(await said(both)).toMatchObject({ map: '2:3', layers: [1, 2, 3, 4] });
    const coded = await runStage(quantize, {
      params: { scheme: 'gptq', bits: 8, group_size: 8, samples: 4, sample_tokens: 32, recovery_bits: 4 },
      inputs: { model: files.model, recovery: both, data: files.train },
    });
    expect(await said(only(coded, 'recovery'))).toEqual(await said(both));
    const started = await runStage(lora, {
      params: { layers: 'all', rank: 2, matrices: ['q', 'o', 'k'] },
      inputs: { model: files.model, recovery: both },
    });
    const tuned = await runStage(sft, {
      params: { ...training, max_steps: 8 },
      inputs: { model: files.model, recovery: only(started, 'recovery'), data: files.train },
    });
    const after = await said(only(tuned, 'recovery'));
    expect(after).toMatchObject({ layers: [1, 2, 3, 4], numbers: (await said(both)).numbers });
    expect(lossesOf(tuned).at(-1)).toBeLessThan(lossesOf(tuned)[0] as number);
  });

  it.each([
    ['huggingface', 'expanded', 'BF16'],
    ['gguf', 'expanded', 'F16'],
    ['peft', 'expanded', 'BF16'],
  ] as const)('is refused by format %s, before anything runs and by its writer', async (format, layout, dtype) => {
    const message = `format: ${format} is for programs that pass every MLP whole, and MLPs of this model are cut into experts: expected format: onnx, or format: huggingface with layout: compact`;
    const recovery = only(await run(), 'recovery');
    const params = { format, layout, dtype, name: 'a', threads: 1, group_size: 32, accuracy_level: 0 } as const;
    const routing = { layers: 4, experts: 4, active: 2 };
    await expect(exportStage.expect?.(params, { model: {}, recovery: { routing } })).rejects.toThrow(message);
    const inputs = { model: files.model, recovery };
    await expect(runStage(exportStage, { params: { format, layout, dtype }, inputs })).rejects.toThrow(message);
  });

  it('is said by the card of an export that keeps it', async () => {
    const recovery = only(await run({ layers: '1-2' }), 'recovery');
    const params = { format: 'huggingface', layout: 'compact', dtype: 'F32' };
    const made = await runStage(exportStage, { params, inputs: { model: files.model, recovery } });
    expect(readFileSync(only(made, 'card'), 'utf8')).toContain(
      '- The MLPs of layers 1, 2 are cut into 4 experts each, of which a router chooses 2 for a token.',
    );
    expect(JSON.parse(readFileSync(only(made, 'sharp'), 'utf8'))).toMatchObject({
      version: 3,
      routing: { layers: [1, 2], experts: 4, active: 2 },
    });
  });
});

describe('train-routers', () => {
  const train = (recovery: string, params: Record<string, unknown> = {}, more: object = {}) =>
    runStage(trainRoutersStage, {
      params: { ...training, max_steps: 6, ...params },
      inputs: { model: files.model, recovery, data: files.train },
      ...more,
    });

  it('intended: lowers its loss and changes routers alone', async () => {
    const start = only(await run(), 'recovery');
    const trained = await train(start, { router_weight: 1, max_steps: 12 });
    const losses = lossesOf(trained);
    expect(losses).toHaveLength(12);
    expect(losses.at(-1)).toBeLessThan(losses[0] as number);
    const [before, after] = [await said(start), await said(only(trained, 'recovery'))];
    expect({ ...after, numbers: [] }).toEqual({ ...before, numbers: [] });
    expect(after.numbers).not.toEqual(before.numbers);
  });

  it('released: its routers learn nothing', async () => {
    const start = only(await run(), 'recovery');
    const trained = await train(start, { router: 'released', weight_decay: 0 });
    expect(await said(only(trained, 'recovery'))).toEqual(await said(start));
  });

  it('goes on after a kill, to the same bytes', async () => {
    const start = only(await run(), 'recovery');
    const whole = await train(start, { save_every: 2 });
    const folder = temporaryFolder();
    const stopped = new AbortController();
    const onProgress = ({ of, done }: { of?: string; done?: number }) => {
      if (of === 'step' && done === 4) stopped.abort(new Error('killed'));
    };
    await expect(train(start, { save_every: 2 }, { folder, signal: stopped.signal, onProgress })).rejects.toThrow(
      'killed',
    );
    const again = await train(start, { save_every: 2 }, { folder });
    expect(again.reports.filter(({ of }) => of === 'step').length).toBeLessThan(6);
    expect(readFileSync(only(again, 'recovery'))).toEqual(readFileSync(only(whole, 'recovery')));
  });

  it('needs routers', async () => {
    const shared = only(await runStage(share, { params: { map: '2:3' }, inputs: { model: files.model } }), 'recovery');
    await expect(train(shared)).rejects.toThrow(
      "input 'recovery' has no routers to train: expected the recovery of stage 'split-experts'",
    );
  });
});
