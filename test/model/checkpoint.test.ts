// Checkpoints and Hugging Face folders: what goes in comes out, and what is wrong is named.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openCheckpoint } from '../../formats/tensors/checkpoint.ts';
import { openSafetensorsFolder } from '../../formats/tensors/safetensors-folder.ts';
import { parseConfig } from '../../model/architecture/config.ts';
import { parameterCounts, tensorShapes } from '../../model/architecture/tensors.ts';
import { loadModel, openStored, writeModel } from '../../model/checkpoint/checkpoint.ts';
import { exportHuggingFace } from '../../model/export/huggingface.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { fixtures, loadFixture, scratch } from './fixtures.ts';
import { llamaName } from './llama-name.ts';
import { tinyConfig, tinyWeights } from './tiny.ts';

const tokenizer = { tokenizer_json: '{"model":{}}', tokenizer_config_json: null };

/** A copy of the fixture folder `name` whose config.json is changed. */
async function folderWith(name: string, change: object): Promise<string> {
  const folder = await scratch();
  await cp(join(fixtures, name), folder, { recursive: true });
  const path = join(folder, 'config.json');
  await writeFile(path, JSON.stringify({ ...JSON.parse(await readFile(path, 'utf8')), ...change }));
  return folder;
}

describe('importing a Hugging Face folder', () => {
  it.each(['mha', 'gqa', 'deep'])("%s keeps every tensor's type and bytes", async (name) => {
    const source = await openSafetensorsFolder(join(fixtures, name));
    const { path } = await loadFixture(name);
    const checkpoint = await openStored(path);
    for (const [tensor, { dtype, bytes }] of checkpoint.tensors) {
      expect(dtype).toBe(source.tensors.get(tensor)?.dtype);
      expect(await bytes()).toEqual(await source.readBytes(tensor));
    }
    expect(checkpoint.tensors.size).toBe(source.tensors.size);
    await checkpoint.close();
    await source.close();
  });

  it('exporting what was imported gives the same tensors, and the same checkpoint again', async () => {
    const { path } = await loadFixture('gqa');
    const folder = await scratch();
    await exportHuggingFace(path, folder, 'BF16');
    await importHuggingFace(folder, join(folder, 'again.arrow'));
    expect(await readFile(join(folder, 'again.arrow'))).toEqual(await readFile(path));
  });

  it('tensors that are missing or have another shape are all named', async () => {
    const folder = await folderWith('mha', { num_hidden_layers: 3, vocab_size: 65 });
    const importing = importHuggingFace(folder, join(folder, 'out.arrow'));
    await expect(importing).rejects.toThrow("tensor 'model.embed_tokens.weight': expected [65, 32], got [64, 32]");
    await expect(importing).rejects.toThrow(
      "tensor 'model.layers.2.mlp.gate_proj.weight' is missing, expected [48, 32]",
    );
  });

  it('a tensor too many is named', async () => {
    const folder = await folderWith('mha', { num_hidden_layers: 1 });
    await expect(importHuggingFace(folder, join(folder, 'out.arrow'))).rejects.toThrow(
      "tensor 'model.layers.1.input_layernorm.weight' is not part of the model",
    );
  });

  it('a head of its own beside a tied flag stays, and the model is untied', async () => {
    const folder = await folderWith('mha', { tie_word_embeddings: true });
    await importHuggingFace(folder, join(folder, 'out.arrow'));
    const checkpoint = await openStored(join(folder, 'out.arrow'));
    expect(checkpoint.tensors.has('lm_head.weight')).toBe(true);
    expect(checkpoint.config.tie_word_embeddings).toBe(false);
    await checkpoint.close();
  });

  it('a folder without config.json is refused', async () => {
    const folder = await scratch();
    await expect(importHuggingFace(folder, join(folder, 'out.arrow'))).rejects.toThrow('has no config.json');
  });
});

describe('writing a model', () => {
  it('float32 comes back to the bit, with config and tokenizer', async () => {
    const config = tinyConfig({ eos_token_id: [2, 3], rope_theta: 500 });
    const weights = tinyWeights(config);
    const path = join(await scratch(), 'model.arrow');
    await writeModel(path, config, weights, tokenizer, 'F32');
    const loaded = await loadModel(path);
    expect(loaded.config).toEqual(config);
    expect(loaded.tokenizer).toEqual(tokenizer);
    for (const name of tensorShapes(config).keys()) {
      expect(await loaded.weights.get(name).data(), name).toEqual(await weights.get(name).data());
    }
  });

  it('equal tensors are stored once', async () => {
    const config = tinyConfig();
    const weights = tinyWeights(config);
    const path = join(await scratch(), 'model.arrow');
    const [shared, copy] = [llamaName(2, 'gate'), llamaName(3, 'gate')];
    await writeModel(path, config, { get: (name) => weights.get(name === copy ? shared : name) }, tokenizer, 'BF16');
    const raw = await openCheckpoint(path);
    expect(raw.tensors.has(shared)).toBe(true);
    expect(raw.tensors.has(copy)).toBe(false);
    await raw.close();
    const loaded = await loadModel(path);
    expect(await loaded.weights.get(copy).data()).toEqual(await loaded.weights.get(shared).data());
  });

  it('MLPs of different widths come back, and others than the config says are refused', async () => {
    const config = tinyConfig({ intermediate_sizes: [12, 6, 6, 10] });
    const weights = tinyWeights(config);
    const path = join(await scratch(), 'm.arrow');
    await writeModel(path, config, weights, tokenizer, 'F32');
    const loaded = await loadModel(path);
    expect(loaded.config).toEqual(config);
    expect(loaded.weights.get(llamaName(2, 'down')).shape).toEqual([8, 6]);
    expect(parameterCounts(config).mlp).toBe(3 * 8 * (12 + 6 + 6 + 10));
    await expect(writeModel(path, tinyConfig(), weights, tokenizer, 'F32')).rejects.toThrow(
      `tensor '${llamaName(2, 'gate')}': expected [12, 8], got [6, 8]`,
    );
  });

  it('parameter counts of Llama-2-7b are those of methods F', () => {
    const llama = {
      model_type: 'llama',
      hidden_size: 4096,
      intermediate_size: 11008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      vocab_size: 32000,
    };
    const counts = parameterCounts(parseConfig(llama, 'config.json'));
    expect([counts.attention / 32, counts.mlp / 32]).toEqual([67_108_864, 135_266_304]);
    expect(counts.total).toBe(6_738_415_616); // the published size of Llama-2-7b
  });
});

type Refusal = [change: object, message: string];

describe('config.json', () => {
  it.each([
    [
      { model_type: 'mixtral' },
      "config.json: 'model_type' must be one that lamina reads ('llama', 'mistral', 'qwen2', 'qwen3', 'smollm3'), got 'mixtral' (a mixture of experts)",
    ],
    [
      { hidden_act: 'gelu' },
      "config.json: 'hidden_act' must be 'silu' (lamina runs MLPs that are gated by SiLU), got 'gelu'",
    ],
    [{ mlp_bias: true }, "config.json: 'mlp_bias' must be false (lamina's MLPs have no biases), got true"],
    [{ hidden_size: 7 }, "config.json: 'hidden_size' must be a multiple of 'num_attention_heads' (2), got 7"],
    [
      { num_attention_heads: 2, num_key_value_heads: 3 },
      "config.json: 'num_attention_heads' must be a multiple of 'num_key_value_heads' (3), got 2",
    ],
    [{ head_dim: 3 }, "config.json: 'head_dim' must be even for RoPE, got 3"],
    [{ vocab_size: '20' }, "config.json: 'vocab_size' must be a whole number from 1 to 16777216, got '20'"],
    [
      { num_hidden_layers: 1e9 },
      "config.json: 'num_hidden_layers' must be a whole number from 1 to 4096, got 1000000000",
    ],
    [
      { rope_scaling: { type: 'proportional', factor: 2 } },
      "config.json: 'rope_scaling': 'type' must be 'default' or 'linear' or 'dynamic' or 'yarn' or 'llama3', got 'proportional'",
    ],
    [
      { rope_scaling: { rope_type: 'llama3', factor: 8 } },
      "config.json: 'rope_scaling': 'low_freq_factor' must be a number greater than 0, got nothing",
    ],
    ...[[], [12, 12, 12], [12, 12, 12, 0], [12, 12, 12, 2.5], [12, 12, 12, '12'], 12].map(
      (intermediate_sizes): Refusal => [
        { intermediate_sizes },
        "config.json: 'intermediate_sizes' must be a list of 4 whole numbers from 1 to 16777216, got",
      ],
    ),
  ] as Refusal[])('%j is refused', (change, message) => expect(() => tinyConfig(change)).toThrow(message));

  it('what is no object is refused', () => {
    expect(() => parseConfig([], 'x/config.json')).toThrow('x/config.json: expected a JSON object, got a list');
  });
});
