// `lamina doctor --install`, with programs that stand in for npm, pip, Python and g++: what they make is a package that computes with plain JavaScript.
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { whenGone } from '../processes.ts';
import { lamina, laminaWith } from './in-process.ts';
import { type Ended, realProgram, startWith, workFolder } from './program.ts';

const place = '.gpu/tensorflow';

/** What stands in for TensorFlow's package: its backend is plain JavaScript's. */
const packageText = `const tf = require(${JSON.stringify(createRequire(import.meta.url).resolve('@tensorflow/tfjs'))});
if (!require('fs').existsSync(__dirname + '/lib/napi-v8/tfjs_binding.node')) throw new Error('no binding');
tf.registerBackend('tensorflow', () => new tf.MathBackendCPU());
for (const kernel of tf.getKernelsForBackend('cpu')) tf.registerKernel({ ...kernel, backendName: 'tensorflow' });
`;

/** Scripts by the program that they stand in for; each notes its call in `calls` beside it. */
const programs: Readonly<Record<string, string>> = {
  npm: `case "$1" in install) M="$3/node_modules/@tensorflow/tfjs-node"; mkdir -p "$M"; cp "$HERE/package.js" "$M/index.js"; echo '{"version":"4.22.0"}' > "$M/package.json";; esac`,
  python3: `case "$*" in *--version) ;; *download*) while [ "$1" != -d ]; do shift; done; echo wheel > "$2/tensorflow_cpu.whl";; *) ;; esac`,
  'g++': `case "$*" in *--version) ;; *) while [ "$1" != -o ]; do shift; done; echo binding > "$2";; esac`,
};

/** A folder with these programs; `broken` replaces some, and what is undefined is not there. */
function workshop(broken: Readonly<Record<string, string | undefined>> = {}) {
  const { path, remove } = workFolder();
  onTestFinished(remove);
  const bin = join(path, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'package.js'), packageText);
  const put = (all: Readonly<Record<string, string | undefined>>) => {
    for (const [name, text] of Object.entries(all)) {
      if (text === undefined) continue;
      const head = `#!/bin/sh\nHERE=${bin}\necho "${name} $*" | head -n 1 >> "$HERE/calls"\n`;
      writeFileSync(join(bin, name), head + text);
      chmodSync(join(bin, name), 0o755);
    }
  };
  put({ ...programs, ...broken });
  const calls = () => {
    const text = existsSync(join(bin, 'calls')) ? readFileSync(join(bin, 'calls'), 'utf8') : '';
    return text.split('\n').filter((line) => line !== '' && !line.endsWith('--version'));
  };
  return { path, bin, calls, put };
}

/** No other programs than those of the workshop and of the system. */
const programsOf = ({ bin }: { bin: string }) => ({ PATH: [bin, '/bin'].join(delimiter) });
const command = ['doctor', '--install', 'tensorflow', '--json'];

/** Starts it in a process of its own. */
const startInstall = (shop: { path: string; bin: string }) =>
  startWith(programsOf(shop), realProgram, shop.path, ...command);

const install = (shop: { path: string; bin: string }): Promise<Ended> =>
  laminaWith(programsOf(shop), shop.path, ...command);

const usable = ({ out }: Ended) => (JSON.parse(out) as { usable: boolean }).usable;

test('what is installed is whole, is tried, and is not installed twice', async () => {
  const shop = workshop();
  const first = await install(shop);
  expect(first.err).toMatch(/^installing TensorFlow 2\.21\.0 for the CPU into \.gpu\/tensorflow: 350 MB to fetch, /);
  expect(first.err.match(/^✓ /gm)?.length).toBe(4);
  expect([first.code, usable(first)]).toEqual([0, true]);
  expect(readdirSync(join(shop.path, '.gpu'))).toEqual(['tensorflow']); // nothing is left of the work
  expect(existsSync(join(shop.path, place, 'fetched'))).toBe(false);
  const calls = shop.calls();
  expect(calls.map((line) => line.split(' ')[0])).toEqual(['npm', 'python3', 'python3', 'g++']);
  expect(calls[0]).toContain('--ignore-scripts');
  const second = await install(shop);
  expect(second.err).toBe('TensorFlow 2.21.0 for the CPU is in .gpu/tensorflow\n\n');
  expect([second.code, shop.calls()]).toEqual([0, calls]);
});

test('a step that fails is named with what it wrote, leaves no half of it in its place, and is where the next one goes on', async () => {
  const shop = workshop({
    'g++': 'case "$*" in *--version) ;; *) echo "fatal error: no such header" >&2; exit 1;; esac',
  });
  const { code, err, out } = await install(shop);
  expect(err).toContain('✗ compiling the binding');
  expect(err).toMatch(
    /error {2}'g\+\+' ended with exit code 1, saying: fatal error: no such header; all that it wrote is in '/,
  );
  expect([code, out]).toEqual([1, '']);
  expect(readdirSync(join(shop.path, '.gpu'))).toEqual(['tensorflow.part']);
  shop.put(programs);
  const again = await install(shop);
  expect(again.err.match(/done before/g)?.length).toBe(3);
  expect([again.code, usable(again)]).toEqual([0, true]);
  expect(shop.calls().filter((line) => line.startsWith('npm'))).toHaveLength(1);
});

test('Ctrl-C ends what it has started, and the same command goes on; a second one at once is refused', async () => {
  const hangs = 'case "$*" in *--version) ;; *download*) echo $$ > "$HERE/pid"; while true; do sleep 1; done;; esac';
  const shop = workshop({ python3: hangs });
  const { child, ended } = startInstall(shop);
  const number = () => Number(existsSync(join(shop.bin, 'pid')) && readFileSync(join(shop.bin, 'pid'), 'utf8'));
  while (number() === 0) await sleep(5);
  const other = await install(shop);
  expect([other.code, other.out]).toEqual([1, '']);
  expect(other.err).toMatch(
    /TensorFlow 2\.21\.0 for the CPU is being installed by process \d+ on .*; wait for it, or remove '/,
  );
  child.kill('SIGINT');
  const { code, err } = await ended;
  expect(err.endsWith('stopped; the same command goes on from here\n')).toBe(true);
  expect(code).toBe(130);
  await whenGone(number());
  expect(readdirSync(join(shop.path, '.gpu'))).toEqual(['tensorflow.part']);
  shop.put(programs);
  expect(usable(await install(shop))).toBe(true);
});

test('a lock whose process is gone holds nobody up', async () => {
  const shop = workshop({ python3: 'case "$*" in *--version) ;; *download*) kill -9 $PPID;; esac' });
  expect((await startInstall(shop).ended).code).toBe(null);
  expect(existsSync(join(shop.path, `${place}.lock`))).toBe(true);
  shop.put(programs);
  expect(usable(await install(shop))).toBe(true);
});

test('all programs that are missing are named at once, before anything is fetched', async () => {
  const shop = workshop({ 'g++': 'exit 127', python3: 'exit 1' });
  const { code, err } = await install(shop);
  expect(err).toBe(
    "error  TensorFlow 2.21.0 for the CPU cannot be installed without pip for python3 ('python3 -m pip --version' fails; install Python 3 " +
      "with pip, on Debian with 'apt-get install python3-pip'), and g++ ('g++ --version' fails; install a C++ compiler, on Debian with " +
      "'apt-get install g++')\n",
  );
  expect([code, shop.calls()]).toEqual([1, []]);
  expect(readdirSync(join(shop.path, '.gpu'))).toEqual([]);
});

test.each([
  [['--gpu'], "error  --gpu goes with '--install tensorflow' alone\n"],
  [
    ['--install', 'tensorflow', '--backend', 'cpu'],
    'error  --install asks about what it installs; leave --backend and --provider out\n',
  ],
])('%j is a mistake', async (flags, sentence) => {
  const { path, remove } = workFolder();
  onTestFinished(remove);
  const { code, err, out } = await lamina(path, 'doctor', ...flags);
  expect([code, out, err]).toEqual([2, '', sentence]);
  expect(existsSync(join(path, dirname(place)))).toBe(false);
});
