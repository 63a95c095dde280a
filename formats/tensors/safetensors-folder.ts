// The safetensors files of a Hugging Face model folder, one or several, as one set of tensors.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { isMissing } from '../files/file.ts';
import { isRecord, parseStrictJson } from '../text/strict-json.ts';
import { readTextIfThere } from '../text/text.ts';
import { openSafetensors, type SafetensorsReader } from './safetensors.ts';
import type { TensorReader } from './tensor-reader.ts';

const INDEX = 'model.safetensors.index.json';
const SINGLE = 'model.safetensors';
const MAX_INDEX_BYTES = 100_000_000;

/**
 * Opens `model.safetensors`, or else `model.safetensors.index.json` with its shards, in the folder `dir`. `warn` is told of an index
 * that lies beside the single file and so is not read; `hint` of a folder with neither what it has instead.
 */
export async function openSafetensorsFolder(
  dir: string,
  warn: (message: string) => void = () => {},
  hint: (names: readonly string[]) => string | undefined = () => undefined,
): Promise<TensorReader> {
  const single = await openIfThere(join(dir, SINGLE));
  if (single !== undefined) {
    if (await isFile(join(dir, INDEX))) {
      warn(`'${INDEX}' lies beside '${SINGLE}' and is not read: the single file is taken, as in transformers`);
    }
    return single;
  }
  const index = await readIndex(join(dir, INDEX));
  if (index !== undefined) return openShards(dir, index);
  const has = hint(await readdir(dir).catch(() => []));
  throw new UserError(
    `model folder '${dir}': expected '${SINGLE}' or '${INDEX}', got neither${has === undefined ? '' : `; ${has}`}`,
  );
}

async function openIfThere(path: string): Promise<SafetensorsReader | undefined> {
  try {
    return await openSafetensors(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}

async function readIndex(path: string): Promise<Map<string, string> | undefined> {
  const text = await readTextIfThere(path, 'index', MAX_INDEX_BYTES);
  if (text === undefined) return undefined;
  const where = `index '${path}'`;
  const index = parseStrictJson(text, where, 4);
  const map = isRecord(index) ? index.weight_map : undefined;
  if (!isRecord(map)) throw new UserError(`${where}: expected an object 'weight_map' from tensor names to file names`);
  return new Map(Object.entries(map).map(([name, file]) => [name, shardName(where, name, file)]));
}

/** Shards lie in the model's own folder: a path would let a model read any file of the machine. */
function shardName(where: string, name: string, file: unknown): string {
  if (typeof file === 'string' && /^[\w][\w.-]*\.safetensors$/.test(file)) return file;
  throw new UserError(
    `${where}: tensor '${name}': expected the name of a .safetensors file in the same folder, got ${shown(file)}`,
  );
}

async function openShards(dir: string, index: ReadonlyMap<string, string>): Promise<TensorReader> {
  const shards = new Map<string, SafetensorsReader>();
  const close = async () => {
    for (const shard of shards.values()) await shard.close();
  };
  try {
    for (const file of new Set(index.values())) shards.set(file, await openSafetensors(join(dir, file)));
    return shardedReader(dir, index, shards, close);
  } catch (error) {
    await close();
    throw error;
  }
}

function shardedReader(
  dir: string,
  index: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, SafetensorsReader>,
  close: () => Promise<void>,
): TensorReader {
  const find = (name: string) => {
    const shard = shards.get(index.get(name) ?? '');
    if (shard === undefined) throw new UserError(`model folder '${dir}': no tensor '${name}'`);
    return shard;
  };
  const entries = [...index].map(([name, file]) => {
    const entry = find(name).tensors.get(name);
    if (entry === undefined) {
      throw new UserError(
        `model folder '${dir}': '${INDEX}' puts tensor '${name}' in '${file}', which has no such tensor`,
      );
    }
    return [name, entry] as const;
  });
  return {
    tensors: new Map(entries),
    readBytes: async (name) => find(name).readBytes(name),
    readFloat32: async (name) => find(name).readFloat32(name),
    location: (name) => find(name).location(name),
    close,
  };
}
