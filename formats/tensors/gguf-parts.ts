// A model in one GGUF file, or in parts that llama.cpp's `gguf-split` made: NAME-00001-of-00003.gguf and so on, metadata in the first.
import { readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../util/errors.ts';
import type { GgufPlace } from './gguf-header.ts';
import { type GgufReader, openGguf } from './gguf-reader.ts';

/** What the name of a part says. */
interface PartName {
  readonly stem: string;
  /** From 1. */
  readonly part: number;
  readonly parts: number;
}

const mostParts = 1000;

/** undefined for a name that is not a part's. */
export function ggufPart(path: string): PartName | undefined {
  const match = /^(.+)-(\d{5})-of-(\d{5})\.gguf$/.exec(basename(path));
  if (match === null) return undefined;
  return { stem: match[1] as string, part: Number(match[2]), parts: Number(match[3]) };
}

/** The paths of all parts of the model of which `path` is one; of a model in one file, itself. */
export function ggufParts(path: string): string[] {
  const name = ggufPart(path);
  if (name === undefined || name.parts > mostParts) return [path];
  const five = (n: number) => String(n).padStart(5, '0');
  return Array.from({ length: name.parts }, (_, i) =>
    join(dirname(path), `${name.stem}-${five(i + 1)}-of-${five(name.parts)}.gguf`),
  );
}

/** The first file of the one GGUF model in `folder`; undefined where there is none, or more than one. */
export async function ggufInFolder(folder: string): Promise<string | undefined> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.gguf')).sort();
  const [first] = names;
  if (first === undefined) return undefined;
  const parts = ggufParts(first).map((path) => basename(path));
  return parts.join() === names.join() ? join(folder, first) : undefined;
}

/** Opens a model whose first or only file is `path`. */
export async function openGgufModel(path: string): Promise<GgufReader> {
  const first = await openGguf(path);
  const opened = [first];
  const close = async () => {
    for (const part of opened) await part.close();
  };
  try {
    const parts = partsOf(first);
    for (const part of parts.slice(1)) opened.push(await openGguf(part));
    return parts.length === 1 ? first : joined(opened, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** By what the first part says of itself. */
function partsOf({ path, metadata }: GgufReader): string[] {
  const where = `GGUF file '${path}'`;
  const [count = 1, number = 0] = [metadata.get('split.count'), metadata.get('split.no')];
  if (count === 0 || count === 1) return [path];
  const name = ggufPart(path);
  if (typeof count !== 'number' || count > mostParts || name?.parts !== count) {
    throw new UserError(
      `${where}: it is one of ${count} parts, expected a name that ends in '-00001-of-${String(count).padStart(5, '0')}.gguf'`,
    );
  }
  const parts = ggufParts(path);
  if (number === 0 && name.part === 1) return parts;
  throw new UserError(
    `${where}: it is part ${name.part} of ${count}, expected the first: '${basename(parts[0] as string)}'`,
  );
}

function joined(parts: readonly GgufReader[], close: () => Promise<void>): GgufReader {
  const first = parts[0] as GgufReader;
  const tensors = new Map<string, GgufPlace>();
  const readers = new Map<string, GgufReader>();
  for (const [i, part] of parts.entries()) {
    const where = `GGUF file '${part.path}'`;
    const number = part.metadata.get('split.no');
    if (number !== i)
      throw new UserError(`${where}: expected part ${i + 1}, got 'split.no' ${number}; copy the file again`);
    for (const [name, place] of part.tensors) {
      if (tensors.has(name)) throw new UserError(`${where}: tensor '${name}': an earlier part has it, too`);
      tensors.set(name, place);
      readers.set(name, part);
    }
  }
  const expected = first.metadata.get('split.tensors.count') ?? tensors.size;
  if (expected !== tensors.size) {
    throw new UserError(`GGUF file '${first.path}': expected ${expected} tensors in all parts, got ${tensors.size}`);
  }
  const find = (name: string) => {
    const reader = readers.get(name);
    if (reader === undefined) throw new UserError(`GGUF file '${first.path}': no tensor '${name}'`);
    return reader;
  };
  return {
    path: first.path,
    metadata: first.metadata,
    tensors,
    readBytes: async (name) => find(name).readBytes(name),
    readFloat32: async (name) => find(name).readFloat32(name),
    close,
  };
}
