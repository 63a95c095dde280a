// A folder for the files of one test file, removed afterwards, and the fixtures that Python made (fixtures/make.py).
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** The path of a fixture. */
export function fixture(name: string): string {
  return new URL(`fixtures/${name}`, import.meta.url).pathname;
}

/** What fixtures/make.py recorded. */
export interface Expected {
  tokenizers: Record<
    string,
    {
      vocab_size: number;
      cases: { text: string; ids: number[]; plain_ids: number[]; decoded: string; decoded_plain: string }[];
    }
  >;
  safetensors: { f32: number[]; f16_bits: number[]; bf16_bits: number[]; names: string[] };
  parquet: Record<string, unknown>[];
}

export function expected(): Expected {
  return JSON.parse(readFileSync(fixture('expected.json'), 'utf8')) as Expected;
}

/** Paths in a fresh folder; `write` also fills the file. */
export function scratchFolder() {
  const dir = mkdtempSync(join(tmpdir(), 'lamina-formats-'));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const path = (name: string) => join(dir, name);
  const write = (name: string, content: string | Uint8Array) => {
    writeFileSync(path(name), content);
    return path(name);
  };
  return { dir, path, write };
}
