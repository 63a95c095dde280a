import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfig } from '../../model/architecture/config.ts';
import { factsOfModel, modelFacts } from '../../stages/common/model-facts.ts';
import { dataset } from '../../stages/dataset/declare.ts';
import { load } from '../../stages/load/declare.ts';
import { sha256 } from '../../store/digest.ts';
import { type HubWorld, openHubWorld } from '../hub/hub-world.ts';
import { runStage, temporaryFolder, untyped } from './harness.ts';

const root = resolve(import.meta.dirname, '../..');
const tiny = join(root, 'models/tiny');
const sets = join(root, 'test/fixtures/datasets');

let world: HubWorld;
beforeEach(async () => {
  world = await openHubWorld();
  world.enter();
});
afterEach(() => world.close());

/** The files below a folder, as a commit has them. */
function filesOf(folder: string): Record<string, Buffer> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = names.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(paths.map((path) => [path.slice(folder.length + 1), readFileSync(path)]));
}

const digestOf = (path: string | undefined) => sha256(readFileSync(path as string));

describe('load', () => {
  it('of a hub model gives the bytes of a load from a folder, also after a cut', async () => {
    world.hub.commit('models', 'org/tiny', filesOf(tiny));
    world.hub.faults.cutAfter.set('model.safetensors', { bytes: 1_000_000 });
    const local = await runStage(load, { params: { path: tiny } });
    const fetched = await runStage(load, { params: { path: 'hf://org/tiny' } });
    expect(digestOf(fetched.files['']?.model)).toBe(digestOf(local.files['']?.model));
    expect(fetched.facts).toEqual(local.facts);
    expect(world.hub.rangesOf('model.safetensors').length).toBe(2);
    expect(fetched.reports.find(({ of }) => of === 'MB')?.note).toMatch(/^downloading /);
  });

  it('of a sharded model gives the same bytes', async () => {
    const { 'model.safetensors': weights, ...rest } = filesOf(tiny);
    const shard = 'model-00001-of-00001.safetensors';
    const names = Object.keys(headerOf(weights as Buffer)).filter((name) => name !== '__metadata__');
    const index = JSON.stringify({ weight_map: Object.fromEntries(names.map((name) => [name, shard])) });
    world.hub.commit('models', 'org/tiny', {
      ...rest,
      [shard]: weights as Buffer,
      'model.safetensors.index.json': index,
    });
    const local = await runStage(load, { params: { path: tiny } });
    const fetched = await runStage(load, { params: { path: 'hf://org/tiny' } });
    expect(digestOf(fetched.files['']?.model)).toBe(digestOf(local.files['']?.model));
  });

  it('of a base and an adapter, from the hub or from folders, gives the same bytes', async () => {
    const base = join(root, 'test/fixtures/model/mha');
    const adapter = join(root, 'test/fixtures/folders/adapters/all');
    const tokenizer = readFileSync(join(root, 'test/fixtures/model/tokenizer.json'));
    const files = { ...filesOf(base), 'tokenizer.json': tokenizer };
    const folder = temporaryFolder();
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    world.hub.commit('models', 'org/base', files);
    world.hub.commit('models', 'org/lora', filesOf(adapter));
    const local = await runStage(load, { params: { path: folder, adapter } });
    const fetched = await runStage(load, { params: { path: 'hf://org/base', adapter: 'hf://org/lora' } });
    expect(digestOf(fetched.files['']?.model)).toBe(digestOf(local.files['']?.model));
    expect(fetched.warnings).toEqual(local.warnings);
    expect(local.warnings.at(-1)).toBe(
      "the adapter, which was trained on 'org/mha', is attached: 14 tensors are those of the base with it",
    );
    const plain = await runStage(load, { params: { path: folder } });
    expect(digestOf(plain.files['']?.model)).not.toBe(digestOf(local.files['']?.model));
    for (const [name, bytes] of Object.entries(filesOf(adapter))) writeFileSync(join(folder, name), bytes);
    const beside = await runStage(load, { params: { path: folder } });
    expect(digestOf(beside.files['']?.model)).toBe(digestOf(local.files['']?.model));
    await expect(runStage(load, { params: { path: folder, adapter } })).rejects.toThrow(
      `model folder '${folder}' has an adapter of its own, expected one of the two`,
    );
  });

  it('stops between two tensors', async () => {
    const stop = new AbortController();
    const onProgress = ({ of, done }: { of: string; done: number }) => {
      if (of === 'tensor' && done === 3) stop.abort(new Error('stopped'));
    };
    const setup = { params: { path: tiny }, signal: stop.signal, onProgress };
    await expect(runStage(load, setup)).rejects.toThrow('stopped');
  });

  it('refuses a tokenizer or configuration of any size before it reads it', async () => {
    const folder = temporaryFolder();
    cpSync(tiny, folder, { recursive: true });
    writeFileSync(join(folder, 'config.json'), ' '.repeat(2 ** 20 + 1));
    await expect(runStage(load, { params: { path: folder } })).rejects.toThrow('expected at most 1048576 bytes');
    expect(await factsOfModel(folder)).toBeUndefined();
  });

  it('does not take a data set', async () => {
    await expect(runStage(load, { params: { path: 'hf://datasets/org/name' } })).rejects.toThrow();
    await expect(factsOfModel('hf://datasets/org/name')).rejects.toThrow("expected a model ('hf://org/name')");
  });
});

function headerOf(safetensors: Buffer): object {
  const length = Number(safetensors.readBigUInt64LE(0));
  return JSON.parse(safetensors.subarray(8, 8 + length).toString()) as object;
}

describe('what planning knows of a model', () => {
  const config = { num_hidden_layers: 28, hidden_size: 3072, intermediate_size: 8192, vocab_size: 128_256 };

  it('comes from its config.json on the hub, fetched alone', async () => {
    const sha = world.hub.commit('models', 'org/tiny', filesOf(tiny));
    const local = await factsOfModel(tiny);
    expect(local).toMatchObject({ layers: 12, weight_bytes: 2 });
    expect(await factsOfModel(`hf://org/tiny@${sha}`)).toEqual(local);
    expect(world.hub.rangesOf('model.safetensors')).toEqual([]);
  });

  // methods: Llama facts
  it('comes from the table of known models where the hub does not give it', async () => {
    const expected = { layers: 28, hidden_size: 3072, intermediate_size: 8192, vocab_size: 128_256, tied: true };
    expect(await factsOfModel('hf://meta-llama/Llama-3.2-3B')).toMatchObject({ ...expected, heads: 24, kv_heads: 8 });
    world.hub.faults.gated = true;
    const sha = world.hub.commit('models', 'meta-llama/Llama-2-7b-hf', { 'config.json': JSON.stringify(config) });
    const facts = await factsOfModel(`hf://meta-llama/Llama-2-7b-hf@${sha}`);
    expect(facts).toMatchObject({
      layers: 32,
      hidden_size: 4096,
      intermediate_size: 11_008,
      head_dim: 128,
      tied: false,
    });
    expect(await factsOfModel('hf://org/unknown')).toBeUndefined();
  });

  it('has the names of what a load records', async () => {
    const { facts } = await runStage(load, { params: { path: tiny } });
    const { weight_bytes: _, ...planned } = (await factsOfModel(tiny)) ?? {};
    expect(facts['']).toEqual(planned);
    expect(Object.keys(facts[''] ?? {})).toEqual(
      Object.keys(modelFacts(parseConfig(JSON.parse(readFileSync(join(tiny, 'config.json'), 'utf8')), tiny))),
    );
  });
});

interface Line {
  id: string;
  text?: string;
  messages?: { role: string; content: string }[];
}

async function recordsOf(params: Record<string, unknown>): Promise<{ train: Line[]; held: Line[] }> {
  const { files } = await runStage(dataset, { params: { eval_fraction: 0, ...params } });
  const lines = (path: string | undefined) =>
    readFileSync(path as string, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Line);
  return { train: lines(files['']?.train), held: lines(files['']?.eval) };
}

const spoken = ({ messages, text }: Line) => messages?.map(({ role, content }) => `${role}: ${content}`) ?? text;

// Small made-up files in the documented layouts of the real sets (test/fixtures/datasets/make.py).
describe('the data sets of the paper, by their real layouts', () => {
  it.each([
    ['ArtifactAI/arxiv-math-instruct-50k', 'arxiv-math-instruct-50k', 3, ['user: What is $1+1$?', 'assistant: $2$']],
    ['vicgalle/alpaca-gpt4', 'alpaca-gpt4', 2, ['user: Give three tips.', 'assistant: 1. Eat.\n2. Sleep.\n3. Move.']],
    [
      'databricks/databricks-dolly-15k',
      'databricks-dolly-15k',
      2,
      ['user: When did it start?\n\nIt started in 2000.', 'assistant: In 2000.'],
    ],
    [
      'knkarthick/dialogsum',
      'dialogsum',
      3,
      [
        'user: Summarize the following dialogue.\n\n#Person1#: Hello, train 0.\n#Person2#: He said "hi", twice.',
        'assistant: They greet in train 0.',
      ],
    ],
    ['Open-Orca/OpenOrca', 'OpenOrca', 4, ['user: Write a sentence.', 'assistant: A sentence.']],
    ['HuggingFaceFW/fineweb-edu', 'fineweb-edu', 4, 'Page 0-0 teaches.'],
    ['allenai/tulu-v2-sft-mixture', 'tulu-v2-sft-mixture', 4, ['user: Question 0', 'assistant: Answer 0']],
  ])('%s', async (repo, folder, count, first) => {
    world.hub.commit('datasets', repo, { 'README.md': '# card', '.gitattributes': '', ...filesOf(join(sets, folder)) });
    const { train } = await recordsOf({ path: `hf://datasets/${repo}` });
    expect(train.length).toBe(count);
    expect(spoken(train[0] as Line)).toEqual(first);
    expect(new Set(train.map(({ id }) => id)).size).toBe(count);
  });

  it('DialogSum with its own test part', async () => {
    world.hub.commit('datasets', 'knkarthick/dialogsum', filesOf(join(sets, 'dialogsum')));
    const path = 'hf://datasets/knkarthick/dialogsum';
    const { train, held } = await recordsOf({ path, eval_path: `${path}/test.csv` });
    expect([train.length, held.length]).toEqual([3, 2]);
    expect(held[1]?.id).toBe('test.csv:4');
  });

  it('GPT4-Alpaca as the JSON array of its GitHub repository', async () => {
    const { train } = await recordsOf({ path: join(sets, 'alpaca_gpt4_data.json') });
    expect(train.map(spoken)[1]).toEqual(['user: Classify the word.\n\noak', 'assistant: A tree.']);
  });

  it('the system prompt of OpenOrca and the long talks of Tulu are kept', async () => {
    const orca = await recordsOf({ path: join(sets, 'OpenOrca') });
    expect(orca.train.map(spoken)[1]).toEqual(['system: You are a helper.', 'user: 2+2?', 'assistant: 4']);
    const tulu = await recordsOf({ path: join(sets, 'tulu-v2-sft-mixture') });
    expect(spoken(tulu.train[1] as Line)).toEqual([
      'system: Be kind.',
      'user: Question 0',
      'assistant: Answer 0',
      'user: And?',
      'assistant: So.',
    ]);
  });

  it('give the records that are expected of them before they are there', async () => {
    const expected = async (params: object) => untyped(dataset).expect?.({ eval_fraction: 0.01, ...params }, {});
    expect(await expected({ path: 'hf://datasets/databricks/databricks-dolly-15k' })).toEqual({
      train: 14_861,
      eval: 150,
    });
    expect(await expected({ path: 'hf://datasets/Open-Orca/OpenOrca', limit: 50_000 })).toEqual({
      train: 49_500,
      eval: 500,
    });
    const dialogsum = 'hf://datasets/knkarthick/dialogsum';
    expect(await expected({ path: dialogsum, eval_path: `${dialogsum}/test.csv` })).toEqual({
      train: 12_460,
      eval: 1_500,
    });
    const sources = [{ path: 'hf://datasets/Open-Orca/OpenOrca', limit: 50_000 }, { path: dialogsum }];
    expect(await expected({ sources })).toEqual({ train: 49_500 + 12_335, eval: 500 + 125 });
    expect(await expected({ sources: [...sources, { path: 'hf://datasets/org/name' }] })).toEqual({});
    expect(await expected({ path: 'hf://datasets/org/name' })).toEqual({});
    expect(await expected({ path: '/data/x.jsonl' })).toEqual({});
  });
});

describe('a data set of several files', () => {
  it('from a folder equals the same files from the hub', async () => {
    world.hub.commit('datasets', 'Open-Orca/OpenOrca', filesOf(join(sets, 'OpenOrca')));
    const run = async (path: string) => digestOf((await runStage(dataset, { params: { path } })).files['']?.train);
    expect(await run('hf://datasets/Open-Orca/OpenOrca')).toBe(await run(join(sets, 'OpenOrca')));
  });

  it('names records by folder where two files have one name', async () => {
    const folder = temporaryFolder();
    for (const part of ['a', 'b']) {
      mkdirSync(join(folder, part));
      writeFileSync(join(folder, part, 'x.jsonl'), '{"text": "t"}\n');
    }
    const { train } = await recordsOf({ path: folder });
    expect(train.map(({ id }) => id)).toEqual(['a/x.jsonl:1', 'b/x.jsonl:1']);
  });

  it('with a limit draws from all of them, by the seed', async () => {
    const path = join(sets, 'one-group.parquet');
    const { train } = await recordsOf({ path, limit: 50 });
    const rows = train.map(({ id }) => Number(id.split('row ')[1]));
    expect(rows.length).toBe(50);
    expect(rows).toEqual([...rows].sort((a, b) => a - b));
    expect(Math.max(...rows)).toBeGreaterThan(4000);
    expect((await recordsOf({ path, limit: 50 })).train).toEqual(train);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const setup = {
      params: { path: join(sets, 'one-group.parquet') },
      signal: stop.signal,
      onProgress: () => stop.abort(new Error('stopped')),
    };
    await expect(runStage(dataset, setup)).rejects.toThrow('stopped');
  });
});
