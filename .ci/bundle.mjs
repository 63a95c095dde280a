// Puts the compiled program into few files, dist/start, since opening hundreds costs more than what `check` does with them. What check and
// plan open lies in one file, what `run` opens beside that in a second, the rest in a file for each command. Workers, probes and stages are opened from where they were compiled.
import { chmodSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';

const root = join(import.meta.dirname, '..');
const dist = join(root, 'dist');
const out = join(dist, 'start');
/** Small packages that every start opens; all others stay packages. */
const within = /^(yaml|commander|picocolors|p-limit|yocto-queue)$/;
const first = opened([
  'cli/cli.js',
  'cli/commands/check.js',
  'cli/commands/plan.js',
  'stages/registry.js',
  'stages/seal.js',
]);
const ofRun = opened(['cli/commands/run.js']);

const bundle = await rolldown({
  input: { lamina: join(dist, 'cli/start.js') },
  platform: 'node',
  cwd: root,
  resolve: { alias: { yaml: join(root, 'node_modules/yaml/browser/index.js') } },
  external: (id) => /^[^./]/.test(id) && !within.test(id),
  plugins: [{ name: 'places', transform: inPlace }],
});
const { output } = await bundle.write({
  dir: out,
  cleanDir: true,
  format: 'esm',
  chunkFileNames: '[name]-[hash].js',
  codeSplitting: {
    groups: [
      { name: 'start', test: (id) => first.has(id) || within.test(/node_modules\/([^/]+)/.exec(id)?.[1] ?? '') },
      { name: 'run', test: (id) => ofRun.has(id) && !first.has(id) },
    ],
  },
});
refuseOthers(output);
chmodSync(join(out, 'lamina.js'), 0o755);

/** A bundler may import helpers of its own, which nobody installs. */
function refuseOthers(chunks) {
  const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const files = new Set(chunks.map(({ fileName }) => fileName));
  const imported = chunks.flatMap(({ imports = [], dynamicImports = [] }) => [...imports, ...dynamicImports]);
  const known = (id) => files.has(id) || isBuiltin(id) || id.startsWith('.') || id.startsWith('onnxruntime-node');
  const others = imported.filter((id) => !known(id) && dependencies[packageOf(id)] === undefined);
  if (others.length > 0)
    throw new Error(`the bundle imports what is no dependency: ${[...new Set(others)].join(', ')}`);
}

function packageOf(id) {
  return id.split('/', id.startsWith('@') ? 2 : 1).join('/');
}

/** A module still knows where it was compiled to, and finds what lies beside it. */
function inPlace(code, id) {
  if (!id.startsWith(dist) || !code.includes('import.meta')) return null;
  const from = JSON.stringify(relative(out, id));
  const url = `new URL(${from}, import.meta.url)`;
  return code
    .replaceAll('import.meta.dirname', `(import.meta.dirname + ${JSON.stringify(`/${relative(out, dirname(id))}`)})`)
    .replaceAll(/(?<!URL\("[^"]*", )import\.meta\.url/g, `${url}.href`);
}

/** The modules with all that they import statically. */
function opened(modules) {
  const found = new Set();
  const add = (file) => {
    if (found.has(file)) return;
    found.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of text.matchAll(/^(?:import|export)\b[^;]*?["'](\.[^"']+)["'];/gm))
      add(join(dirname(file), specifier));
  };
  for (const each of modules) add(join(dist, each));
  return found;
}
