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
  contract: 1,
  python: 1,
  tiny: 1,
  located: 2,
  tensor: 2,
  spec: 3,
  model: 3,
  tasks: 3,
  store: 3,
  runner: 4,
  stages: 4,
  report: 5,
  ui: 6,
  cli: 7,
};

/**
 * The rooms of a folder, in the order in which they build on each other: a room imports from itself and from rooms before it. '' is the
 * folder itself. A stage's room may use what another stage declares, so of `stages` only the first two are named.
 */
const rooms: Record<string, string[]> = {
  formats: ['files', 'text', 'arrow', 'records', 'tokenizer', 'tensors', 'archive'],
  python: ['', 'jinja', 'chat'],
  tiny: ['text', 'tasks'],
  tensor: ['', 'graph', 'kernels', 'backend'],
  spec: ['own', 'pipeline', 'experiment', 'plan'],
  model: [
    ...['architecture', 'codec', 'operators', 'methods', 'sharing', 'exits', 'forward', 'checkpoint'],
    ...['walk', 'quantize'],
    ...['train', 'measure', 'generate', 'sizes', 'export', 'import', 'onnx', 'probe'],
  ],
  tasks: ['files', 'score'],
  store: ['', 'runs', 'upkeep', 'remote'],
  runner: ['survey', 'attempt', 'worker', 'executor', 'queue', 'run', 'estimate', 'explain', 'lock', 'audit'],
  report: ['numbers', 'figure', 'table', 'result', 'html', 'diff'],
  ui: ['', 'page', 'views', 'server'],
  cli: [
    'common',
    'progress',
    'result',
    'runs',
    'lock',
    'artifacts',
    'upkeep',
    'audit',
    'logs',
    'plan',
    'diff',
    'ui',
    'generate',
    'export',
    'bundle',
    'doctor',
    'install',
    'init',
    'commands',
    '',
  ],
};

/** Packages with a weight of their own, and the folders that may import them. */
const homes: Record<string, string[]> = {
  'apache-arrow': ['formats'],
  '@bufbuild/protobuf': ['formats'],
  hyparquet: ['formats'],
  '@huggingface/hub': ['hub'],
  '@huggingface/jinja': ['python'],
  '@tensorflow/tfjs': ['tensor'],
  'onnxruntime-node': ['tensor'],
  'onnxruntime-web': [], // tests only
  'ml-matrix': ['model'],
  yaml: ['located'],
  ajv: ['located', 'schemas'],
  typebox: ['schemas', 'contract', 'located', 'stages'],
  '@observablehq/plot': ['report'],
  linkedom: ['report'],
  '@viz-js/viz': ['report'],
  'p-limit': ['runner', 'store', 'cli'],
  aws4fetch: ['store'],
  'cli-progress': ['cli'],
  commander: ['cli'],
  picocolors: ['cli'],
  'node:readline': [], // from Node 24 on it ends a line at U+2028 too: formats/text/lines.ts
};

interface Import {
  from: string;
  folder: string;
  target: string;
  /** The file that `target` is, from the root; of a package, `target` itself. */
  reached: string;
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

  it('every room is named, and every name is a room', () => {
    const found = new Set(
      files.map((file) => dirname(relative(root, file))).filter((room) => !room.startsWith('stages')),
    );
    const named = Object.keys(levels).flatMap((folder) => (rooms[folder] ?? ['']).map((room) => join(folder, room)));
    expect([...found].sort()).toEqual(named.filter((room) => room !== 'stages').sort());
  });

  it('a room imports only from itself and from the rooms before it', () => {
    const wrong = imports.filter(({ from, folder, reached }) => {
      const order = rooms[folder];
      if (order === undefined || reached.split('/')[0] !== folder) return false;
      return order.indexOf(roomOf(reached)) > order.indexOf(roomOf(from));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it("a stage's work is loaded by the registry alone, and what stages have in common knows no stage", () => {
    const wrong = imports.filter(({ from, folder, reached }) => {
      if (folder !== 'stages' || !reached.startsWith('stages/') || from === 'stages/registry.ts') return false;
      const common = ['common', 'costs'];
      const [own, other] = [roomOf(from), roomOf(reached)];
      return own !== other && (reached.endsWith('/run.ts') || (common.includes(own) && !common.includes(other)));
    });
    expect(wrong.map(describeImport)).toEqual([]);
  });

  it('no room waits for itself either', () => {
    const between = imports.filter(({ from, reached }) => isFile(reached) && dirname(from) !== dirname(reached));
    expect(cyclesOf(between.map(({ from, reached }) => [dirname(from), dirname(reached)]))).toEqual([]);
  });

  it('no file waits for itself: there is no cycle of imports, of types neither', () => {
    expect(cyclesOf(imports.map(({ from, reached }) => [from, reached]))).toEqual([]);
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
  return targets.map((match) => {
    const target = match[1] as string;
    const reached = target.startsWith('.') ? relative(root, resolve(dirname(file), target)) : target;
    return { from, folder, target, reached };
  });
}

function climbs({ folder, reached }: Import): boolean {
  const other = reached.split('/')[0] as string;
  if (other === folder) return false;
  const level = levels[other];
  return level === undefined || level >= (levels[folder] as number);
}

/** The room of a file: `formats` of `stages/export/formats/gguf.ts` is `export/formats`. */
function roomOf(path: string): string {
  return dirname(path).split('/').slice(1).join('/');
}

function isFile(path: string): boolean {
  return files.includes(join(root, path));
}

/** What is on a cycle, or leads into one: what is left when all that leads to nothing that is left is taken away, again and again. */
function cyclesOf(pairs: readonly (readonly [string, string])[]): string[] {
  const left = new Map<string, Set<string>>();
  for (const [from, to] of pairs) left.set(from, (left.get(from) ?? new Set()).add(to));
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [from, targets] of left) {
      if ([...targets].every((target) => !left.has(target))) left.delete(from);
    }
  }
  return [...left.keys()].sort();
}

function describeImport({ from, target }: Import): string {
  return `${from} imports ${target}`;
}
