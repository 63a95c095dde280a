// lamina as npm would install it: packed, unpacked into a folder outside the tree, beside links to its dependencies.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './pages.ts';

/** A folder with lamina in its node_modules; `remove` deletes it. */
export function installed(): { path: string; program: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'lamina-package-'));
  const modules = join(path, 'node_modules');
  mkdirSync(modules);
  unpack(pack(root, path), path);
  renameSync(join(path, 'package'), join(modules, 'lamina'));
  for (const name of dependencies()) link(name, modules);
  return {
    path,
    program: join(modules, 'lamina/dist/start/lamina.js'),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** The package as `npm pack` makes it in a clone, ONNX Runtime in it; the tree is left as it is. */
export function packedWhole(into: string): string {
  const staged = mkdtempSync(join(tmpdir(), 'lamina-pack-'));
  try {
    unpack(pack(root, staged), staged);
    const folder = join(staged, 'package');
    execFileSync(process.execPath, [join(root, '.ci/pack-engine.mjs'), folder]);
    return pack(folder, into);
  } finally {
    rmSync(staged, { recursive: true, force: true });
  }
}

/** What npm packs of a folder, by its own word, as a file in `into`; npm's scripts would build what has been built. */
function pack(folder: string, into: string): string {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', into], {
    cwd: folder,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  return join(into, filename);
}

/** Leaves `package` in `into`, and removes the archive. */
function unpack(archive: string, into: string): void {
  execFileSync('tar', ['-xzf', archive, '-C', into]);
  rmSync(archive);
}

/** Everything that the tree has installed but tools of its own. */
function dependencies(): string[] {
  const folder = join(root, 'node_modules');
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  return names.flatMap((name) =>
    name.startsWith('@') ? readdirSync(join(folder, name)).map((each) => `${name}/${each}`) : [name],
  );
}

function link(name: string, modules: string): void {
  const to = join(modules, name);
  mkdirSync(dirname(to), { recursive: true });
  if (!existsSync(to)) symlinkSync(join(root, 'node_modules', name), to);
}

/** The version that the packed package states. */
export function packedVersion(folder: string): string {
  const text = readFileSync(join(folder, 'node_modules/lamina/package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
