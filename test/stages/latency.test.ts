import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { encodeOnnxModel, type OnnxModel } from '../../formats/tensors/onnx.ts';
import { readMetric } from '../../report/result/collect.ts';
import { latencyReport } from '../../stages/latency/report.ts';
import { type LatencySample, measureLatency } from '../../stages/latency/session.ts';
import { runStage, temporaryFolder } from './harness.ts';
import { decoderModel, writeDecoder } from './onnx-decoder.ts';

// The stage starts a process, which runs the compiled program.
const compiled = new URL('../../dist/stages/registry.js', import.meta.url).href;
const { stageRegistry } = (await import(compiled)) as { stageRegistry: StageRegistry };
const latency = stageRegistry.get('latency') as StageDefinition;

interface Report extends Record<string, unknown> {
  n: number;
  samples: LatencySample[];
  reference_samples: LatencySample[];
  reference: Record<string, number>;
  measured: Record<string, unknown>;
}

const setting = { prompt_tokens: 5, decode_tokens: 3, repetitions: 2, warmups: 1, passes: 2 };

async function measure(inputs: Record<string, string>, params: object = {}, folder = temporaryFolder()) {
  const reports: string[] = [];
  const outcome = await runStage(latency, {
    params: { ...setting, ...params },
    inputs,
    folder,
    onProgress: ({ done, total, of }) => reports.push(`${done}/${total} ${of}`),
  });
  return { report: JSON.parse(readFileSync(outcome.files['']?.metrics as string, 'utf8')) as Report, reports, folder };
}

/** A folder of its own with one decoder. */
function decoder(...args: Parameters<typeof writeDecoder> extends [string, ...infer Rest] ? Rest : never) {
  return writeDecoder(temporaryFolder(), ...args);
}

describe('latency', () => {
  const original = decoder({ layers: 3, vocabulary: 64 });
  const small = decoder();

  let both: Awaited<ReturnType<typeof measure>>;
  beforeAll(async () => {
    const reference = { reference: original.path, reference_data: original.data };
    both = await measure({ model: small.path, model_data: small.data, ...reference });
  });

  it('runs the model and the reference as often as it was told, each sample with all its tokens', () => {
    const { report, reports, folder } = both;
    expect(report.n).toBe(2);
    expect(report.samples.map(({ cached_tokens }) => cached_tokens)).toEqual([8, 8]); // 5 + 3
    expect(report.samples[0]?.logits_shape).toEqual([1, 5, 32]);
    expect(report.reference_samples[1]?.logits_shape).toEqual([1, 5, 64]);
    expect(reports).toEqual(['1/3 round', '2/3 round', '3/3 round']);
    expect(readdirSync(join(folder, 'scratch'))).toEqual([]);
  });

  it('reports the bytes of the files that it loaded, and how they compare', () => {
    const bytes = small.bytes + small.data_bytes;
    expect(small.data_bytes).toBe(1024); // 32 x 8 float32
    expect(bytes).toBe(statSync(small.path).size + statSync(small.data).size);
    expect(both.report.size_bytes).toBe(bytes);
    expect(both.report.reference.size_bytes).toBe(original.bytes + original.data_bytes);
    expect(both.report.size_ratio).toBe(bytes / (original.bytes + original.data_bytes));
  });

  it('gives every number that it names, with the error of a ratio beside it', () => {
    for (const field of latency.outputs.metrics?.fields ?? []) {
      const found = readMetric(both.report, field);
      expect(found?.value, field).toBeGreaterThanOrEqual(0);
      if (/^(load|forward|total|decode)_(cpu_)?ratio$/.test(field))
        expect(found?.stderr, field).toBeGreaterThanOrEqual(0);
      expect(found?.n).toBe(2);
    }
    for (const { load_s, forward_s, decode_s, peak_bytes, base_bytes } of both.report.samples) {
      expect(Math.min(load_s, forward_s, decode_s)).toBeGreaterThan(0);
      expect(peak_bytes).toBeGreaterThanOrEqual(base_bytes);
    }
    expect(both.report.measured).toMatchObject({ ...setting, threads: 1, provider: 'cpu', onnxruntime: '1.30.0' });
  });

  it('needs no reference, no data beside the model, and no decoding', async () => {
    const whole = decoder({ external: false });
    const { report } = await measure({ model: whole.path }, { decode_tokens: 0, machine: 'bench' });
    expect(report.size_bytes).toBe(whole.bytes);
    expect(Object.keys(report).filter((name) => /ratio|reference|decode|tokens_per_s/.test(name))).toEqual([]);
    expect(report.samples[0]?.cached_tokens).toBe(5);
    expect(report.measured.machine).toBe('bench');
  });

  it('says of a file that is no model, and of data that are missing, which input it is', async () => {
    const folder = temporaryFolder();
    const path = join(folder, 'text.onnx');
    writeFileSync(path, 'not a model');
    await expect(measure({ model: path })).rejects.toThrow(
      /^input 'model': ONNX Runtime does not load it: .*Protobuf parsing failed.*; expected output 'onnx' of an export with format: onnx$/s,
    );
    await expect(measure({ model: small.path, model_data: small.data, reference: original.path })).rejects.toThrow(
      /^input 'reference': ONNX Runtime does not load it: .*; join input 'reference_data' to output 'onnx_data' of the same export$/s,
    );
  });

  it.each<[string, (model: OnnxModel) => OnnxModel['graph'], RegExp]>([
    [
      'no cache',
      ({ graph }) => ({
        ...graph,
        inputs: graph.inputs.slice(0, 3),
        nodes: graph.nodes.filter(({ op }) => op !== 'Concat'),
        outputs: graph.outputs.slice(0, 1),
      }),
      /it has no input 'past_key_values\.\{i\}\.key', expected a decoder/,
    ],
    [
      'another input',
      ({ graph }) => ({ ...graph, inputs: [...graph.inputs, { name: 'pixels', type: 'float32', dims: [1] }] }),
      /it has an input 'pixels'/,
    ],
    [
      'a missing output',
      ({ graph }) => ({ ...graph, outputs: graph.outputs.slice(0, -1) }),
      /it has no output 'present\.1\.value'/,
    ],
    [
      'heads of unknown number',
      ({ graph }) => ({
        ...graph,
        inputs: graph.inputs.map((port) => ({ ...port, dims: port.dims.map((size) => (size === 2 ? 'heads' : size)) })),
      }),
      /it has an input 'past_key_values\.0\.key' of shape \[-1,-1,-1,4\]/,
    ],
  ])('refuses a model with %s', async (_, change, message) => {
    const folder = temporaryFolder();
    mkdirSync(folder, { recursive: true });
    const model = decoderModel({ external: false });
    const path = join(folder, 'model.onnx');
    writeFileSync(path, encodeOnnxModel({ ...model, graph: change(model) }));
    const request = { path, provider: 'cpu', threads: 1, ...setting } as const;
    await expect(measureLatency(request)).rejects.toThrow(message);
  });

  it('feeds a cache of float16 back as it came', async () => {
    const model = decoder({ cache: 'float16' });
    const { report } = await measure({ model: model.path, model_data: model.data });
    expect(report.samples.map(({ cached_tokens }) => cached_tokens)).toEqual([8, 8]);
  });

  it('says how its process ended where that gives no answer', async () => {
    const before = process.env.NODE_OPTIONS;
    process.env.NODE_OPTIONS = '--require ./no-such-file.cjs';
    try {
      await expect(measure({ model: small.path, model_data: small.data })).rejects.toThrow(
        /^input 'model': the process that times it ended with exit code 1, saying: .*no-such-file\.cjs/,
      );
    } finally {
      if (before === undefined) delete process.env.NODE_OPTIONS;
      else process.env.NODE_OPTIONS = before;
    }
  });

  it('stops with its process when the run is stopped', async () => {
    const stop = new AbortController();
    const running = runStage(latency, {
      params: { ...setting, repetitions: 1000 },
      inputs: { model: small.path, model_data: small.data },
      signal: stop.signal,
      onProgress: ({ done }) => done === 2 && stop.abort(new Error('stopped')),
    });
    await expect(running).rejects.toThrow('stopped');
  });
});

describe('a report', () => {
  const sample = (load_s: number, forward_s: number, decode_s: number): LatencySample => ({
    ...{ load_s, forward_s, decode_s },
    ...{ load_cpu_s: load_s, forward_cpu_s: forward_s, decode_cpu_s: decode_s / 2 },
    ...{ peak_bytes: 30e6, base_bytes: 10e6, logits_shape: [1, 5, 32], cached_tokens: 9 },
  });

  it('divides pair by pair, so that what slows both down does not move the ratio', () => {
    // rounds 1, 1, 10 times as slow; the model takes half the reference's time in each
    const slow = [1, 1, 10];
    const reference = { size_bytes: 200, samples: slow.map((factor) => sample(2 * factor, 4 * factor, 8 * factor)) };
    const model = { size_bytes: 50, samples: slow.map((factor) => sample(factor, 2 * factor, 4 * factor)) };
    const report: Record<string, unknown> = latencyReport(model, reference, 1);
    expect(report).toMatchObject({ load_s: 1, forward_s: 2, total_s: 3, decode_s: 4, load_min_s: 1, load_max_s: 10 });
    expect(report).toMatchObject({ load_ratio: 0.5, total_ratio: 0.5, total_ratio_q1: 0.5, total_ratio_q3: 0.5 });
    expect(report).toMatchObject({
      load_ratio_stderr: 0,
      size_ratio: 0.25,
      memory_ratio: 1,
      memory_mb: 20,
      peak_mb: 30,
    });
    expect(report).toMatchObject({ tokens_per_s: 1, n: 3 }); // (9 - 5) tokens in 4 s
    expect(report.cpu_share).toBeCloseTo(5 / 7, 12); // 1 + 2 + 4 / 2 of 1 + 2 + 4 seconds
    expect(report).toMatchObject({ total_cpu_s: 3, decode_cpu_s: 2, forward_cpu_ratio: 0.5 });
    // numpy: std([1, 1, 10], ddof=1) = 5.196152, mean 4
    expect(report.load_std_pct).toBeCloseTo(129.9038, 4);
  });
});
