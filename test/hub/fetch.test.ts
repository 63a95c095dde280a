import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { HubUnreachable } from '../../hub/errors.ts';
import { fetchDataset } from '../../hub/fetch-dataset.ts';
import { fetchAdapter, fetchModel, fetchModelConfig } from '../../hub/fetch-model.ts';
import { formatHubName, hubName, pinHubName } from '../../hub/name.ts';
import { resolveRevision } from '../../hub/revision.ts';
import { hubSettings } from '../../hub/settings.ts';
import { createRandom } from '../../util/random.ts';
import { type HubWorld, openHubWorld } from './hub-world.ts';

let world: HubWorld;
beforeEach(async () => {
  world = await openHubWorld();
});
afterEach(() => world.close());

const bytes = (length: number, seed = 1): Buffer => {
  const random = createRandom('bytes', seed);
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
};
const weights = bytes(300_000);
const model = { 'config.json': '{"a":1}', 'tokenizer.json': '{}', 'model.safetensors': weights, 'README.md': 'x' };

const pinned = (text: string, sha: string) => pinHubName(hubName(text), sha);
const fetchTheModel = async (env: Record<string, string> = {}) => {
  const settings = world.settings(env);
  const name = hubName('hf://org/m');
  return fetchModel(pinHubName(name, await resolveRevision(name, settings)), { settings });
};

describe('a revision', () => {
  it('is the commit of its branch, and a commit needs no network', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    expect(await resolveRevision(hubName('hf://org/m'), world.settings())).toBe(sha);
    const requests = world.hub.requests.length;
    expect(await resolveRevision(hubName(`hf://org/m@${'0'.repeat(40)}`), world.settings())).toBe('0'.repeat(40));
    expect(world.hub.requests.length).toBe(requests);
  });

  it('that the hub does not have is refused, and so is a repository', async () => {
    world.hub.commit('models', 'org/m', model);
    await expect(resolveRevision(hubName('hf://org/m@v9'), world.settings())).rejects.toThrow(
      'hf://org/m@v9: the hub knows the repository, but not this revision',
    );
    await expect(resolveRevision(hubName('hf://org/x'), world.settings())).rejects.toThrow(
      'hf://org/x: the hub does not know it, or it is private; check the spelling, or set HF_TOKEN to a token that may read it',
    );
  });

  it('is what the cache knows when the hub must not or cannot be asked', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    const offline = world.settings({ HF_HUB_OFFLINE: '1' });
    await expect(resolveRevision(hubName('hf://org/m'), offline)).rejects.toThrow(HubUnreachable);
    await expect(resolveRevision(hubName('hf://org/m'), offline)).rejects.toThrow(
      /^cannot find out which commit 'main' of hf:\/\/org\/m is: HF_HUB_OFFLINE forbids to ask the hub, and the cache '.*' does not know it; connect, or name a commit/,
    );
    await fetchTheModel();
    expect(await resolveRevision(hubName('hf://org/m'), offline)).toBe(sha);
    const gone = { ...world.settings(), endpoint: 'http://127.0.0.1:49151' };
    expect(await resolveRevision(hubName('hf://org/m'), gone)).toBe(sha);
  });

  it('is asked for again when the hub is busy', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    world.hub.faults.statuses.push(503, 429, 500);
    expect(await resolveRevision(hubName('hf://org/m'), world.settings())).toBe(sha);
  });
});

describe('a model is fetched', () => {
  it('with what it needs and no more, in the layout of the shared cache', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    const folder = await fetchTheModel();
    const storage = join(world.cache, 'models--org--m');
    expect(folder).toBe(join(storage, 'snapshots', sha));
    expect(readdirSync(folder).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    expect(readFileSync(join(storage, 'refs/main'), 'utf8')).toBe(sha);
    expect(readlinkSync(join(folder, 'config.json'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{40}$/);
    expect(readlinkSync(join(folder, 'model.safetensors'))).toMatch(/^\.\.\/\.\.\/blobs\/[0-9a-f]{64}$/);
    expect(readdirSync(join(storage, 'blobs')).length).toBe(3);
  });

  it('with the shards that its index names', async () => {
    const index = { weight_map: { a: 'model-00001-of-00002.safetensors', b: 'model-00002-of-00002.safetensors' } };
    const { 'model.safetensors': _, ...rest } = model;
    world.hub.commit('models', 'org/m', {
      ...rest,
      'model.safetensors.index.json': JSON.stringify(index),
      'model-00001-of-00002.safetensors': bytes(10),
      'model-00002-of-00002.safetensors': bytes(20),
      'consolidated.safetensors': bytes(30),
    });
    expect(readdirSync(await fetchTheModel())).not.toContain('consolidated.safetensors');
    expect(existsSync(join(await fetchTheModel(), 'model-00002-of-00002.safetensors'))).toBe(true);
  });

  it('a second time without a request for a file', async () => {
    world.hub.commit('models', 'org/m', model);
    await fetchTheModel();
    const before = world.hub.requests.length;
    const folder = await fetchTheModel({ HF_HUB_OFFLINE: '1' });
    expect(world.hub.requests.length).toBe(before);
    expect(existsSync(join(folder, 'model.safetensors'))).toBe(true);
  });

  it('with progress in bytes that ends at the total', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    const seen: [number, number][] = [];
    const onProgress = (done: number, total: number) => seen.push([done, total]);
    await fetchModel(pinned('hf://org/m', sha), { settings: world.settings(), onProgress });
    expect(seen.at(-1)).toEqual([300_009, 300_009]); // 300,000 + {"a":1} (7) + {} (2)
    expect(seen.map(([done]) => done)).toEqual(seen.map(([done]) => done).sort((a, b) => a - b));
  });

  it('not at all when it lacks a file', async () => {
    world.hub.commit('models', 'org/m', { 'config.json': '{}', 'model.safetensors': weights });
    await expect(fetchTheModel()).rejects.toThrow(/expected 'tokenizer.json' in the repository, got none$/);
    world.hub.commit('models', 'org/m', { 'config.json': '{}', 'tokenizer.json': '{}', 'pytorch_model.bin': weights });
    await expect(fetchTheModel()).rejects.toThrow(
      "expected 'model.safetensors' in the repository, got none; its weights are in another format",
    );
  });
});

it('a tokenizer.model is fetched where there is no tokenizer.json', async () => {
  const { 'tokenizer.json': _, ...others } = model;
  world.hub.commit('models', 'org/m', { ...others, 'tokenizer.model': 'x' });
  expect(readdirSync(await fetchTheModel()).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.model']);
  world.hub.commit('models', 'org/m', { ...model, 'tokenizer.model': 'x' });
  expect(readdirSync(await fetchTheModel()).sort()).toEqual(['config.json', 'model.safetensors', 'tokenizer.json']);
});

describe('a GGUF file', () => {
  const parts = { 'big/m-00001-of-00002.gguf': bytes(3000, 2), 'big/m-00002-of-00002.gguf': bytes(2000, 3) };
  const repository = { 'README.md': 'x', 'm.Q4_0.gguf': weights, 'm.Q8_0.gguf': weights, ...parts };
  const fetched = (text: string, sha: string, env: Record<string, string> = {}) =>
    fetchModel(pinned(text, sha), { settings: world.settings(env) });

  it('is fetched by its name, alone', async () => {
    const sha = world.hub.commit('models', 'org/g', repository);
    const path = await fetched('hf://org/g/m.Q4_0.gguf', sha);
    expect(readFileSync(path)).toEqual(weights);
    expect(path.endsWith('/m.Q4_0.gguf')).toBe(true);
    expect(readdirSync(join(path, '..'))).toEqual(['m.Q4_0.gguf']);
    expect(await fetched('hf://org/g/m.Q4_0.gguf', sha, { HF_HUB_OFFLINE: '1' })).toBe(path);
  });

  it('in parts is fetched with all of them, by the name of the first', async () => {
    const sha = world.hub.commit('models', 'org/g', repository);
    const path = await fetched('hf://org/g/big/m-00001-of-00002.gguf', sha);
    expect(readdirSync(join(path, '..')).sort()).toEqual(['m-00001-of-00002.gguf', 'm-00002-of-00002.gguf']);
  });

  it('that is not there is refused with those that are, and so is a repository of such files alone', async () => {
    const sha = world.hub.commit('models', 'org/g', repository);
    const has = `it has GGUF files ('big/m-00001-of-00002.gguf', 'm.Q4_0.gguf', 'm.Q8_0.gguf'): name one of them, such as 'hf://org/g@${sha}/big/m-00001-of-00002.gguf'`;
    await expect(fetched('hf://org/g/x.gguf', sha)).rejects.toThrow(
      `hf://org/g@${sha}: expected 'x.gguf' in the repository, got none; ${has}`,
    );
    await expect(fetched('hf://org/g', sha)).rejects.toThrow(
      `hf://org/g@${sha}: expected 'config.json' in the repository, got none; ${has}`,
    );
    await expect(fetched('hf://org/g/x.gguf', '1'.repeat(40), { HF_HUB_OFFLINE: '1' })).rejects.toThrow(
      "'x.gguf' is not in the cache",
    );
  });

  it('has no config.json and no adapter beside it', async () => {
    const name = pinned('hf://org/g/m.Q4_0.gguf', '1'.repeat(40));
    await expect(fetchModelConfig(name, { settings: world.settings() })).rejects.toThrow('got the name of a GGUF file');
    await expect(fetchAdapter(name, { settings: world.settings() })).rejects.toThrow('got the name of a file');
  });
});

describe('what lies beside the weights', () => {
  const templates = { 'chat_template.jinja': 'c', 'additional_chat_templates/tool_use.jinja': 't' };

  it('is fetched too, other files are not', async () => {
    const others = { 'notes.jinja': 'x', 'additional_chat_templates/deep/x.jinja': 'x', 'training_args.bin': 'x' };
    world.hub.commit('models', 'org/m', { ...model, ...templates, 'generation_config.json': '{}', ...others });
    const folder = await fetchTheModel();
    const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => !entry.isDirectory());
    const names = found.map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1)).sort();
    expect(names).toEqual(
      [
        'config.json',
        'tokenizer.json',
        'model.safetensors',
        'generation_config.json',
        ...Object.keys(templates),
      ].sort(),
    );
  });

  it('that is an index is not followed where there is a single file', async () => {
    const index = JSON.stringify({ weight_map: { a: 'model-00001-of-00002.safetensors' } });
    const stale = { 'model.safetensors.index.json': index, 'model-00001-of-00002.safetensors': bytes(1000, 3) };
    world.hub.commit('models', 'org/m', { ...model, ...stale });
    const folder = await fetchTheModel();
    expect(readdirSync(folder)).toContain('model.safetensors');
    expect(readdirSync(folder)).not.toContain('model-00001-of-00002.safetensors');
    expect(await fetchTheModel({ HF_HUB_OFFLINE: '1' })).toBe(folder);
  });

  it('that is an adapter is fetched with its base, and by itself', async () => {
    const adapter = { 'adapter_config.json': '{}', 'adapter_model.safetensors': bytes(2000, 4) };
    world.hub.commit('models', 'org/m', { ...model, ...adapter });
    expect(readdirSync(await fetchTheModel())).toEqual(expect.arrayContaining(Object.keys(adapter)));
    const sha = world.hub.commit('models', 'org/lora', { ...adapter, 'README.md': 'x' });
    const name = pinned('hf://org/lora', sha);
    const folder = await fetchAdapter(name, { settings: world.settings() });
    expect(readdirSync(folder).sort()).toEqual(Object.keys(adapter).sort());
    const offline = world.settings({ HF_HUB_OFFLINE: '1' });
    rmSync(join(world.cache, 'models--org--lora/.lamina'), { recursive: true });
    expect(await fetchAdapter(name, { settings: offline })).toBe(folder);
    await expect(fetchModel(name, { settings: world.settings() })).rejects.toThrow(
      "expected 'config.json' in the repository, got none; it is an adapter: name the model that it belongs to as 'path', and this as 'adapter'",
    );
    const bare = world.hub.commit('models', 'org/none', { 'adapter_config.json': '{}' });
    await expect(fetchAdapter(pinned('hf://org/none', bare), { settings: world.settings() })).rejects.toThrow(
      "expected 'adapter_model.safetensors' in the repository, got none",
    );
  });
});

describe('a broken download', () => {
  it('goes on where the connection was cut', async () => {
    world.hub.commit('models', 'org/m', model);
    const settings = world.settings();
    const name = pinHubName(hubName('hf://org/m'), await resolveRevision(hubName('hf://org/m'), settings));
    let onProgress = (_done: number) => {};
    const arrived = new Promise<void>((resolve) => {
      onProgress = (done) => {
        if (done >= 100_009) resolve(); // the small files came before: {"a":1} and {}
      };
    });
    world.hub.faults.cutAfter.set('model.safetensors', { bytes: 100_000, arrived });
    const folder = await fetchModel(name, { settings, onProgress: (done) => onProgress(done) });
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    const [first, second, ...more] = world.hub.rangesOf('model.safetensors');
    expect([first, second, more]).toEqual([undefined, 'bytes=100000-', []]);
  });

  it('goes on in a later run, after a stop', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    world.hub.faults.cutAfter.set('model.safetensors', { bytes: 120_000 });
    const stop = new AbortController();
    const onProgress = (done: number) => {
      if (done > 120_000) stop.abort(new Error('stopped'));
    };
    const options = { settings: world.settings(), signal: stop.signal, onProgress };
    await expect(fetchModel(pinned('hf://org/m', sha), options)).rejects.toThrow('stopped');
    const blobs = join(world.cache, 'models--org--m/blobs');
    expect(readdirSync(blobs).filter((name) => name.endsWith('.lamina.incomplete')).length).toBe(1);
    const folder = await fetchTheModel();
    expect(readFileSync(join(folder, 'model.safetensors')).equals(weights)).toBe(true);
    expect(world.hub.rangesOf('model.safetensors').at(-1)).toMatch(/^bytes=\d+-$/);
    expect(readdirSync(blobs).filter((name) => name.includes('incomplete'))).toEqual([]);
  });

  it('of a server without ranges is read again, not doubled', async () => {
    world.hub.commit('models', 'org/m', model);
    world.hub.faults.noRanges = true;
    world.hub.faults.cutAfter.set('model.safetensors', { bytes: 100_000 });
    expect(readFileSync(join(await fetchTheModel(), 'model.safetensors')).equals(weights)).toBe(true);
  });

  it('that left other bytes begins anew', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    const settings = world.settings();
    await fetchModelConfig(pinned('hf://org/m', sha), { settings });
    const listing = JSON.parse(readFileSync(join(world.cache, `models--org--m/.lamina/${sha}.json`), 'utf8'));
    const { blob } = listing.find(({ path }: { path: string }) => path === 'model.safetensors');
    writeFileSync(join(world.cache, `models--org--m/blobs/${blob}.lamina.incomplete`), bytes(5000, 7));
    expect(readFileSync(join(await fetchTheModel(), 'model.safetensors')).equals(weights)).toBe(true);
    expect(world.hub.rangesOf('model.safetensors')).toEqual(['bytes=5000-', undefined]);
  });

  it('with wrong bytes is refused and deleted', async () => {
    world.hub.commit('models', 'org/m', model);
    world.hub.faults.forged.set('model.safetensors', bytes(300_000, 2));
    await expect(fetchTheModel()).rejects.toThrow(
      /^'model.safetensors' of hf:\/\/org\/m@[0-9a-f]{40}: expected bytes with the digest [0-9a-f]{64} \(as the hub lists it\), got [0-9a-f]{64}; the download was deleted$/,
    );
    world.hub.faults.forged.set('model.safetensors', bytes(300_001));
    await expect(fetchTheModel()).rejects.toThrow('expected 300000 bytes (as the hub lists it), got 300001');
    const left = readdirSync(join(world.cache, 'models--org--m/blobs'));
    expect(left.filter((name) => name.length >= 64)).toEqual([]);
  });

  it('with wrong bytes in a small file is refused by git’s digest', async () => {
    world.hub.commit('models', 'org/m', model);
    world.hub.faults.forged.set('config.json', Buffer.from('{"a":2}'));
    await expect(fetchTheModel()).rejects.toThrow(/'config.json' of .* expected bytes with the digest [0-9a-f]{40}/);
  });

  it('by several at once asks for every byte once', async () => {
    world.hub.commit('models', 'org/m', model);
    const folders = await Promise.all([fetchTheModel(), fetchTheModel(), fetchTheModel()]);
    expect(new Set(folders).size).toBe(1);
    expect(world.hub.rangesOf('model.safetensors')).toEqual([undefined]);
  });

  it('whose lock a dead process left is taken over', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    await fetchModelConfig(pinned('hf://org/m', sha), { settings: world.settings() });
    const listing = JSON.parse(readFileSync(join(world.cache, `models--org--m/.lamina/${sha}.json`), 'utf8'));
    const locks = join(world.cache, '.locks/models--org--m');
    const { hostname } = await import('node:os');
    for (const { blob } of listing) {
      writeFileSync(join(locks, `${blob}.lamina.lock`), JSON.stringify({ host: hostname(), pid: 2 ** 30 }));
    }
    await fetchTheModel();
    expect(readdirSync(locks)).toContain(
      `${listing.find(({ path }: { path: string }) => path === 'README.md').blob}.lamina.lock`,
    );
  });
});

describe('the hub refuses', () => {
  it('a gated model, with the page where the licence is', async () => {
    world.hub.commit('models', 'org/m', model);
    world.hub.faults.gated = true;
    await expect(fetchTheModel()).rejects.toThrow(
      `its owner lets in only who accepts the licence; accept the licence at ${world.hub.endpoint}/org/m and set HF_TOKEN to a token of yours`,
    );
    await expect(fetchTheModel({ HF_TOKEN: 'hf_secret' })).rejects.toThrow('use a token of that account (HF_TOKEN)');
  });

  it('and nothing is downloaded from a listing that names files outside the cache', async () => {
    world.hub.commit('models', 'org/m', model);
    for (const path of ['../../x', '/etc/x', 'a/../../x', 'a\\..\\x', 'a\u0000b', '', 'C:x']) {
      world.hub.faults.extraEntries = [{ type: 'file', path, size: 1, oid: 'a'.repeat(40) }];
      await expect(fetchTheModel()).rejects.toThrow('which would lie outside the cache, refused');
    }
    expect(existsSync(join(world.cache, 'models--org--m/snapshots'))).toBe(false);
  });

  it.each([
    [{ size: -1 }, 'no size'],
    [{ size: 1.5 }, 'no size'],
    [{ oid: '../x' }, 'no digest'],
    [{ lfs: { oid: 'x', size: 1 } }, 'no digest'],
    [{ lfs: { oid: 'a'.repeat(64), size: 2 } }, 'two sizes'],
  ])('a listing with %j', async (fields, why) => {
    world.hub.commit('models', 'org/m', model);
    world.hub.faults.extraEntries = [{ type: 'file', path: 'x', size: 1, oid: 'a'.repeat(40), ...fields }];
    await expect(fetchTheModel()).rejects.toThrow(why);
  });

  it('when nothing answers, and the sentence says so', async () => {
    const sha = world.hub.commit('models', 'org/m', model);
    const settings = { ...world.settings(), endpoint: 'http://127.0.0.1:49151' };
    await expect(fetchModel(pinned('hf://org/m', sha), { settings })).rejects.toThrow(
      /not in the cache '.*', and cannot reach '127.0.0.1:49151': it refuses the connection/,
    );
  });
});

describe('the token', () => {
  it('goes to the hub and to no other host', async () => {
    world.hub.commit('models', 'org/m', model);
    await fetchTheModel({ HF_TOKEN: 'hf_secret' });
    const { requests } = world.hub;
    expect(requests.filter(({ host }) => host === 'cdn').length).toBe(1);
    for (const { host, authorization } of requests) {
      expect(authorization).toBe(host === 'hub' ? 'Bearer hf_secret' : undefined);
    }
  });

  it('comes from the file that huggingface-cli writes, and is kept nowhere', async () => {
    writeFileSync(join(world.cache, '..', 'token'), 'hf_fromfile\n');
    world.hub.commit('models', 'org/m', model);
    await fetchTheModel();
    expect(world.hub.requests[0]?.authorization).toBe('Bearer hf_fromfile');
    const kept = readdirSync(world.cache, { recursive: true, encoding: 'utf8' }).map((name) => join(world.cache, name));
    for (const file of kept)
      if (lstatSync(file).isFile()) expect(readFileSync(file, 'utf8')).not.toContain('hf_fromfile');
  });

  it('that cannot be one is refused without being shown', () => {
    const settings = hubSettings({ HF_TOKEN: 'hf_sécret' });
    expect(() => settings.token()).toThrow('holds characters that no token has');
    expect(() => settings.token()).not.toThrow('cret');
  });
});

describe('settings follow the variables of huggingface_hub', () => {
  it.each([
    [{ HF_HUB_CACHE: '/c' }, '/c'],
    [{ HUGGINGFACE_HUB_CACHE: '/d' }, '/d'],
    [{ HF_HOME: '/h' }, '/h/hub'],
    [{ XDG_CACHE_HOME: '/x' }, '/x/huggingface/hub'],
    [{ HF_HUB_CACHE: '', HF_HOME: '/h' }, '/h/hub'],
  ])('%j', (env, cache) => {
    expect(hubSettings(env).cache).toBe(cache);
  });

  it('an endpoint has to be a URL', () => {
    expect(hubSettings({ HF_ENDPOINT: 'https://mirror.example/' }).endpoint).toBe('https://mirror.example');
    expect(() => hubSettings({ HF_ENDPOINT: 'mirror' })).toThrow(
      "HF_ENDPOINT expects a URL such as 'https://huggingface.co', got 'mirror'",
    );
    const secret = () => hubSettings({ HF_ENDPOINT: 'https://me:secret@mirror.example' });
    expect(secret).toThrow('HF_ENDPOINT must not hold a user name or a password');
    expect(secret).not.toThrow('secret@');
  });
});

describe('a cache that Python filled', () => {
  const sha = 'cd'.repeat(20);
  const fill = (repo: string, files: Record<string, string>) => {
    const snapshot = join(world.cache, repo, 'snapshots', sha);
    mkdirSync(snapshot, { recursive: true });
    mkdirSync(join(world.cache, repo, 'blobs'), { recursive: true });
    Object.entries(files).forEach(([name, text], i) => {
      writeFileSync(join(world.cache, repo, 'blobs', String(i)), text);
      symlinkSync(`../../blobs/${i}`, join(snapshot, name));
    });
    return snapshot;
  };
  const offline = () => ({ settings: world.settings({ HF_HUB_OFFLINE: '1' }) });

  it('serves a whole model without the hub', async () => {
    const folder = fill('models--org--m', { 'config.json': '{}', 'tokenizer.json': '{}', 'model.safetensors': 'x' });
    expect(await fetchModel(pinned('hf://org/m', sha), offline())).toBe(folder);
  });

  it('does not serve half a model', async () => {
    fill('models--org--m', { 'config.json': '{}', 'tokenizer.json': '{}' });
    await expect(fetchModel(pinned('hf://org/m', sha), offline())).rejects.toThrow(
      "the cache lacks 'model.safetensors'",
    );
  });

  it('serves data that is certainly whole, and nothing else', async () => {
    fill('datasets--org--d', { 'train-00000-of-00002.parquet': 'x', 'more.txt': '' });
    const fetched = (text: string) => fetchDataset(pinned(text, sha), offline());
    await expect(fetched('hf://datasets/org/d')).rejects.toThrow('cannot say whether these are all');
    expect(await fetched('hf://datasets/org/d/train-00000-of-00002.parquet')).toHaveLength(1);
    symlinkSync('../../blobs/0', join(world.cache, 'datasets--org--d/snapshots', sha, 'train-00001-of-00002.parquet'));
    expect(await fetched('hf://datasets/org/d')).toHaveLength(2);
  });

  it('with a link out of it is refused', async () => {
    const folder = fill('datasets--org--d', { 'a.csv': 'x' });
    symlinkSync('/etc/hostname', join(folder, 'b.csv'));
    await expect(fetchDataset(pinned('hf://datasets/org/d/b.csv', sha), offline())).rejects.toThrow(
      'leads out of the cache',
    );
  });
});

it('a data set is fetched by pattern, in name order', async () => {
  const sha = world.hub.commit('datasets', 'org/d', { 'x/b.csv': 'b', 'x/a.csv': 'a', 'y.csv': 'y' });
  const name = pinned('hf://datasets/org/d/x/*.csv', sha);
  const files = await fetchDataset(name, { settings: world.settings() });
  expect(files.map(({ name, path }) => [name, readFileSync(path, 'utf8')])).toEqual([
    ['x/a.csv', 'a'],
    ['x/b.csv', 'b'],
  ]);
  expect(formatHubName(name)).toBe(`hf://datasets/org/d@${sha}/x/*.csv`);
});
