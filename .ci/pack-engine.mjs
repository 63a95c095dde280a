// Puts ONNX Runtime into the package that npm packs: the files of its npm package that run, without the script that fetches files for
// CUDA from another site when it is installed. They lie where Node looks first, in dist/node_modules, and nowhere in a clone.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const flags = process.argv.slice(2).filter((each) => each.startsWith('--'));
const [folder = root] = process.argv.slice(2).filter((each) => !each.startsWith('--'));
const modules = join(folder, 'dist/node_modules');

/** Machines that lamina runs on and ONNX Runtime is built for; as many bytes again are for Windows. */
const platforms = ['linux/x64', 'linux/arm64', 'darwin/arm64'];
const binaries = 'bin/napi-v6';

rmSync(modules, { recursive: true, force: true });
if (!flags.includes('--remove')) {
  const runtime = join(root, 'node_modules/onnxruntime-node');
  const common = join(root, 'node_modules/onnxruntime-common');
  copy(runtime, scriptsIn(runtime, 'dist'));
  for (const platform of platforms) copy(runtime, librariesIn(runtime, `${binaries}/${platform}`));
  copy(common, [...scriptsIn(common, 'dist/cjs'), ...scriptsIn(common, 'dist/esm')]);
}

/** Copies files of a package, and of its manifest what Node and a reader need. */
function copy(from, files) {
  const { name, version, license, repository, type, main, exports } = JSON.parse(
    readFileSync(join(from, 'package.json'), 'utf8'),
  );
  const to = join(modules, name);
  for (const file of ['README.md', ...files]) {
    mkdirSync(dirname(join(to, file)), { recursive: true });
    cpSync(join(from, file), join(to, file), { dereference: true });
  }
  writeFileSync(
    join(to, 'package.json'),
    `${JSON.stringify({ name, version, license, repository, type, main, exports }, null, 2)}\n`,
  );
}

function scriptsIn(from, folder) {
  const all = readdirSync(join(from, folder), { recursive: true }).map(String);
  return all.filter((name) => /\.(js|json)$/.test(name)).map((name) => `${folder}/${name}`);
}

/** On macOS the same library is there under two names; the binding opens `libonnxruntime.1.dylib`. */
function librariesIn(from, folder) {
  const names = readdirSync(join(from, folder)).filter((name) => !/^libonnxruntime\.\d+\.\d+\.\d+\.dylib$/.test(name));
  return names.map((name) => `${folder}/${name}`);
}
