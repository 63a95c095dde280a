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
  // npm's own word on what the package holds; its scripts would build what has been built
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', path], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [{ filename }] = JSON.parse(packed) as [{ filename: string }];
  execFileSync('tar', ['-xzf', join(path, filename), '-C', path]);
  renameSync(join(path, 'package'), join(modules, 'lamina'));
  rmSync(join(path, filename));
  for (const name of dependencies()) link(name, modules);
  return {
    path,
    program: join(modules, 'lamina/dist/cli/main.js'),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
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
