// Every architecture through the real stages: loaded, shared, warmed up, tuned, rounded, asked, exported.
import { copyFileSync, cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { captureActivations } from '../../stages/capture-activations/declare.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { layerSimilarity } from '../../stages/layer-similarity/declare.ts';
import { lmEvalTasks } from '../../stages/lm-eval-tasks/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { pruneChannels } from '../../stages/prune-channels/declare.ts';
import { quantize } from '../../stages/quantize/declare.ts';
import { ratios } from '../../stages/ratios/declare.ts';
import { sft } from '../../stages/sft/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { shareBlocks } from '../../stages/share-blocks/declare.ts';
import { slw } from '../../stages/slw/declare.ts';
import { weightDifference } from '../../stages/weight-difference/declare.ts';
import { architectureFixtures } from '../model/architectures.ts';
import { runStage, type StageOutcome, temporaryFolder } from './harness.ts';

const root = resolve(import.meta.dirname, '../..');
const text = { max_length: 48 };
const files: Record<string, string> = {};
const only = (outcome: StageOutcome, output: string): string => outcome.files['']?.[output] as string;
const json = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
let runs = 0;
const run: typeof runStage = (stage, setup) => {
  runs++;
  return runStage(stage, setup);
};

beforeAll(async () => {
  const params = { generate: 'arxiv_math', records: 60, eval_fraction: 0.2 };
  const data = await runStage(dataset, { params });
  files.train = only(data, 'train');
  files.eval = only(data, 'eval');
});
afterAll(() => console.log(`${runs} stages were run on ${cases.length} architectures`));

/** A model folder with a tokenizer. */
function folderOf(name: string): string {
  const folder = join(temporaryFolder(), name);
  mkdirSync(folder);
  cpSync(join(architectureFixtures, name), folder, { recursive: true });
  copyFileSync(join(architectureFixtures, 'tokenizer.json'), join(folder, 'tokenizer.json'));
  return folder;
}

const cases = ['mistral', 'qwen2-upper', 'qwen3-bias', 'smollm3'];

describe.each(cases)('%s', (name) => {
  let folder = '';
  let facts: StageOutcome['facts'][string] = {};
  let model = '';
  const input = (path = model) => ({ files: { '': path }, facts });

  async function perplexity(path = model, recovery?: Record<string, string>): Promise<number> {
    const more = recovery && { recovery: { files: recovery, facts: {} } };
    const inputs = { model: input(path), data: files.eval as string, ...more };
    return json(only(await run(perplexityEval, { params: text, inputs }), 'metrics')).perplexity as number;
  }

  beforeAll(async () => {
    folder = folderOf(name);
    const loaded = await run(load, { params: { path: folder } });
    model = only(loaded, 'model');
    facts = loaded.facts[''] as typeof facts;
  });

  it('is shared, warmed up and tuned, each better than before', async () => {
    const map = '1:2';
    const shared = await run(share, { params: { map }, inputs: { model: input() } });
    const captured = await run(captureActivations, {
      params: { ...text, fraction: 1 },
      inputs: { model: input(), data: files.train as string },
      units: ['layer 2'],
    });
    const activations = { files: { 'layer 2': captured.files['layer 2']?.activations as string }, facts: {} };
    const warm = await run(slw, {
      params: { map, rank: 4, batch_tokens: 128, lr: 1e-2 },
      inputs: { model: input(), activations },
    });
    const parts = { '1→2': warm.files['1→2']?.recovery as string };
    const { first_loss, last_loss } = warm.facts['1→2'] as { first_loss: number; last_loss: number };
    expect(last_loss).toBeLessThan(first_loss);
    const tuned = await run(sft, {
      params: { ...text, batch_size: 8, epochs: 4, lr: 1e-2 },
      inputs: { model: input(), recovery: { files: parts, facts: {} }, data: files.train as string },
    });
    files[`${name} recovery`] = only(tuned, 'recovery');
    expect(await perplexity(model, { '': only(shared, 'recovery') })).toBeGreaterThan(1);
    expect(await perplexity(model, { '': only(tuned, 'recovery') })).toBeLessThan(await perplexity(model, parts));
    const inputs = { original: input(), model: input(), recovery: files[`${name} recovery`] as string };
    const kept = json(only(await run(ratios, { inputs }), 'metrics'));
    expect(kept.tau).toBeCloseTo(1 - 1 / (facts.layers as number), 12);
  });

  it.each([{ scheme: 'rtn', bits: 8 }, { scheme: 'nf4' }, { scheme: 'gptq', bits: 8 }, { scheme: '8da4w' }])(
    'is quantised with %j, and says nearly the same',
    async (scheme) => {
      const calibration = { group_size: 16, samples: 8, sample_tokens: 32 };
      const inputs = { model: input(), data: files.train as string, recovery: files[`${name} recovery`] as string };
      const made = await run(quantize, { params: { ...calibration, ...scheme }, inputs });
      const recovery = { '': only(made, 'recovery') };
      const before = await perplexity(model, { '': files[`${name} recovery`] as string });
      const after = await perplexity(only(made, 'model'), recovery);
      expect(Math.abs(Math.log(after / before))).toBeLessThan(scheme.bits === 8 ? 0.05 : 0.6);
      const stored = scheme.scheme === 'rtn' || scheme.scheme === 'gptq' || scheme.scheme === '8da4w';
      const exported = { format: 'onnx', dtype: stored ? 'STORED' : 'F32' };
      const outcome = await run(exportStage, {
        params: exported,
        inputs: { model: only(made, 'model'), ...{ recovery: only(made, 'recovery') } },
      });
      expect(json(only(outcome, 'config')).model_type).toBe(json(join(folder, 'config.json')).model_type);
    },
  );

  it('is asked the questions of a task, of which one is answered in its own words', async () => {
    const params = {
      ...{ folder: join(root, 'tasks/definitions'), data: join(root, 'test/fixtures/tasks/data') },
      ...{ batch_size: 4, limit: 4, max_gen_toks: 8, tasks: ['arc_easy', 'gsm8k'] },
    };
    const { tasks } = json(only(await run(lmEvalTasks, { params, inputs: { model: input() } }), 'metrics')) as {
      tasks: Record<string, unknown>;
    };
    expect(Object.keys(tasks)).toEqual(['arc_easy', 'gsm8k']);
  });

  it('has similar layers, and blocks that stand in for each other', async () => {
    await run(layerSimilarity, { params: text, inputs: { model: input(), data: files.eval as string } });
    const arranged = await run(shareBlocks, { params: { map: '1:2' }, inputs: { model: input() } });
    expect(await perplexity(only(arranged, 'model'))).toBeGreaterThan(1);
  });

  it('loses channels of one layer and goes out with zeros in their place', async () => {
    const inputs = { model: input(), data: files.train as string };
    const pruned = await run(pruneChannels, {
      params: { layers: '2', ratio: 0.25, samples: 4, sample_tokens: 24 },
      inputs,
    });
    const narrow = only(pruned, 'model');
    expect(await perplexity(narrow)).toBeGreaterThan(1);
    const outcome = await run(exportStage, { params: { dtype: 'F32' }, inputs: { model: narrow } });
    const out = temporaryFolder();
    copyFileSync(only(outcome, 'model'), join(out, 'model.safetensors'));
    for (const part of ['config', 'tokenizer'] as const) copyFileSync(only(outcome, part), join(out, `${part}.json`));
    const again = await run(load, { params: { path: out } });
    expect(again.warnings.filter((message) => !message.includes('tokenizer'))).toEqual([]);
    expect(await perplexity(only(again, 'model'))).toBeCloseTo(await perplexity(narrow), 3);
    await run(weightDifference, { inputs: { model: input() } });
  });

  it.each([
    [{}, 'model'],
    [{ layout: 'compact' }, 'shared'],
    [{ format: 'peft' }, 'adapter_model'],
    [{ format: 'onnx', dtype: 'F32' }, 'onnx'],
    [{ format: 'onnx', dtype: 'INT4', group_size: 16 }, 'onnx'],
    [{ format: 'onnx', dtype: '8DA4W', group_size: 16 }, 'onnx'],
    [{ format: 'gguf', dtype: 'Q8_0' }, 'gguf'],
  ])('is exported as %j', async (params, output) => {
    const inputs = { model: input(), recovery: files[`${name} recovery`] as string };
    const exported = run(exportStage, { params, inputs });
    const refused = name === 'qwen3-bias' && 'format' in params && params.format === 'gguf';
    if (refused) await expect(exported).rejects.toThrow("llama.cpp's qwen3 has no biases");
    else expect(readFileSync(only(await exported, output)).byteLength).toBeGreaterThan(1000);
  });
});
