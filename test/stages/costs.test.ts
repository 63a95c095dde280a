// What the stages say that they take, on Llama-2-7b; and the work of the paper's tables on it, planned without weights and data.
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Cost, CostQuery, Facts, JsonObject } from '../../contract/stage.ts';
import { type Device, deviceNamed } from '../../runner/estimate/devices.ts';
import { estimateWork } from '../../runner/estimate/estimate.ts';
import { inspectTogether, type JointWork } from '../../runner/estimate/work.ts';
import { loadPlan } from '../../spec/plan/resolve.ts';
import { stageRegistry } from '../../stages/registry.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { numerics } from '../spec/spec-folder.ts';
import { emptyFolder } from '../store/drafts.ts';

const model: Facts = { layers: 32, hidden_size: 4096, intermediate_size: 11008, vocab_size: 32000, heads: 32 };
/** Methods A.6: SLW on 10 % of 50,000 records is 5,000 samples, 1.5 M tokens. */
const data: Facts = { train: 50_000, eval: 500 };
const input = (facts: Facts, output = '', size_bytes?: number) => ({ facts, output, size_bytes });

function costOf(stage: string, query: Partial<CostQuery>): Cost {
  const cost = stageRegistry.get(stage)?.cost?.({
    ...{ params: {}, units: [{ name: '', params: {} }], inputs: {}, facts: {}, record_tokens: 300 },
    ...query,
  });
  if (cost === undefined) throw new Error(`stage '${stage}' does not know its cost`);
  return cost;
}

describe('a stage', () => {
  const capture = (dtype: string, layers: number[]) =>
    costOf('capture-activations', {
      params: { fraction: 0.1, max_length: 2048, batch_tokens: 1024, dtype },
      units: layers.map((layer) => ({ name: `layer ${layer}`, params: { layer } })),
      inputs: { model: input(model), data: input(data, 'train') },
    });

  it('capture-activations writes 12 GB for one layer in half precision (methods A.6), twice that in float32', () => {
    expect(capture('F16', [4]).written_bytes / 1e9).toBeCloseTo(12.3, 1);
    expect(capture('F32', [4]).written_bytes).toBe(2 * capture('F16', [4]).written_bytes);
  });

  it('capture-activations holds one layer of the model, 0.8 of 27 GB, and its states', () => {
    expect(capture('F32', [16]).memory_bytes).toBeGreaterThan(0.8e9);
    expect(capture('F32', [16]).memory_bytes).toBeLessThan(5e9);
    expect(capture('F32', [4]).memory_bytes).toBe(capture('F32', [16]).memory_bytes);
  });

  it('capture-activations runs the model once for all layers, as deep as the deepest', () => {
    expect(capture('F16', [4, 16]).flops).toBe(capture('F16', [16]).flops);
    expect(capture('F16', [4, 16]).written_bytes).toBe(2 * capture('F16', [16]).written_bytes);
    expect(capture('F16', [16]).flops).toBe(4 * capture('F16', [4]).flops);
  });

  it('load copies 13.5 GB, two bytes for each of 6,738,415,616 weights', () => {
    expect(costOf('load', { facts: model })).toMatchObject({
      read_bytes: 13_476_831_232,
      written_bytes: 13_476_831_232,
    });
  });

  it('rolling-perplexity takes every token through the layers once for each window that holds it, and once through the head', () => {
    const cost = (params: JsonObject, more: Partial<CostQuery>) =>
      costOf('rolling-perplexity', { params: { join: true, context: 2048, batch_tokens: 1024, ...params }, ...more });
    const records = { inputs: { model: input(model), data: input(data, 'eval') } };
    const once = cost({}, records);
    const twice = cost({ stride: 1024 }, records);
    const head = 500 * 300 * 2 * 32_000 * 4096;
    expect(twice.flops - head).toBeCloseTo(2 * (once.flops - head), -3);
    expect(once.memory_bytes).toBeLessThan(5e9);
    // a file of as many bytes as these records have in tokens
    const file = cost({ path: 'wiki.txt' }, { inputs: { model: input(model) }, facts: { bytes: 500 * 300 * 4.5 } });
    expect(file.flops).toBe(once.flops);
    expect(cost({ join: false }, records).flops).toBeLessThan(once.flops); // attends to 300 tokens, not to 2,048
  });

  it('search-blocks takes about half of the passes that leaving out each block anew would take', () => {
    const params = { count: 1, keep_first: 1, keep_last: 1, samples: 128, sample_tokens: 2048, batch_size: 1 };
    const { flops } = costOf('search-blocks', { params, inputs: { model: input(model) } });
    const text = 128 * 2048 * 2 * (6_738_415_616 - 32_000 * 4096); // of one pass, attention's scores left out
    expect(flops / (30 * text)).toBeGreaterThan(0.5);
    expect(flops / (30 * text)).toBeLessThan(0.65);
  });

  it('relax writes 4 bytes for each number of A and B of a layer', () => {
    const unit = { layer: 3, origin: 3, rank: 128, matrices: ['q', 'k', 'v', 'o', 'gate', 'up', 'down'], threads: 1 };
    const cost = costOf('relax', { units: [{ name: 'layer 3', params: unit }], inputs: { model: input(model) } });
    expect(cost.written_bytes).toBe(4096 + 4 * 128 * (4 * 2 * 4096 + 3 * (4096 + 11008)));
  });

  it('latency reads both models once more often than it counts, and holds one at a time, twice', () => {
    const cost = costOf('latency', {
      params: { prompt_tokens: 100, decode_tokens: 20, repetitions: 7, warmups: 1, passes: 3 },
      inputs: {
        model: input({}, 'onnx', 1e6),
        model_data: input({}, 'onnx_data', 3e9),
        reference: input({}, 'onnx', 1e6),
        reference_data: input({}, 'onnx_data', 4e9),
      },
    });
    expect(cost.read_bytes).toBe(8 * 7.002e9);
    expect(cost.flops).toBe(8 * (7.002e9 / 2) * (4 * 100 + 20));
    expect(cost.memory_bytes).toBe(256 * 2 ** 20 + 2 * 4.001e9);
  });

  it('share-blocks writes what is stored: half the layers of Llama-2-7b, and what lies outside them', () => {
    const cost = costOf('share-blocks', { inputs: { model: input(model) }, facts: { stored_layers: 16 } });
    expect(cost.written_bytes).toBe(2 * (16 * (202_375_168 + 2 * 4096) + 2 * 131_072_000 + 4096)); // methods F, 2 bytes each
  });

  it('export writes the precision that is asked for', () => {
    const written = (dtype: string) =>
      costOf('export', {
        params: { format: 'huggingface', layout: 'expanded', dtype },
        inputs: { model: input(model) },
      }).written_bytes;
    expect(written('F32')).toBe(2 * written('BF16'));
  });

  it('sft takes as long as its epochs or its steps, whichever ends first', () => {
    const flops = (more: JsonObject) =>
      costOf('sft', {
        params: { fraction: 1, max_length: 2048, epochs: 2, batch_size: 128, micro_batch: 1, ...more },
        inputs: {
          model: input(model),
          recovery: input({ recovery_parameters: 14 * 18_124_803, first_layer: 4 }),
          data: input(data, 'train'),
        },
      }).flops;
    expect(flops({ epochs: 4 })).toBe(2 * flops({}));
    expect(flops({ fraction: 0.1 })).toBeCloseTo(flops({}) / 10);
    expect(flops({ max_steps: 100 }) / flops({})).toBeCloseTo((100 * 128) / 100_000);
    // two operations forward and two backward for each of 6.6 G multiplied weights, and 30 M tokens; attention and the
    // recovery parameters on top, the layers below the first target off
    expect(flops({}) / (4 * 6.607e9 * 30e6)).toBeCloseTo(1, 1);
  });

  it('train-exit-classifier asks the head after each exit and at the end, forward alone', () => {
    const flops = (exits: number[], more: JsonObject = {}) =>
      costOf('train-exit-classifier', {
        params: { fraction: 1, max_length: 2048, epochs: 1, batch_size: 8, micro_batch: 8, ...more },
        inputs: { model: input(model), exit: input({ exits }), data: input(data, 'train') },
      }).flops;
    const tokens = 50_000 * 300;
    expect(flops([8, 16]) - flops([8])).toBe(tokens * (2 * 32_000 * 4096 + 6 * 4096));
    expect(flops([8], { max_steps: 100 }) / flops([8])).toBeCloseTo(800 / 50_000);
    // two operations for each of 6.6 G multiplied weights and once more for the head; attention on top
    expect(flops([8]) / (2 * (6.607e9 + 32_000 * 4096) * tokens)).toBeCloseTo(1, 1);
  });

  it('exit-risk decodes once for each threshold, exit-latency twice for each round', () => {
    const units = [0.5, 0.9, 0.99].map((threshold) => ({ name: `threshold ${threshold}`, params: { threshold } }));
    const query = {
      params: { part: 'first', max_tokens: 64, batch_size: 1 },
      inputs: { model: input(model), data: input(data, 'eval') },
    };
    expect(costOf('exit-risk', { ...query, units }).flops).toBe(3 * costOf('decode', query).flops);
    const timed = { ...query, params: { ...query.params, repetitions: 7 } };
    expect(costOf('exit-latency', timed).flops).toBe(2 * 8 * costOf('decode', query).flops);
    expect(costOf('exit-risk', { ...query, units }).starts).toBe(3 * 250 * 64 * 32);
    expect(costOf('exit-latency', timed).starts).toBe(2 * 8 * 250 * 64 * 32);
  });

  it('decode on models/tiny takes as long as its layers take to begin: 4.5 CPU seconds were measured, its operations are 0.8', () => {
    const tiny = { layers: 12, hidden_size: 96, intermediate_size: 256, vocab_size: 1024, heads: 3 };
    const cost = costOf('decode', {
      params: { max_tokens: 40, batch_size: 1, limit: 40 },
      inputs: { model: input(tiny), data: input(data, 'eval') },
    });
    const { flops_per_second, utilisation, start_s } = deviceNamed('cpu') as Device;
    const seconds = cost.flops / (flops_per_second * utilisation) + (cost.starts ?? 0) * start_s;
    const cores = flops_per_second / 80e9;
    expect((seconds * cores) / 4.5).toBeGreaterThan(0.5);
    expect((seconds * cores) / 4.5).toBeLessThan(2);
  });

  it('does not say what it takes while its inputs are unknown', () => {
    for (const name of ['sft', 'slw', 'perplexity-eval', 'capture-activations', 'export']) {
      const inputs = { model: input({}), data: input({}, 'train') };
      const query = { params: {}, units: [{ name: '', params: {} }], inputs, facts: {}, record_tokens: 300 };
      expect(stageRegistry.get(name)?.cost?.(query)).toBeUndefined();
    }
  });

  it('of every kind says what it takes, so that a plan counts all of them', () => {
    const without = [...stageRegistry.values()].filter(({ cost }) => cost === undefined);
    expect(without.map(({ name }) => name)).toEqual([]);
  });
});

// The counts follow from the maps of Table 8 and the cells of Tables 2 to 5, 9 and 11; the profile names nothing that is here.
describe('the tables of the paper on Llama-2-7b', () => {
  const before = { ...process.env };
  beforeAll(() => {
    process.env.HF_HUB_OFFLINE = '1';
    process.env.HF_HOME = emptyFolder();
    delete process.env.HF_HUB_CACHE;
  });
  afterAll(() => {
    process.env = before;
  });

  const workOf = (...tables: number[]) => workOfSpecs(...tables.map((table) => `table-${table}`));

  async function workOfSpecs(...specs: string[]): Promise<JointWork> {
    const cwd = resolve(import.meta.dirname, '../..');
    const request = { profile: 'llama-2-7b', numerics, cwd, set: ['sft_micro_batch=1'] };
    const files = specs.map((spec) => `experiments/${spec}.yaml`);
    const plans = await Promise.all(files.map((file) => loadPlan({ ...request, file }, stageRegistry)));
    return inspectTogether(plans, stageRegistry, createMemoryStore(emptyFolder()));
  }

  const countsOf = ({ stages }: JointWork, name: string) => {
    const found = stages.find(({ stage }) => stage === name);
    return [found?.requested, found?.distinct, found?.cached];
  };

  it('Tables 2 to 5 together fit 371 pairs instead of 710, and run SFT 64 times instead of 74', async () => {
    const work = await workOf(2, 3, 4, 5);
    expect(countsOf(work, 'slw')).toEqual([710, 371, 0]);
    expect(countsOf(work, 'sft')).toEqual([74, 64, 0]);
    expect(countsOf(work, 'load')).toEqual([4, 1, 0]);
    // pairs table by table: 57 on 5 data sets; 3 x 14 + 3 x 20 + 23; 122 on 2 data sets; 4 x 14
    const pairs = work.inspections.map(({ items }) => items.filter(({ node }) => node.use === 'slw').length);
    expect(pairs).toEqual([285, 125, 244, 56]);
    const runs = work.inspections.map(({ items }) => items.filter(({ node }) => node.use === 'sft').length);
    expect(runs).toEqual([30, 28, 12, 4]);
    const estimate = estimateWork(work, {
      device: deviceNamed('h100') as Device,
      utilisation: 0.4,
      record_tokens: 300,
    });
    expect(estimate.stages.filter(({ unknown }) => unknown > 0)).toEqual([]);
    expect(estimate.stages.filter(({ fits }) => !fits).map(({ stage }) => stage)).toEqual([]);
  });

  it('Table 9 needs no SLW and no SFT beyond those, Table 11 three runs of SFT', async () => {
    const work = await workOf(2, 3, 4, 5, 9, 11);
    expect(countsOf(work, 'slw')).toEqual([822, 371, 0]);
    expect(countsOf(work, 'sft')).toEqual([85, 67, 0]);
  });

  it('Table 6 fine-tunes once, and once for its control; each task of each model is a unit of its own', async () => {
    const work = await workOf(2, 6);
    const [before, after] = [await workOf(2), work];
    const more = (name: string) => (countsOf(after, name)[1] ?? 0) - (countsOf(before, name)[1] ?? 0);
    expect(countsOf(work, 'lm-eval-tasks')).toEqual([98, 98, 0]); // 14 tasks on Original, its control and five others
    expect([more('sft'), more('slw')]).toEqual([2, 0]);
    expect(countsOf(work, 'task-data')).toEqual([1, 1, 0]);
    const estimate = estimateWork(work, {
      device: deviceNamed('h100') as Device,
      utilisation: 0.4,
      record_tokens: 300,
    });
    expect(estimate.stages.filter(({ unknown }) => unknown > 0)).toEqual([]);
  });

  it('Figure 4 zeroes 31 MLPs, one after the other, on 14 tasks, and shares Original with Table 6', async () => {
    const work = await workOfSpecs('figure-4', 'table-6');
    expect(countsOf(work, 'prune-layers')).toEqual([31, 31, 0]);
    expect(countsOf(work, 'lm-eval-tasks')).toEqual([31 * 14 + 14 + 98, 31 * 14 + 98, 0]);
  });
});
