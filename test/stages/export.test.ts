// The export stage on models/tiny: which files each format has, what the card and the metrics say, what is refused.
import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openSafetensors } from '../../formats/tensors/safetensors.ts';
import { openStored, writeStored } from '../../model/checkpoint/checkpoint.ts';
import { writeNarrowed } from '../../model/checkpoint/narrow.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { expectClose } from '../model/fixtures.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

const tiny = resolve(import.meta.dirname, '../../models/tiny');
const paths = { model: '', recovery: '' };

beforeAll(async () => {
  paths.model = join(temporaryFolder(), 'model.arrow');
  await importHuggingFace(tiny, paths.model);
  const model = { files: { '': paths.model }, facts: { layers: 12, hidden_size: 96, intermediate_size: 256 } };
  const shared = await runStage(share, { params: { rank: 4 }, inputs: { model } });
  paths.recovery = shared.files['']?.recovery as string;
});

/** Runs export and returns its facts and the texts of its small files, by output. */
async function exported(params: Record<string, unknown>, inputs: Record<string, string> = paths) {
  const outcome = await runStage(exportStage, { params, inputs });
  const files = outcome.files[''] as Record<string, string>;
  const made = Object.keys(files).filter((output) => existsSync(files[output] as string));
  const text = (output: string) => readFileSync(files[output] as string, 'utf8');
  const metrics = JSON.parse(text('metrics')) as Metrics;
  return { files, made, text, metrics, facts: outcome.facts[''] };
}

interface Metrics {
  unique_bytes: number;
  expanded_bytes: number;
  file_bytes: number;
  files: Record<string, number>;
}

describe('export', () => {
  it.each([
    [{}, ['config', 'model', 'tokenizer', 'card', 'metrics']],
    [{ layout: 'compact' }, ['config', 'shared', 'sharp', 'tokenizer', 'card', 'metrics']],
    [{ format: 'peft' }, ['config', 'model', 'adapter_config', 'adapter_model', 'tokenizer', 'card', 'metrics']],
    [{ format: 'onnx', dtype: 'INT4' }, ['config', 'onnx', 'onnx_data', 'tokenizer', 'card', 'metrics']],
    [{ format: 'gguf', dtype: 'Q8_0' }, ['gguf', 'card', 'metrics']],
  ])('%o has its files, with their sizes', async (params, outputs) => {
    const { made, metrics, files } = await exported(params);
    expect(made).toEqual(outputs);
    const sizes = outputs
      .filter((output) => output !== 'metrics')
      .map((output) => statSync(files[output] as string).size);
    expect(Object.values(metrics.files).toSorted()).toEqual(sizes.toSorted());
    expect(metrics.file_bytes).toBe(sizes.reduce((a, b) => a + b, 0));
    expect(metrics.unique_bytes).toBeLessThan(metrics.expanded_bytes);
  });

  it('counts each stored tensor once, and an MLP for every layer', async () => {
    // models/tiny: 12 layers of 4 x 96 x 96 and 3 x 96 x 256 and 2 x 96, two embeddings of 1024 x 96, one norm of 96
    const whole = 12 * (4 * 96 * 96 + 3 * 96 * 256 + 2 * 96) + 2 * 1024 * 96 + 96;
    const recovery = 4 * 3 * (1 + 4 * (96 + 256)); // bytes of one target's
    const { metrics } = await exported({ dtype: 'F16' });
    const targets = 5; // T_next of 12 layers: the first and the last stay, the ten between are pairs
    expect(metrics.expanded_bytes).toBe(2 * whole);
    expect(metrics.unique_bytes).toBe(2 * (whole - targets * 3 * 96 * 256) + targets * recovery);
  });

  it('gives equal bytes for equal input', async () => {
    for (const params of [{}, { format: 'onnx', dtype: '8DA4W' }, { format: 'gguf', dtype: 'Q4_0' }]) {
      const [first, second] = [await exported(params), await exported(params)];
      for (const output of first.made) expect(first.text(output), output).toBe(second.text(output));
    }
  });

  it('has a card that says what was done and how to load it', async () => {
    const { text } = await exported({ format: 'peft', name: 'a [small] | model' });
    const card = text('card');
    expect(card).toContain('library_name: peft');
    expect(card).toContain('# a \\[small\\] \\| model');
    expect(card).toContain('12 layers, hidden size 96, MLP width 256');
    expect(card).toContain('MLPs of 5 layers are those of another layer: `2:3; 4:5; 6:7; 8:9; 10:11`');
    expect(card).toMatch(/candidate g0 of rank 4 at layers 3, /);
    expect(card).toContain("PeftModel.from_pretrained(base, 'FOLDER')");
    const plain = (await exported({}, { model: paths.model })).text('card');
    expect(plain).not.toContain('## What was done');
    expect(plain).not.toContain('## Notes');
  });

  it('puts the base of an adapter in a folder of its own', async () => {
    const { facts, metrics } = await exported({ format: 'peft' });
    expect(facts?.file_names).toMatchObject({
      config: 'base/config.json',
      model: 'base/model.safetensors',
      card: 'README.md',
    });
    expect(Object.keys(metrics.files)).toContain('base/tokenizer.json');
  });

  it('an adapter beside its base loads again as the whole model', async () => {
    const model = { files: { '': paths.model }, facts: { layers: 12, hidden_size: 96, intermediate_size: 256 } };
    const random = await runStage(share, { params: { rank: 4, init: 'random' }, inputs: { model } });
    const attention = await runStage(lora, {
      params: { layers: '2,9', rank: 3, matrices: ['q', 'k', 'v', 'o'], init: 'random' },
      inputs: { model, recovery: { files: { '': random.files['']?.recovery as string }, facts: {} } },
    });
    const inputs = { model: paths.model, recovery: attention.files['']?.recovery as string };
    const { files, facts } = await exported({ format: 'peft', dtype: 'F32' }, inputs);
    const folder = temporaryFolder();
    for (const [output, name] of Object.entries(facts?.file_names as Record<string, string>)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      copyFileSync(files[output] as string, join(folder, name));
    }
    const loaded = await runStage(load, { params: { path: folder } });
    expect(loaded.warnings).toEqual([
      "the adapter, which was trained on 'base', is attached: 23 tensors are those of the base with it",
    ]);
    const whole = await exported({ dtype: 'F32' }, inputs);
    const expected = await openSafetensors(whole.files.model as string);
    const found = await openStored(loaded.files['']?.model as string);
    let changed = 0;
    for (const name of expected.tensors.keys()) {
      const [ours, theirs] = [await found.readFloat32(name), await expected.readFloat32(name)];
      expectClose(ours, theirs, 1e-6, name);
      if (ours.some((value, i) => value !== theirs[i])) changed++; // sums in another order
    }
    expect(changed).toBeGreaterThan(0); // A B is not zero
    expect(changed).toBeLessThanOrEqual(23);
    await Promise.all([expected.close(), found.close()]);
  });

  it('an ONNX model stores each tensor once, in its precision, and its card has a program that runs it', async () => {
    // models/tiny: 7 matrices a layer, of which 3 are not stored in each of 5 layers; rows of 96 or 256 columns in groups of 32
    const mlp = 3 * 96 * 256;
    const matrices = 12 * (4 * 96 * 96 + mlp) - 5 * mlp;
    const norms = 25 * 96;
    // B of gate and up and A of down start as zeros in all five: each shape of zeros is stored once
    const factors = 5 * 3 * 4 * (96 + 256) - 9 * 4 * 256 - 4 * 4 * 96;
    const floats = 1024 * 96 + norms + factors;
    const int4 = await exported({ format: 'onnx', dtype: 'INT4' });
    expect(int4.metrics.unique_bytes).toBe(matrices * (1 / 2 + 4 / 32) + 4 * (floats + 1024 * 96));
    expect(int4.text('card')).toContain('MatMulNBits of com.microsoft, accuracy_level 0');
    expect(int4.text('card')).toContain("session = onnxruntime.InferenceSession('FOLDER/model.onnx')\n");
    const w8 = await exported({ format: 'onnx', dtype: '8DA4W' });
    expect(w8.metrics.unique_bytes).toBe((matrices + 1024 * 96) * (1 / 2 + 4 / 32) + 4 * floats);
    expect(w8.text('card')).toContain('and the output head, have 4 bits');
    expect(w8.text('card')).toContain("add_session_config_entry('session.qdq_matmulnbits_accuracy_level', '1')");
    const f16 = await exported({ format: 'onnx', dtype: 'F16' });
    expect(f16.metrics.unique_bytes).toBe(2 * (matrices + 1024 * 96 + floats));
    expect(f16.text('card')).toContain('the recovery parameters (F16)');
    expect(Object.keys(f16.metrics.files)).toEqual([
      'config.json',
      'model.onnx',
      'model.onnx.data',
      'tokenizer.json',
      'README.md',
    ]);
  });

  it("says that llama.cpp splits this tokenizer's texts otherwise", async () => {
    const { facts, text } = await exported({ format: 'gguf', dtype: 'F16' });
    expect(facts?.exact_tokenizer).toBe(false);
    expect(text('card')).toContain("llama.cpp has no pre-tokenizer of this model's pattern");
  });

  it('a narrower model is padded for programs that know one width, and as it is in the compact folder', async () => {
    const narrow = join(temporaryFolder(), 'narrow.arrow');
    const checkpoint = await openStored(paths.model);
    await writeNarrowed(checkpoint, new Map([[3, Int32Array.of(0, 5, 9)]]), narrow);
    await checkpoint.close();
    const wide = await exported({}, { model: narrow });
    expect(wide.facts).toEqual({ padded_layers: [3] });
    expect(JSON.parse(wide.text('config')).intermediate_sizes).toBeUndefined();
    expect(wide.metrics.expanded_bytes - wide.metrics.unique_bytes).toBe(2 * 3 * 96 * 253);
    const compact = await exported({ layout: 'compact' }, { model: narrow });
    expect(JSON.parse(compact.text('config')).intermediate_sizes[2]).toBe(3);
  });

  it('writes a model without a tokenizer and says so; a gguf file needs one', async () => {
    const bare = join(temporaryFolder(), 'bare.arrow');
    const { config, tensors, close } = await openStored(paths.model);
    await writeStored(bare, config, tensors, { tokenizer_json: null, tokenizer_config_json: null });
    await close();
    const { made, text } = await exported({}, { model: bare });
    expect(made).toEqual(['config', 'model', 'card', 'metrics']);
    expect(text('card')).toContain('The model came without a tokenizer.');
    await expect(exported({ format: 'gguf' }, { model: bare })).rejects.toThrow(/came without a 'tokenizer.json'$/);
  });

  it('refuses parameters that do not go together when it is planned', () => {
    const check = (params: object) => () =>
      untyped(exportStage).check?.(
        { format: 'huggingface', layout: 'expanded', dtype: 'BF16', ...params },
        new Set(['model']),
      );
    expect(check({ dtype: 'Q4_0' })).toThrow(
      'dtype: Q4_0 is of format: gguf, expected F32, F16, BF16 or STORED for format: huggingface',
    );
    expect(check({ format: 'onnx', dtype: 'BF16' })).toThrow(
      'dtype: BF16 is of format: huggingface, peft, gguf, expected F32, F16, STORED, INT4 or 8DA4W for format: onnx',
    );
    expect(check({ dtype: '8DA4W' })).toThrow(
      'dtype: 8DA4W is of format: onnx, expected F32, F16, BF16 or STORED for format: huggingface',
    );
    expect(check({ dtype: 'STORED', layout: 'compact' })).toThrow(
      'dtype: STORED expects layout: expanded, because the compact folder has no codes',
    );
    expect(check({ format: 'gguf', layout: 'compact' })).toThrow(
      'layout: compact is of format: huggingface, expected layout: expanded for format: gguf',
    );
  });

  it('load reads a compact folder back, with its recovery', async () => {
    const compact = await exported({ layout: 'compact' });
    const folder = temporaryFolder();
    const names = {
      config: 'config.json',
      shared: 'shared.safetensors',
      sharp: 'sharp.json',
      tokenizer: 'tokenizer.json',
    };
    for (const [output, name] of Object.entries(names))
      copyFileSync(compact.files[output] as string, join(folder, name));
    const loaded = await runStage(load, { params: { path: folder } });
    const { model, recovery } = loaded.files[''] as Record<string, string>;
    expect(readFileSync(recovery as string).equals(readFileSync(paths.recovery))).toBe(true);
    expect(loaded.facts['']).toMatchObject({ layers: 12, map: compact.facts?.map as string });
    expect(statSync(model as string).size).toBeLessThan(statSync(paths.model).size);
    expect((await runStage(load, { params: { path: tiny } })).files['']?.recovery).toSatisfy(
      (path) => !existsSync(path as string),
    );
  });
});
