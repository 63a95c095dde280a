// Brings what a model needs into the cache: configuration and tokenizer first, then the weights; or its GGUF file.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { UserError } from '../util/errors.ts';
import { isObject } from '../util/json.ts';
import { cachedFile, type Snapshot, snapshotOf } from './cache.ts';
import { type FetchOptions, fetchFiles } from './fetch-files.ts';
import { fetchGguf, ggufHint } from './fetch-gguf.ts';
import { type HubFile, type Listing, listFiles } from './listing.ts';
import { formatHubName, type HubName, isSafePath } from './name.ts';

const needed = ['config.json', 'tokenizer.json'] as const;
/** Read where there is no tokenizer.json. */
const sentencePiece = 'tokenizer.model';
const wanted = [
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'generation_config.json',
  'chat_template.jinja',
];
const template = /^additional_chat_templates\/[\w-]+\.jinja$/;
const adapter = ['adapter_config.json', 'adapter_model.safetensors'];
const index = 'model.safetensors.index.json';
const single = 'model.safetensors';
const largestSmallFile = 2 ** 28;

/** The folder with the files of the pinned model `name`, or the GGUF file that it names; downloads what the cache lacks. Throws UserError with the way out. */
export async function fetchModel(name: HubName, options: FetchOptions): Promise<string> {
  const what = checkModel(name);
  if (name.path !== '') return fetchGguf(name, options);
  const listing = await listFiles(name, options);
  const snapshot = snapshotOf(name, options.settings);
  if (!listing.whole) return fromCache(snapshot, listing, what, options);
  const files = new Map(listing.files.map((file) => [file.path, file]));
  const first = files.has('tokenizer.json') || !files.has(sentencePiece) ? needed : ['config.json', sentencePiece];
  const missing = (path: string): never => refuseMissing(name, path, files);
  for (const path of first) if (!files.has(path)) missing(path);
  const named = [...files.keys()].filter((path) => template.test(path));
  const shardList = files.has(single) ? [] : [index]; // a single file is taken where both are there
  const small = [...first, ...wanted, ...named, ...shardList].flatMap((path) => files.get(path) ?? []);
  for (const { path, size } of small) {
    if (size > largestSmallFile) throw new UserError(`${what}: '${path}' has ${size} bytes, refused`);
  }
  await fetchFiles(name, small, { ...options, onProgress: undefined });
  const shards = shardList.length > 0 && files.has(index) ? await shardNames(snapshot, what) : [single];
  const weights = shards.map((path) => files.get(path) ?? missing(path));
  const beside = adapter.flatMap((path) => files.get(path) ?? []); // it is attached where there is one
  await fetchFiles(name, [...small, ...weights, ...beside], options);
  return snapshot.folder;
}

/**
 * config.json of the pinned model `name`, from the cache or fetched by itself; for planning. Throws UserError when it
 * cannot be had.
 */
export async function fetchModelConfig(name: HubName, options: FetchOptions): Promise<string> {
  const what = checkModel(name);
  if (name.path !== '') {
    throw new UserError(`${what}: expected a repository with a config.json, got the name of a GGUF file`);
  }
  const snapshot = snapshotOf(name, options.settings);
  const cached = await cachedFile(snapshot, 'config.json');
  if (cached !== undefined) return cached;
  const listing = await listFiles(name, options);
  if (!listing.whole) throw listing.why;
  const file = listing.files.find(({ path }) => path === 'config.json');
  if (file === undefined || file.size > 2 ** 20) throw new UserError(`${what}: expected a config.json, got none`);
  const [path] = await fetchFiles(name, [file], options);
  return path as string;
}

/** The folder with the LoRA adapter of the pinned repository `name`. Throws UserError with the way out. */
export async function fetchAdapter(name: HubName, options: FetchOptions): Promise<string> {
  const what = checkModel(name);
  if (name.path !== '') throw new UserError(`${what}: expected a repository with an adapter, got the name of a file`);
  const listing = await listFiles(name, options);
  const snapshot = snapshotOf(name, options.settings);
  if (!listing.whole) {
    const here = await Promise.all(adapter.map((path) => cachedFile(snapshot, path)));
    if (here.every((path) => path !== undefined)) return snapshot.folder;
    throw new UserError(`${what}: its adapter is not in the cache, and ${listing.why.message}`, { cause: listing.why });
  }
  const files = new Map(listing.files.map((file) => [file.path, file]));
  await fetchFiles(
    name,
    adapter.map((path) => files.get(path) ?? refuseMissing(name, path, files)),
    options,
  );
  return snapshot.folder;
}

function checkModel(name: HubName): string {
  const what = formatHubName(name);
  if (name.type === 'model') return what;
  throw new UserError(`expected a model ('hf://${name.repo}'), got the data set '${what}'`);
}

/** The shards that the index names; they lie beside it. */
async function shardNames(snapshot: Snapshot, what: string): Promise<string[]> {
  const path = await cachedFile(snapshot, index);
  const text = path === undefined ? '' : await readFile(path, 'utf8');
  const refuse = () => new UserError(`${what}: '${index}' does not name the files of the weights`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw refuse();
  }
  const map = isObject(value) ? value.weight_map : undefined;
  const names = isObject(map) ? [...new Set(Object.values(map))] : [];
  if (names.length === 0 || !names.every(isShard)) throw refuse();
  return names.sort();
}

function isShard(name: unknown): name is string {
  return typeof name === 'string' && isSafePath(name) && /^[\w][\w.-]*\.safetensors$/.test(name);
}

/** Without the hub, and in a cache that another program filled: its files must be whole by what they say of each other. */
async function fromCache(
  snapshot: Snapshot,
  { paths, why }: Exclude<Listing, { whole: true }>,
  what: string,
  { settings }: FetchOptions,
): Promise<string> {
  if (paths.length === 0) {
    throw new UserError(`${what}: not in the cache '${settings.cache}', and ${why.message}`, { cause: why });
  }
  const shards = paths.includes(index) && !paths.includes(single) ? await shardNames(snapshot, what) : [single];
  for (const path of [...needed, ...shards]) {
    if ((await cachedFile(snapshot, path)) !== undefined) continue;
    throw new UserError(`${what}: the cache lacks '${path}', and ${why.message}; connect once`, { cause: why });
  }
  return dirname((await cachedFile(snapshot, needed[0])) as string);
}

function refuseMissing(name: HubName, path: string, files: ReadonlyMap<string, HubFile>): never {
  const has = (other: string) => files.has(other);
  const hints: [boolean, string][] = [
    [
      path === 'config.json' && has('adapter_config.json'),
      "; it is an adapter: name the model that it belongs to as 'path', and this as 'adapter'",
    ],
    [path !== 'tokenizer.json', ggufHint([...files.keys()], name)],
    [path === single && [...files.keys()].some((file) => file.endsWith('.bin')), '; its weights are in another format'],
  ];
  const hint = hints.find(([fits, text]) => fits && text !== '')?.[1] ?? '';
  throw new UserError(`${formatHubName(name)}: expected '${path}' in the repository, got none${hint}`);
}
