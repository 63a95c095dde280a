// `load` of a GGUF file: from a path, from a folder of parts, by a name on the hub, and with made-up weights.
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGguf } from '../../formats/tensors/gguf.ts';
import { encodeGguf } from '../../formats/tensors/gguf-encode.ts';
import { openStored } from '../../model/checkpoint/checkpoint.ts';
import { writeGguf } from '../../model/export/gguf.ts';
import { openExportSource } from '../../model/export/source.ts';
import { importHuggingFace } from '../../model/import/huggingface.ts';
import { load } from '../../stages/load/declare.ts';
import { type HubWorld, openHubWorld } from '../hub/hub-world.ts';
import { architectureFixtures } from '../model/architectures.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

const folder = temporaryFolder();
const file = join(folder, 'm.gguf');
const stage = untyped(load);
let world: HubWorld;

beforeAll(async () => {
  world = await openHubWorld();
  const model = join(folder, 'm.arrow');
  await importHuggingFace(join(architectureFixtures, 'qwen3'), model);
  const source = await openExportSource(model, []);
  const tokenizer_json = readFileSync(join(architectureFixtures, 'tokenizer.json'), 'utf8');
  const tokenizer = { tokenizer_json, tokenizer_config_json: null };
  await writeGguf({ ...source, tokenizer }, file, { type: 'Q8_0', name: 'm' });
  await source.close();
});
afterAll(() => world.close());

const loaded = async (params: Record<string, unknown>) => {
  const { files, facts, warnings } = await runStage(stage, { params });
  return {
    bytes: readFileSync(files['']?.model as string),
    path: files['']?.model as string,
    facts: facts[''],
    warnings,
  };
};

it('gives a checkpoint with the tokenizer, and the facts that planning expected', async () => {
  const { path, facts } = await loaded({ path: file });
  expect({ ...facts, weight_bytes: 4 }).toEqual(await stage.expect?.({ path: file }, {}));
  const { config, tokenizer, close } = await openStored(path);
  expect(config.model_type).toBe('qwen3');
  expect(tokenizer.tokenizer_json).toContain('ByteLevel');
  expect(Object.keys(tokenizer.companions ?? {})).toEqual(['generation_config.json']);
  await close();
});

it('is the same from a folder that holds the file alone', async () => {
  const alone = join(folder, 'alone');
  mkdirSync(alone);
  copyFileSync(file, join(alone, 'other-name.gguf'));
  expect((await loaded({ path: alone })).bytes).toEqual((await loaded({ path: file })).bytes);
  expect(await stage.expect?.({ path: alone }, {})).toEqual(await stage.expect?.({ path: file }, {}));
});

it('a part is refused before anything runs: the others would be in no key', async () => {
  const part = join(folder, 'm-00001-of-00003.gguf');
  copyFileSync(file, part);
  const why = 'it is one of 3 parts, expected the folder that holds them and no other GGUF file';
  await expect(stage.preflight?.({ path: part })).rejects.toThrow(why);
  await expect(loaded({ path: part })).rejects.toThrow(why);
});

it('made-up weights take its shape', async () => {
  const { facts } = await loaded({ path: file, random_seed: 3 });
  expect(facts).toMatchObject({ random_seed: 3, hidden_size: facts?.hidden_size });
});

it('without a tokenizer is refused by name', async () => {
  const bare = join(folder, 'bare.gguf');
  const metadata = [
    ['general.architecture', 'string', 'llama'],
    ...(
      ['block_count', 'embedding_length', 'feed_forward_length', 'attention.head_count', 'context_length'] as const
    ).map((key) => [`llama.${key}`, 'uint32', key === 'embedding_length' ? 4 : 1] as const),
    ['llama.attention.layer_norm_rms_epsilon', 'float32', 1e-5],
  ] as Parameters<typeof createGguf>[1];
  const writer = await createGguf(bare, metadata, [{ name: 'token_embd.weight', type: 'F32', shape: [2, 4] }]);
  await writer.write('token_embd.weight', encodeGguf('F32', new Float32Array(8)));
  await writer.close();
  await expect(loaded({ path: bare })).rejects.toThrow(
    `GGUF file '${bare}': expected a tokenizer ('tokenizer.ggml.model'), got none; take another file of this model`,
  );
});

describe('on the hub', () => {
  it('one file of a repository is the checkpoint that the file gives', async () => {
    world.enter();
    const sha = world.hub.commit('models', 'org/g', { 'q/m.gguf': readFileSync(file), 'other.gguf': 'x' });
    const path = `hf://org/g@${sha}/q/m.gguf`;
    expect(await stage.expect?.({ path }, {})).toBeUndefined(); // too large to be fetched for planning
    expect((await loaded({ path })).bytes).toEqual((await loaded({ path: file })).bytes);
    expect(await stage.expect?.({ path }, {})).toEqual(await stage.expect?.({ path: file }, {}));
  });
});
