// Layers of a range side by side: what is written and counted, what cannot be, and what it goes together with.
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
import { parallelLayers } from '../../stages/parallel-layers/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { skipSublayers } from '../../stages/skip-sublayers/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

const config = tinyConfig({
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 6,
  vocab_size: 320,
  max_position_embeddings: 128,
});
const files = { model: join(temporaryFolder(), 'model.arrow'), train: '', eval: '' };
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const metrics = (outcome: StageOutcome) =>
  JSON.parse(readFileSync(only(outcome, 'metrics'), 'utf8')) as Record<string, number>;
const run = (params: Record<string, unknown>, inputs: Record<string, string> = {}) =>
  runStage(parallelLayers, { params, inputs: { model: files.model, ...inputs } });
const parallel = { first: 3, last: 6, variant: 'paper' };

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
  await writeModel(files.model, config, tinyWeights(config), { tokenizer_json, tokenizer_config_json: null }, 'F32');
  const data = await runStage(dataset, { params: { generate: 'arxiv_math', records: 24, eval_fraction: 0.25 } });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
});

/** What the recovery in `path` says, without its parameters. */
async function said(path: string) {
  const recovery = await readRecovery([path], config);
  disposeRecovery(recovery);
  return { map: formatReplacements(recovery.replacements), parallel: recovery.parallel };
}

describe('parallel-layers', () => {
  it('writes the range, and counts steps and operations', async () => {
    const paired = await run({ layers: '3-6' });
    expect(await said(only(paired, 'recovery'))).toEqual({ map: '', parallel });
    // two for each weight of attention, MLPs and the head
    const attention = 2 * 16 * (16 + config.num_key_value_heads * config.head_dim);
    const operations = 2 * (6 * (attention + 3 * 16 * 24) + 16 * 320);
    expect(metrics(paired)).toEqual({
      layers: 6,
      depth: 4,
      pairs: 2,
      operations_per_token: operations,
      original_operations_per_token: operations,
    });
    const released = metrics(await run({ layers: '3-6', variant: 'released' }));
    expect(released.operations_per_token).toBe(operations + 4 * 4 * 16 * 24);
    expect(paired.facts['']).toMatchObject({ depth: 4, recovery_parameters: 0 });
  });

  it('is refused at its line where the range is none of pairs, and where the model is not that deep', async () => {
    const names = new Set(['model']);
    const check = (layers: string) => () => parallelLayers.check?.({ layers, variant: 'paper' }, names);
    expect(check('3-5')).toThrow(
      "'layers': expected an even number of layers, two for each pair, got the 3 of '3-5': take one more or one less",
    );
    expect(check('all')).toThrow("'layers': expected one range of layers such as '5-8', got 'all'");
    const model = { layers: 6 };
    await expect(parallelLayers.expect?.({ layers: '5-8', variant: 'paper' }, { model })).rejects.toThrow(
      "'layers': expected layers from 1 to 6, the model's, got 5-8",
    );
    await expect(run({ layers: '5-8' })).rejects.toThrow("'layers': expected layers from 1 to 6, the model's, got 5-8");
  });

  it('is known of before it runs, by what comes after it too', async () => {
    const params = { layers: '3-6', variant: 'paper' } as const;
    const model = { layers: 6, hidden_size: 16, intermediate_size: 24, heads: 2, kv_heads: 1, vocab_size: 320 };
    const expected = await parallelLayers.expect?.(params, { model });
    expect(expected).toEqual({ recovery_parameters: 0, targets: 0, first_replaced: 3, parallel });
    const skip = { sublayer: 'mlp', choose: 'last', percent: 17, tau: 0.9, keep_last: false } as const;
    const after = await skipSublayers.expect?.(skip, { model, recovery: expected });
    expect(after).toMatchObject({ parallel, first_replaced: 3 });
  });

  it('changes what the model says, and is tuned by sft with parameters on its layers', async () => {
    const paired = only(await run({ layers: '3-6' }), 'recovery');
    const perplexity = async (recovery?: string) => {
      const inputs = { model: files.model, data: files.eval, ...(recovery && { recovery }) };
      return metrics(await runStage(perplexityEval, { params: { max_length: 96 }, inputs })).perplexity;
    };
    expect(await perplexity(paired)).not.toBe(await perplexity());
    const params = { layers: '3-6', rank: 2, matrices: ['q', 'o', 'up', 'down'] };
    const started = only(
      await runStage(lora, { params, inputs: { model: files.model, recovery: paired } }),
      'recovery',
    );
    expect(await perplexity(started)).toBe(await perplexity(paired));
    const tuned = await runStage(sft, {
      params: { max_length: 96, batch_size: 18, max_steps: 8, lr: 1e-2, schedule: 'constant', warmup_ratio: 0 },
      inputs: { model: files.model, recovery: started, data: files.train },
    });
    expect(await said(only(tuned, 'recovery'))).toEqual({ map: 'own q+o+up+down:3,4,5,6', parallel });
    const { loss } = JSON.parse(readFileSync(only(tuned, 'curve'), 'utf8')) as { loss: number[] };
    expect(loss.at(-1)).toBeLessThan(loss[0] as number);
  });

  it('goes together with shared MLPs and with codes, and is not said twice', async () => {
    const shared = only(await runStage(share, { params: { map: '3:4' }, inputs: { model: files.model } }), 'recovery');
    const both = only(await run({ layers: '3-6' }, { recovery: shared }), 'recovery');
    expect(await said(both)).toEqual({ map: '3:4', parallel });
    const coded = await runStage(quantize, {
      params: { scheme: 'gptq', bits: 8, group_size: 8, samples: 4, sample_tokens: 32 },
      inputs: { model: files.model, recovery: both, data: files.train },
    });
    expect(await said(only(coded, 'recovery'))).toEqual({ map: '3:4', parallel });
    await expect(run({ layers: '1-2' }, { recovery: both })).rejects.toThrow(
      "stage 'parallel-layers': layers 3-6 run in parallel already, expected one range, got 1-2 beside it",
    );
  });

  it.each([
    ['huggingface', 'expanded', 'BF16'],
    ['gguf', 'expanded', 'F16'],
    ['peft', 'expanded', 'BF16'],
  ] as const)('is refused by format %s, before anything runs and by its writer', async (format, layout, dtype) => {
    const message = `format: ${format} is for programs that run one layer after the other, and layers 3-6 of this model run side by side: expected format: onnx, or format: huggingface with layout: compact`;
    const recovery = only(await run({ layers: '3-6' }), 'recovery');
    const params = { format, layout, dtype, name: 'a', threads: 1, group_size: 32, accuracy_level: 0 } as const;
    await expect(exportStage.expect?.(params, { model: {}, recovery: { parallel } })).rejects.toThrow(message);
    const inputs = { model: files.model, recovery };
    await expect(runStage(exportStage, { params: { format, layout, dtype }, inputs })).rejects.toThrow(message);
  });

  it('is said by the card of an export that keeps it', async () => {
    const recovery = only(await run({ layers: '3-6', variant: 'par' }), 'recovery');
    const params = { format: 'huggingface', layout: 'compact', dtype: 'F32' };
    const made = await runStage(exportStage, { params, inputs: { model: files.model, recovery } });
    expect(readFileSync(only(made, 'card'), 'utf8')).toContain('- Layers 3 to 6 run side by side, two by two (par).');
    expect(JSON.parse(readFileSync(only(made, 'sharp'), 'utf8'))).toMatchObject({
      version: 2,
      parallel: { first: 3, last: 6, variant: 'par' },
    });
  });
});
