// The table of levels in ARCHITECTURE.md, held by reading every import.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

/** A folder imports from itself and from folders on lower levels only. */
const levels: Record<string, number> = {
  util: 0,
  schemas: 1,
  formats: 1,
  hub: 1,
  spec: 2,
  tensor: 2,
  store: 3,
  model: 3,
  tasks: 3,
  runner: 4,
  stages: 4,
  report: 5,
  cli: 6,
};

/** Packages with a weight of their own, and the folders that may import them. */
const homes: Record<string, string[]> = {
  'apache-arrow': ['formats'],
  '@bufbuild/protobuf': ['formats'],
  hyparquet: ['formats'],
  '@huggingface/hub': ['hub'],
  '@huggingface/jinja': ['tasks'],
  '@tensorflow/tfjs': ['tensor'],
  'onnxruntime-node': ['tensor'],
  'onnxruntime-web': [], // tests only
  'ml-matrix': ['model'],
  yaml: ['spec'],
  ajv: ['spec', 'schemas'],
  typebox: ['schemas', 'spec', 'stages'],
  '@observablehq/plot': ['report'],
  linkedom: ['report'],
  '@viz-js/viz': ['report'],
  'p-limit': ['runner'],
  'cli-progress': ['cli'],
  commander: ['cli'],
  picocolors: ['cli'],
  'node:readline': [], // from Node 24 on it ends a line at U+2028 too: formats/lines.ts
};

interface Import {
  from: string;
  folder: string;
  target: string;
}

const files = Object.keys(levels).flatMap((folder) => typescriptFiles(join(root, folder)));
const imports = files.flatMap(importsOf);

describe('layers', () => {
  it('sees the whole tree', () => {
    expect(files.length).toBeGreaterThan(60);
    expect(imports.length).toBeGreaterThan(200);
  });

  it('a folder imports only from itself and from lower levels', () => {
    const wrong = imports.filter((entry) => entry.target.startsWith('.')).filter(climbs);
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('a heavy package has one home', () => {
    const wrong = imports.filter(({ folder, target }) => {
      const home = Object.entries(homes).find(([name]) => target === name || target.startsWith(`${name}/`));
      return home !== undefined && !home[1].includes(folder);
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });
});

function typescriptFiles(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return entries.filter((name) => name.endsWith('.ts')).map((name) => join(folder, name));
}

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  const from = relative(root, file);
  const folder = from.split('/')[0] as string;
  const targets = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(\s*|\bimport\s+)['"]([^'"]+)['"]/g)];
  return targets.map((match) => ({ from, folder, target: match[1] as string }));
}

function climbs({ from, folder, target }: Import): boolean {
  const reached = relative(root, resolve(root, dirname(from), target)).split('/')[0] as string;
  if (reached === folder) return false;
  const level = levels[reached];
  return level === undefined || level >= (levels[folder] as number);
}

function describeImport({ from, target }: Import): string {
  return `${from} imports ${target}`;
}
