// Model folders in which files or keys disagree, or say what lamina does not do: against transformers and PEFT on the same folders.
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterIn } from '../../model/import/adapter-config.ts';
import { readModelFolder } from '../../model/import/model-folder.ts';
import { useBackend } from '../../tensor/backend/backend.ts';
import { expectClose, fixtures, scratch } from './fixtures.ts';
import { adapterFolder, copyOf, folderFixture, importedLosses, loadedLosses, rewrite } from './folders.ts';

const tolerance = 1e-4;
const configs = folderFixture<{ base: string; change: Record<string, unknown>; losses: number[] }>('configs.json');
const weights = folderFixture<{ losses: number[] }>('weights.json');
const adapters = folderFixture<{ base: string; losses: number[] }>('adapters.json');

beforeAll(() => useBackend({ backend: 'cpu' }));

/** What is warned of in a copy of `mha` with these keys. */
const warningsOf = async (change: Record<string, unknown>, base = 'mha') =>
  (await readModelFolder(await copyOf(base, change))).warnings;

describe('config.json', () => {
  const same = Object.entries(configs.cases).filter(([name]) => name !== 'not causal');
  it.each(same)('%s: the losses of transformers', async (_name, { base, change, losses }) => {
    const found = await importedLosses(await copyOf(base, change), configs.ids);
    expectClose(found.losses, losses, tolerance, 'losses');
  });

  it('of a plain model is silent', async () => {
    for (const base of ['mha', 'gqa', 'deep']) expect(await warningsOf({}, base)).toEqual([]);
  });

  it.each([
    [
      'rope_scaling beside rope_parameters',
      [
        "config.json has both 'rope_parameters' and 'rope_scaling': 'rope_scaling' is taken as a whole, as transformers does, with a theta of 10000",
      ],
    ],
    [
      'an empty rope_scaling',
      ["config.json has two values of 'rope_theta': 500 within 'rope_parameters' is taken, 2000 is not"],
    ],
    ['two thetas', ["config.json has two values of 'rope_theta': 500 within 'rope_parameters' is taken, 2000 is not"]],
    ['rope_scaling null', []],
    [
      'two names of the type',
      ["config.json: 'rope_parameters' has the 'rope_type' 'default' and the 'type' 'llama3': 'rope_type' is taken"],
    ],
    [
      'rope_type default with factors',
      [
        "config.json: 'factor', 'low_freq_factor', 'high_freq_factor', 'original_max_position_embeddings' of 'rope_parameters' have no effect with RoPE of type 'default'",
      ],
    ],
    [
      'sliding window and layer types',
      [
        "config.json: 'sliding_window' is 4: it has no effect, as in transformers' Llama: every token sees all before it",
        "config.json: 'use_sliding_window' is true: it has no effect, as in transformers' Llama: every token sees all before it",
      ],
    ],
    [
      'keys that Llama does not have',
      [
        "config.json: 'rope_interleaved' is true: it has no effect, as in transformers' Llama: the two halves of a head are turned",
        'config.json has keys that lamina does not know ("logit_scale": 0.1, "embedding_multiplier": 12, "residual_multiplier": 0.2, "attention_multiplier": 0.1, "final_logit_softcapping": 30, "use_qk_norm": true, "clip_qkv": 1): where one of them changes what the model computes, its numbers are not those of this model',
      ],
    ],
    ['dropout', ["config.json: 'attention_dropout' is 0.5: lamina trains without dropout"]],
    ['pretraining_tp', []],
  ])('%s: says so', async (name, expected) => {
    expect(await warningsOf(configs.cases[name]?.change ?? {})).toEqual(expected);
  });

  it('says what else is not honoured, each by its key', async () => {
    expect(await warningsOf({ dtype: 'float16', torch_dtype: 'bfloat16' })).toEqual([
      "config.json: 'dtype' is 'float16' and 'torch_dtype' 'bfloat16': weights are taken in the type in which they are stored",
    ]);
    expect(await warningsOf({ eos_token_id: [2, 99] })).toEqual([
      "config.json: 'eos_token_id' has 99, but the model has 64 tokens: no text has it",
    ]);
    expect(
      await warningsOf({ auto_map: { AutoModel: 'x.Y' }, architectures: ['LlamaForSequenceClassification'] }),
    ).toEqual([
      'config.json: \'auto_map\' is {"AutoModel":"x.Y"}: it names code of its own, which lamina does not run: the model is computed as a plain Llama',
      'config.json: \'architectures\' is ["LlamaForSequenceClassification"]: the model is computed as LlamaForCausalLM',
    ]);
    const many = Object.fromEntries(Array.from({ length: 12 }, (_, i) => [`key_${i}\u001b[2J`, i]));
    const [text] = await warningsOf(many);
    expect(text).toContain('"key_0\\u001b[2J": 0');
    expect(text).toContain(' and 4 more): where');
  });

  it.each([
    [{ is_causal: false }, "'is_causal' is false: tokens would see those after them, which lamina does not compute"],
    [{ partial_rotary_factor: 0.5 }, "'partial_rotary_factor' is 0.5: lamina turns whole heads"],
    [
      { per_layer_config: { 0: { head_dim: 8 } } },
      '\'per_layer_config\' is {"0":{"head_dim":8}}: lamina has one kind of layer',
    ],
    [{ is_encoder_decoder: true }, "'is_encoder_decoder' is true: lamina runs decoders only"],
    [
      { rope_parameters: { full_attention: { rope_type: 'default', rope_theta: 1 } } },
      "'rope_parameters': 'full_attention' is an object or a list: lamina has one RoPE for all layers",
    ],
    [
      { rope_scaling: { type: 'longrope', long_factor: [1], short_factor: [1] } },
      "'type' is 'longrope', which lamina does not compute",
    ],
  ])('with %j is refused', async (change, message) => {
    await expect(readModelFolder(await copyOf('mha', change))).rejects.toThrow(message);
  });

  it.each([
    [{ quant_method: 'gptq', bits: 4 }, '("gptq", 4 bits)'],
    [{ quant_method: 'fp8', activation_scheme: 'dynamic' }, '("fp8")'],
    [{ quant_method: 'bitsandbytes', load_in_4bit: true }, '("bitsandbytes", 4 bits)'],
    [{}, "('quantization_config')"],
  ])('of weights that are quantised (%j) is refused by the name of the method', async (quantization_config, what) => {
    const folder = await copyOf('mha', { quantization_config });
    await expect(readModelFolder(folder)).rejects.toThrow(
      `${join(folder, 'config.json')}: the weights are quantised ${what}, and lamina reads F32, F16 and BF16: take the model that they were made of`,
    );
    await expect(readModelFolder(folder, { weights: false })).resolves.toMatchObject({ adapter: undefined });
  });
});

describe('the weights of a folder', () => {
  const check = async (name: string, folder: string) => {
    const { losses, warnings } = await importedLosses(folder, weights.ids);
    expectClose(losses, weights.cases[name]?.losses ?? [], tolerance, name);
    expectClose(await loadedLosses(folder, weights.ids), losses, 1e-6, 'loaded as it is');
    return warnings;
  };
  const embedding = 'model.embed_tokens.weight';
  const all = (name: string) => name;

  it('with a head of its own beside a tied flag are both taken', async () => {
    const folder = await copyOf('gqa');
    await rewrite(folder, all, { 'lm_head.weight': { of: embedding, rows: 'reversed' } });
    expect(await check('a head of its own', folder)).toEqual([
      "config.json says 'tie_word_embeddings', but 'lm_head.weight' is other than the embedding: both are taken, as in transformers",
    ]);
  });

  it('with a head that is the embedding are tied', async () => {
    const folder = await copyOf('gqa');
    await rewrite(folder, all, { 'lm_head.weight': { of: embedding, rows: 'same' } });
    expect(await check('a head that is the embedding', folder)).toEqual([]);
  });

  it('of which only the head was kept, and whose names lack the first part, are read', async () => {
    const head = await copyOf('gqa');
    await rewrite(head, (name) => (name === embedding ? 'lm_head.weight' : name));
    expect(await check('the head alone', head)).toEqual([]);
    const bare = await copyOf('gqa');
    await rewrite(bare, (name) => name.replace(/^model\./, ''));
    expect(await check("names without 'model.'", bare)).toEqual([]);
  });

  it('are those of the single file where an index lies beside it', async () => {
    const folder = await copyOf('mha');
    const whole = await copyOf('mha');
    await rewrite(whole, all);
    rmSync(join(whole, 'model.safetensors.index.json'));
    const norm = await halved(whole, 'model.norm.weight');
    cpSync(norm, join(folder, 'model.safetensors'));
    expect(await check('an index beside a single file', folder)).toEqual([
      "'model.safetensors.index.json' lies beside 'model.safetensors' and is not read: the single file is taken, as in transformers",
    ]);
  });

  it('that are stored in another type than config.json says are taken as stored', async () => {
    const { warnings } = await importedLosses(await copyOf('gqa', { dtype: 'float32' }), weights.ids);
    expect(warnings).toEqual([
      "config.json has the 'dtype' 'float32', but the weights are stored as bfloat16: they are taken as stored",
    ]);
  });

  it.each([
    ['model.layers.0.mlp.up_proj.qweight', 'GPTQ or AWQ'],
    ['model.layers.0.mlp.up_proj.weight.absmax', 'bitsandbytes'],
    ['model.layers.0.mlp.up_proj.weight_scale', 'FP8'],
  ])('with %s are refused by the name of the layout', async (name, layout) => {
    const folder = await copyOf('gqa');
    await rewrite(folder, all, { [name]: { of: 'model.norm.weight', rows: 'same' } });
    await expect(importedLosses(folder, weights.ids)).rejects.toThrow(
      `model folder '${folder}': the weights are quantised in the layout of ${layout} (tensor '${name}'), and lamina reads F32, F16 and BF16`,
    );
  });

  it.each([
    [
      ['pytorch_model.bin'],
      "its weights are in 'pytorch_model.bin', a pickled file, which is a program and is not run: convert it",
    ],
    [
      ['consolidated.00.pth', 'consolidated.01.pth'],
      "its weights are in 'consolidated.00.pth' and 1 more, a pickled file",
    ],
    [['llama.Q4_K_M.gguf'], "its weights are in 'llama.Q4_K_M.gguf', a GGUF file: give that file as 'path'"],
    [['tf_model.h5'], "its weights are in 'tf_model.h5', of another framework"],
    [['model-00001-of-00002.safetensors'], "shards without their list 'model.safetensors.index.json': copy that too"],
    [['weights.safetensors'], "safetensors of another name, expected 'model.safetensors' or shards with their index"],
  ])('that are %j instead are named', async (files, hint) => {
    const folder = await copyOf('gqa');
    renameSync(join(folder, 'model.safetensors'), join(folder, files[0] as string));
    for (const file of files.slice(1)) writeFileSync(join(folder, file), '');
    const message = `model folder '${folder}': expected 'model.safetensors' or 'model.safetensors.index.json', got neither; ${hint.startsWith('its') ? hint : ''}`;
    await expect(importedLosses(folder, weights.ids)).rejects.toThrow(message);
    await expect(importedLosses(folder, weights.ids)).rejects.toThrow(hint);
  });

  it('without a config.json are named too', async () => {
    const folder = await scratch();
    for (const name of ['a.gguf', 'b.gguf']) writeFileSync(join(folder, name), '');
    await expect(readModelFolder(folder)).rejects.toThrow(
      `model folder '${folder}' has no config.json, expected a folder in Hugging Face's layout; its weights are in 'a.gguf' and 1 more, a GGUF file: give that file as 'path'`,
    );
  });
});

describe('an adapter', () => {
  it.each(Object.entries(adapters.cases))(
    '%s beside its base gives the losses of PEFT',
    async (name, { base, losses }) => {
      const folder = await copyOf(base);
      cpSync(adapterFolder(name), folder, { recursive: true });
      const found = await importedLosses(folder, adapters.ids);
      expectClose(found.losses, losses, tolerance, 'losses');
      expect(found.warnings).toHaveLength(1);
      expect(found.warnings[0]).toMatch(
        new RegExp(
          `^the adapter, which was trained on 'org/${base}', is attached: \\d+ tensors are those of the base with it$`,
        ),
      );
      expectClose(await loadedLosses(folder, adapters.ids), losses, tolerance, 'loaded as it is');
    },
  );

  it('in a folder of its own is attached to the model that is named', async () => {
    const { base, losses } = adapters.cases.all as { base: string; losses: number[] };
    const adapter = await adapterIn(adapterFolder('all'));
    const found = await importedLosses(join(fixtures, base), adapters.ids, { adapter });
    expectClose(found.losses, losses, tolerance, 'losses');
  });

  it('alone is attached to the base that it brings along, and refused with the name of another', async () => {
    const folder = await scratch();
    cpSync(adapterFolder('all'), folder, { recursive: true });
    await expect(readModelFolder(folder)).rejects.toThrow(
      `model folder '${folder}' holds an adapter without its base: it is of the model "org/mha"; give that model as 'path' and this folder as 'adapter'`,
    );
    edit(folder, { base_model_name_or_path: 'base' });
    mkdirSync(join(folder, 'base'));
    cpSync(join(fixtures, 'mha'), join(folder, 'base'), { recursive: true });
    const found = await importedLosses(folder, adapters.ids);
    expectClose(found.losses, adapters.cases.all?.losses ?? [], tolerance, 'losses');
    for (const out of ['../base', '/etc', join(folder, 'base'), './base', 'base/..']) {
      edit(folder, { base_model_name_or_path: out });
      await expect(readModelFolder(folder)).rejects.toThrow('holds an adapter without its base');
    }
  });

  it.each([
    [
      { peft_type: 'IA3' },
      "'peft_type' must be 'LORA' (other adapters are merged by PEFT: merge_and_unload), got \"IA3\"",
    ],
    [{ use_dora: true }, "'use_dora' is true: lamina attaches plain LoRA; merge this adapter into its base with PEFT"],
    [{ some_new_method: { rank: 3 } }, '\'some_new_method\' is {"rank":3}: lamina attaches plain LoRA'],
    [{ init_lora_weights: 'pissa_niter_4' }, "'init_lora_weights' must be a start that leaves the base as it is"],
    [{ bias: 'all' }, "'bias' must be 'none', got \"all\""],
    [{ fan_in_fan_out: true }, "'fan_in_fan_out' must be false, got true"],
    [{ r: 0 }, "'r' must be a whole number greater than 0, got 0"],
    [{ lora_alpha: 'x' }, '\'lora_alpha\' must be a number, got "x"'],
    [
      { rank_pattern: { '.*up_proj': 3 } },
      '\'rank_pattern\' must map plain names of modules to numbers greater than 0, got {".*up_proj":3}',
    ],
    [
      { target_modules: ['q_proj'] },
      "tensor 'base_model.model.model.layers.0.mlp.down_proj.lora_A.weight' is no part of plain LoRA",
    ],
    [{ r: 5 }, 'expected [5, 48], got [4, 48]'],
  ])('with %j is refused by name', async (change, message) => {
    const folder = await copyOf('mha');
    cpSync(adapterFolder('all'), folder, { recursive: true });
    edit(folder, change);
    await expect(importedLosses(folder, adapters.ids)).rejects.toThrow(message);
  });

  it('of other weights, of a pickled file and of a tied head is refused', async () => {
    const other = await copyOf('deep');
    cpSync(adapterFolder('all'), other, { recursive: true });
    await expect(importedLosses(other, adapters.ids)).rejects.toThrow(/expected \[4, 24\], got \[4, 48\]/);
    const pickled = await copyOf('mha');
    cpSync(adapterFolder('all'), pickled, { recursive: true });
    renameSync(join(pickled, 'adapter_model.safetensors'), join(pickled, 'adapter_model.bin'));
    await expect(importedLosses(pickled, adapters.ids)).rejects.toThrow("an 'adapter_model.bin' is a pickled file");
    const tied = await copyOf('mha');
    await rewrite(tied, (name) => (name === 'lm_head.weight' ? null : name));
    rmSync(join(tied, 'model.safetensors.index.json'));
    writeFileSync(
      join(tied, 'config.json'),
      JSON.stringify({ ...JSON.parse(readFileSync(join(tied, 'config.json'), 'utf8')), tie_word_embeddings: true }),
    );
    cpSync(adapterFolder('head'), tied, { recursive: true });
    await expect(importedLosses(tied, adapters.ids)).rejects.toThrow(
      "changes 'lm_head.weight', but the model's embedding and output head are one",
    );
    expect(readdirSync(tied)).toContain('adapter_config.json');
  });
});

function edit(folder: string, change: object): void {
  const file = join(folder, 'adapter_config.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }));
}

/** A single safetensors file whose tensor `name` (float32) is half of what it was; its path. */
async function halved(folder: string, name: string): Promise<string> {
  const { openSafetensors, createSafetensors } = await import('../../formats/tensors/safetensors.ts');
  const reader = await openSafetensors(join(folder, 'model.safetensors'));
  const path = join(await scratch(), 'model.safetensors');
  const writer = await createSafetensors(path, [...reader.tensors.values()]);
  for (const each of reader.tensors.keys()) {
    const values = await reader.readFloat32(each);
    const half = each === name ? values.map((value) => value / 2) : values;
    await writer.write(each, new Uint8Array(half.buffer, half.byteOffset, half.byteLength));
  }
  await writer.close();
  await reader.close();
  return path;
}
