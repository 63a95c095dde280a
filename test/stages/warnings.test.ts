// What the stages of lamina warn of: parameters that save nothing, warm-ups that are hardly any, records and prompts that are cut.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Facts, StageDeclaration } from '../../contract/stage.ts';
import { writeModel } from '../../model/checkpoint/checkpoint.ts';
import { captureActivations } from '../../stages/capture-activations/declare.ts';
import { exportStage } from '../../stages/export/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { lora } from '../../stages/lora/declare.ts';
import { perplexityEval } from '../../stages/perplexity-eval/declare.ts';
import { ratios } from '../../stages/ratios/declare.ts';
import { share } from '../../stages/share/declare.ts';
import { slw } from '../../stages/slw/declare.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { fixtures } from '../model/fixtures.ts';
import { copyOf } from '../model/folders.ts';
import { tinyConfig, tinyWeights } from '../model/tiny.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

const sizes = {
  hidden_size: 16,
  intermediate_size: 24,
  num_hidden_layers: 4,
  vocab_size: 320,
  max_position_embeddings: 32,
};
const facts = { layers: 4, hidden_size: 16, intermediate_size: 24 };
const config = tinyConfig(sizes);
const folder = temporaryFolder();
const model = join(folder, 'model.arrow');
const data = join(folder, 'data.jsonl');

const record = (id: number, answer: string) => ({
  id: `r${id}`,
  messages: [
    { role: 'user', content: 'Say it.' },
    { role: 'assistant', content: answer },
  ],
});

beforeAll(async () => {
  await useBackend({ backend: 'onnx' });
  const tokenizer_json = readFileSync(join(fixtures, 'tokenizer.json'), 'utf8');
  await writeModel(model, config, tinyWeights(config), { tokenizer_json, tokenizer_config_json: null }, 'F32');
  const long = 'a long answer '.repeat(20);
  const question = { role: 'user', content: 'so many words '.repeat(40) };
  const lost = { id: 'lost', messages: [question, { role: 'assistant', content: 'yes' }] };
  const records = [record(1, 'no'), record(2, long), record(3, long), lost];
  writeFileSync(data, records.map((each) => `${JSON.stringify(each)}\n`).join(''));
});

/** What a stage says of parameters, with its defaults, and of a model's facts. */
const said = (stage: StageDeclaration, params: object, model: Facts | undefined = facts) =>
  stage.warn?.({ type: 'T_next', candidate: 'g0', match_rank: false, ...params }, { model }) ?? [];

describe('a rank', () => {
  it.each([slw, share])(
    'of $name that stores about what it saves is warned about, with the s that `ratios` finds',
    async (stage) => {
      const map = '2:3';
      // 3 (rank (16 + 24) + 1) of 3 * 16 * 24: 0.83, 0.94, 1.04
      expect(said(stage, { map, rank: 8 })).toEqual([]);
      expect(said(stage, { map, rank: 9 })).toEqual([
        'recovery parameters of rank 9 at a width of 16 store hardly less than sharing saves: s is 0.99',
      ]);
      expect(said(stage, { map, rank: 10 })).toEqual([
        'recovery parameters of rank 10 at a width of 16 store more than sharing saves: s is 1.01',
      ]);
      const made = await runStage(share, {
        params: { map, rank: 9 },
        inputs: { model: { files: { '': model }, facts } },
      });
      const recovery = { files: { '': made.files['']?.recovery as string }, facts: {} };
      const counted = await runStage(ratios, { inputs: { model, recovery } });
      const { s } = JSON.parse(readFileSync(counted.files['']?.metrics as string, 'utf8')) as { s: number };
      expect(s.toFixed(2)).toBe('0.99');
    },
  );

  it('of 400 on a width of 576 is the case that was reported', () => {
    const smol = { layers: 30, hidden_size: 576, intermediate_size: 1536 };
    expect(said(slw, { rank: 400 }, smol)).toEqual([
      'recovery parameters of rank 400 at a width of 576 store hardly less than sharing saves: s is 0.98',
    ]);
    expect(said(slw, { rank: 100 }, smol)).toEqual([]);
  });

  it('above the width is warned about, of lora too', () => {
    const text = (rank: number) =>
      `rank ${rank} is above the width 16 of the model's matrices: A B can be any matrix there, and has more parameters than one`;
    for (const stage of [slw, share, lora]) {
      expect(said(stage, { rank: 17 })).toEqual([text(17)]);
      expect(said(stage, { rank: 5 })).toEqual([]);
    }
    expect(said(lora, { rank: 16 })).toEqual([]);
    const narrow = { ...facts, intermediate_sizes: [24, 4, 4, 24] };
    expect(said(slw, { map: '2:3', rank: 5 }, narrow)[0]).toContain('rank 5 is above the width 4');
    expect(said(slw, { map: '2:3', rank: 12, match_rank: true, candidate: 'g3' })).toEqual([
      'recovery parameters of rank 6 at a width of 16 store more than sharing saves: s is 1.06',
    ]);
  });

  it('is not spoken of where the model is not known, where there is none, and where the map is refused', () => {
    expect(untyped(slw).warn?.({ rank: 900 }, { model: undefined })).toEqual([]);
    expect(said(share, { rank: 0 })).toEqual([]);
    expect(said(slw, { rank: 900, map: '2:99' })).toEqual([]);
  });
});

describe('a warm-up', () => {
  it('of fewer than ten steps is warned about', async () => {
    const inputs = { model: { files: { '': model }, facts }, data };
    const captured = await runStage(captureActivations, {
      params: { fraction: 1, max_length: 30 },
      inputs,
      units: ['layer 3'],
    });
    const tokens = captured.facts['layer 3']?.tokens as number;
    const activations = { files: { 'layer 3': captured.files['layer 3']?.activations as string }, facts: {} };
    const warm = async (params: object) => {
      const setup = { params: { map: '2:3', rank: 1, ...params }, inputs: { model: inputs.model, activations } };
      return (await runStage(slw, setup)).warnings;
    };
    expect(await warm({ epochs: 2 })).toEqual([
      `the warm-up has 2 steps (${tokens} tokens in batches of 1024, 2 epochs), fewer than 10: capture more records, or lower 'batch_tokens'`,
    ]);
    expect(await warm({ epochs: 10, batch_tokens: 1024 })).toEqual([]);
  });
});

describe('records', () => {
  it('that are cut, dropped or longer than the context are counted', async () => {
    const warnings = async (max_length: number) =>
      (await runStage(perplexityEval, { params: { max_length }, inputs: { model, data } })).warnings;
    expect(await warnings(30)).toEqual([
      '2 of 4 records are longer than 30 tokens (max_length) and cut there',
      '1 of 4 records has no answer within 30 tokens (max_length) and is left out',
    ]);
    expect(await warnings(2048)).toEqual([
      "3 of 4 records have more tokens than the model's context of 32: lower 'max_length' to it",
    ]);
  });

  it('of a capture are spoken of with each of its units', async () => {
    const inputs = { model: { files: { '': model }, facts }, data };
    const { warnings } = await runStage(captureActivations, { params: { fraction: 1, max_length: 30 }, inputs });
    expect(warnings).toHaveLength(2);
  });
});

describe('an export', () => {
  it('to GGUF without a template is warned about, to a folder it is not', async () => {
    const warnings = async (format: string) =>
      (await runStage(exportStage, { params: { format, dtype: 'F32' }, inputs: { model } })).warnings;
    expect(await warnings('gguf')).toEqual([
      'the model has no chat template, and so has the GGUF file: llama.cpp talks to it in a template of its own',
    ]);
    expect(await warnings('huggingface')).toEqual([]);
  });
});

describe('a model that is loaded', () => {
  it('says what is not honoured of it when it is planned, and again while it is read', async () => {
    const folder = await copyOf('mha', { sliding_window: 4, dtype: 'bfloat16' });
    writeFileSync(join(folder, 'tokenizer.json'), readFileSync(join(fixtures, 'tokenizer.json')));
    writeFileSync(join(folder, 'generation_config.json'), '{"eos_token_id": [2, 3], "no_repeat_ngram_size": 3}');
    const planned = await load.preflight?.({ path: folder });
    expect(planned).toEqual([
      "config.json: 'sliding_window' is 4: it has no effect, as in transformers' Llama: every token sees all before it",
      "generation_config.json: 'no_repeat_ngram_size' (3) is not applied to what lamina generates",
    ]);
    const { warnings } = await runStage(load, { params: { path: folder } });
    expect(warnings).toEqual([
      ...(planned ?? []),
      'the tokenizer has 320 tokens, the model 64: a text with a token beyond these is refused',
      "config.json has the 'dtype' 'bfloat16', but the weights are stored as float32: they are taken as stored",
    ]);
    const texts = [...warnings, ...(planned ?? [])];
    expect(texts.some((text) => text.includes(folder))).toBe(false);
  });

  it('is refused when it is planned where it would be refused when it runs', async () => {
    const quantised = await copyOf('mha', { quantization_config: { quant_method: 'awq', bits: 4 } });
    await expect(load.preflight?.({ path: quantised })).rejects.toThrow('the weights are quantised ("awq", 4 bits)');
    await expect(load.preflight?.({ path: quantised, random_seed: 1 })).resolves.toEqual([]);
    await expect(load.preflight?.({ path: 'hf://org/name' })).resolves.toEqual([]);
    await expect(load.preflight?.({ path: quantised, adapter: folder })).rejects.toThrow(
      `adapter '${folder}': expected a folder with 'adapter_config.json', as PEFT saves it, got none`,
    );
    expect(() => load.check?.({ path: 'x', adapter: 'y', random_seed: 1 }, new Set())).toThrow(
      "'adapter' belongs to weights that are read, expected it without 'random_seed'",
    );
  });
});
