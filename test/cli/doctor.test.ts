// `lamina doctor` on a machine with nothing but npm, and with libraries that are broken in every way: each is tried in a real process.
import { existsSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Probe } from '../../model/probe/findings.ts';
import { librariesHere } from '../../tensor/backend/libraries.ts';
import { installed } from '../package/install.ts';
import { isAlive, whenGone } from '../processes.ts';
import { unusable } from '../tensor/usable.ts';
import { lamina } from './in-process.ts';
import { laminaProcess, realProgram, start, workFolder } from './program.ts';

const folder = workFolder();
afterAll(() => folder.remove());

interface Report {
  lamina: string;
  node: string;
  usable: boolean;
  machine: Record<string, unknown>;
  libraries: { name: string; version: string | null; folder: string | null }[];
  store: { path: string; exists: boolean; problem: string | null; free_bytes: number };
  hub: { path: string; problem: string | null; endpoint: string | null; offline: boolean };
  backends: Probe[];
}

const everything = laminaProcess(folder.path, 'doctor');
const everythingAsJson = laminaProcess(folder.path, 'doctor', '--json');

/** A folder in which the package of TensorFlow is this module. */
function withTensorFlow(module: string): string {
  const { path, remove } = workFolder();
  onTestFinished(remove);
  writePackage(join(path, '.gpu/node_modules/@tensorflow/tfjs-node'), module);
  return path;
}

function writePackage(at: string, module: string): void {
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, 'package.json'), JSON.stringify({ name: 'broken', version: '9.9.9', main: 'index.js' }));
  writeFileSync(join(at, 'index.js'), module);
}

async function reportOf(cwd: string, ...args: string[]): Promise<{ code: number | null; report: Report }> {
  const { code, out } = await lamina(cwd, 'doctor', '--json', ...args);
  return { code, report: JSON.parse(out) as Report };
}

/** What is said of TensorFlow where its package is `module`. */
async function tensorFlowOf(module: string, ...args: string[]): Promise<Probe> {
  const { code, report } = await reportOf(withTensorFlow(module), '--backend', 'tensorflow', ...args);
  expect(report.backends.length).toBe(1);
  expect(code).toBe(report.usable ? 0 : 1);
  return report.backends[0] as Probe;
}

describe('what a machine has', () => {
  test('the default computes rightly, every backend is named, and all fits 80 columns', async () => {
    const { code, out, err } = await everything;
    expect(err).toBe('');
    expect(out).toMatch(/^lamina \d+\.\d+\.\d+, Node \d+\.\d+\.\d+, \w+ \w+\n {2}cores +\d/);
    expect(out).toMatch(/^ {2}onnxruntime-node +1\.30\.0 in\s/m);
    expect(out).toMatch(/^✓ store +\.lamina is not there yet and can be made, [\d.]+ [GT]B free$/m);
    const right = String.raw`a product right \(off by [^)]*\), a training\s+right \(off by`;
    expect(out).toMatch(new RegExp(String.raw`^✓ onnx on cpu +ONNX Runtime 1\.30\.0: ${right}`, 'm'));
    for (const name of ['onnx on webgpu', 'onnx on cuda', 'tensorflow'])
      expect(out).toMatch(new RegExp(`^[✓✗] ${name} +`, 'm'));
    expect(out).toMatch(/^✓ cpu +TensorFlow\.js 4\.22\.0: a product right/m);
    expect(out.endsWith('\nonnx on cpu, the default, is usable here\n')).toBe(true);
    const long = out.split('\n').filter((line) => line.length > 80 && line.trim().includes(' '));
    expect(long.filter((line) => !line.includes('node_modules'))).toEqual([]); // a path is not broken in two
    expect(code).toBe(0);
  });

  test('nothing is made: no store, no folder of the hub', async () => {
    await everything;
    expect(existsSync(join(folder.path, '.lamina'))).toBe(false);
  });

  test('programs get the same as JSON', async () => {
    const { code, out } = await everythingAsJson;
    const report = JSON.parse(out) as Report;
    expect(code).toBe(0);
    expect(Object.keys(report)).toEqual([
      'usable',
      'lamina',
      'node',
      'machine',
      'libraries',
      'store',
      'hub',
      'remote',
      'backends',
    ]);
    expect(report.usable).toBe(true);
    expect(report.node).toBe(process.versions.node);
    for (const name of ['cores', 'machine_cores', 'memory_bytes', 'machine_memory_bytes', 'free_memory_bytes']) {
      expect(report.machine[name]).toBeGreaterThan(0);
    }
    const names = ['@tensorflow/tfjs', 'onnxruntime-node', '@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'];
    expect(report.libraries.map(({ name }) => name)).toEqual(names);
    const [tfjs] = librariesHere();
    expect(report.libraries[0]).toMatchObject({ version: '4.22.0', folder: tfjs?.folder });
    const asked = report.backends.map(({ backend, provider }) => [backend, provider]);
    expect(asked).toEqual([
      ['onnx', 'cpu'],
      ['onnx', 'webgpu'],
      ['onnx', 'cuda'],
      ['tensorflow', null],
      ['cpu', null],
    ]);
  });

  test('what works has its numbers beside those of plain JavaScript, what does not has a reason', async () => {
    const { backends } = JSON.parse((await everythingAsJson).out) as Report;
    for (const { verdict, reason, findings } of backends) {
      expect(verdict).not.toBe('wrong');
      expect(reason === null).toBe(verdict === 'usable');
      expect(findings === null).toBe(verdict !== 'usable');
      if (findings === null) continue;
      for (const checked of [findings.product, findings.training ?? findings.product]) {
        expect(checked.difference).toBeGreaterThan(0); // other sums in another order: 0 would mean that nothing was compared
        expect(checked.difference).toBeLessThanOrEqual(checked.tolerance);
        expect(checked.right).toBe(true);
      }
    }
    const onnx = backends.find(({ provider }) => provider === 'cpu')?.findings;
    expect(onnx).toMatchObject({ computed_by: 'ONNX Runtime 1.30.0', crossing: 'none' });
    expect(onnx?.training).not.toBe(null);
    expect(backends.at(-1)?.findings).toMatchObject({ training: null, crossing: 'none' });
  });

  test.each(['webgpu', 'cuda'] as const)(
    'asked about %s alone, it says what the engine says, and exits by it',
    async (provider) => {
      const why = unusable({ backend: 'onnx', provider });
      const { code, report } = await reportOf(folder.path, '--provider', provider);
      expect(report.backends).toMatchObject([{ backend: 'onnx', provider, reason: why ?? null }]);
      expect(code).toBe(why === undefined ? 0 : 1);
      if (why !== undefined) return console.warn(`not usable here, so what crosses was not looked at: ${why}`);
      const { crossing } = report.backends[0]?.findings ?? {};
      if (typeof crossing !== 'object') throw new Error(`expected what crosses, got ${crossing}`);
      expect(crossing.operators).toBeGreaterThan(100);
      expect(crossing.fed_bytes).toBeGreaterThan(0);
      expect(crossing.fetched_bytes).toBeGreaterThan(0);
    },
  );

  test('a flag that does not go with another is a mistake', async () => {
    const { code, out, err } = await lamina(folder.path, 'doctor', '--backend', 'cpu', '--provider', 'cuda');
    expect(err).toBe("error  --provider is of the backend 'onnx', got --backend cpu; leave one of the two out\n");
    expect([code, out]).toEqual([2, '']);
  });

  test('folders that cannot be used are named, and take nothing else away', async () => {
    const { path, remove } = workFolder();
    onTestFinished(remove);
    writeFileSync(join(path, 'file'), '');
    const { code, out } = await lamina(path, 'doctor', '--backend', 'cpu', '--store', 'file');
    const file = join(realpathSync(path), 'file');
    expect(out.replace(/\n +/g, ' ')).toContain(
      `✗ store           the store '${file}' cannot be there: expected a folder, but '${file}' is a file; choose another --store\n`,
    );
    expect(code).toBe(0);
  });
});

describe('TensorFlow', () => {
  test('where it is not installed, its packages are named', async () => {
    if (librariesHere().some(({ name, folder }) => name.startsWith('@tensorflow/tfjs-node') && folder !== null)) {
      return console.warn('skipped: TensorFlow is installed beside lamina');
    }
    const { code, out } = await lamina(folder.path, 'doctor', '--backend', 'tensorflow');
    expect(out.replace(/\n +/g, ' ')).toContain(
      "✗ tensorflow      backend 'tensorflow' needs '@tensorflow/tfjs-node-gpu' or '@tensorflow/tfjs-node', and neither is installed; ",
    );
    expect(out.endsWith('\ntensorflow is not usable here\n')).toBe(true);
    expect(code).toBe(1);
  });

  test('that throws is found, with its version, its reason and the way out', async () => {
    const path = withTensorFlow("throw new Error('libcudart.so.11.0: cannot open shared object file')");
    const { report } = await reportOf(path, '--backend', 'tensorflow');
    const found = report.libraries.find(({ name }) => name === '@tensorflow/tfjs-node');
    expect(found).toMatchObject({ version: '9.9.9' });
    expect(found?.folder).toContain('.gpu/node_modules/@tensorflow/tfjs-node');
    expect(report.backends[0]).toMatchObject({ verdict: 'unusable', findings: null });
    expect(report.backends[0]?.reason).toBe(
      "backend 'tensorflow': '@tensorflow/tfjs-node' is installed but does not load: libcudart.so.11.0: cannot open shared object " +
        "file; 'lamina doctor --install tensorflow' installs one that loads",
    );
  });

  const wayOut = "'lamina doctor --install tensorflow' installs one that loads";
  test.each([
    ['process.exit(3)', `its process ended with exit code 3, while it was loaded; ${wayOut}`],
    ['process.abort()', `its process crashed (SIGABRT), while it was loaded; ${wayOut}`],
    ["process.kill(process.pid, 'SIGKILL')", `its process was killed (SIGKILL), while it was loaded; ${wayOut}`],
    [
      "require('fs').writeSync(2, 'hello\\nfatal: no device\\nbye\\n'); process.exit(4)",
      `its process ended with exit code 4, saying: fatal: no device, while it was loaded; ${wayOut}`,
    ],
  ])('that ends its process says how: %s', async (module, reason) => {
    expect(await tensorFlowOf(module)).toMatchObject({ verdict: 'unusable', reason, findings: null });
  });

  test('that hangs is ended after the wait', async () => {
    const { verdict, reason } = await tensorFlowOf('while (true);', '--wait', '1');
    expect(verdict).toBe('unusable');
    // a busy machine may take all of the second before the package is reached
    expect(reason).toMatch(
      /^its process took longer than 1 s while (?:it|lamina's engine) was loaded, and was ended \(--wait gives it longer\); /,
    );
  });

  test('that ends its process takes no other backend away', async () => {
    const { code, report } = await reportOf(withTensorFlow('process.abort()'));
    const verdicts = report.backends.map(({ backend, provider, verdict }) => [backend, provider, verdict]);
    expect(verdicts).toContainEqual(['tensorflow', null, 'unusable']);
    expect(verdicts).toContainEqual(['onnx', 'cpu', 'usable']);
    expect(verdicts).toContainEqual(['cpu', null, 'usable']);
    expect(code).toBe(0);
  });

  test('that hangs ends with a doctor that is killed, or that is asked to stop', async () => {
    for (const [signal, expected] of [
      ['SIGKILL', null],
      ['SIGINT', 130],
    ] as const) {
      const path = withTensorFlow(hangs);
      const { child, ended } = start(realProgram, path, 'doctor', '--backend', 'tensorflow');
      const pid = await pidIn(path);
      child.kill(signal);
      expect((await ended).code).toBe(expected);
      await whenGone(pid);
      expect(isAlive(pid)).toBe(false);
    }
  });
});

describe('numbers', () => {
  test('that are right are called so, of a library that does not say where it computes', async () => {
    const { verdict, findings, reason } = await tensorFlowOf(plainBackend('result'));
    expect([verdict, reason]).toEqual(['usable', null]);
    expect(findings).toMatchObject({ product: { right: true }, training: { right: true }, crossing: 'unknown' });
  });

  test('of a product that are wrong are found', async () => {
    const wrong = plainBackend("name === 'BatchMatMul' ? values.map((x) => x * 1.001) : result");
    const { verdict, findings, reason } = await tensorFlowOf(wrong);
    expect([verdict, reason]).toEqual([
      'wrong',
      "it computes wrong numbers: a product and a training differ from plain JavaScript's",
    ]);
    expect(findings?.product).toMatchObject({ right: false, tolerance: 1e-4 });
    expect(findings?.product.difference).toBeCloseTo(1e-3, 6); // every product is a thousandth too large
  });

  test('of a training alone that are wrong, or none, are found', async () => {
    const rsqrt = (value: string) => plainBackend(`name === 'Rsqrt' ? values.map((x) => ${value}) : result`);
    const off = await tensorFlowOf(rsqrt('x * 1.01'));
    const none = await tensorFlowOf(rsqrt('NaN'));
    for (const { verdict, reason, findings } of [off, none]) {
      expect([verdict, findings?.product.right, findings?.training?.right]).toEqual(['wrong', true, false]);
      expect(reason).toBe("it computes wrong numbers: a training differs from plain JavaScript's");
    }
    expect(off.findings?.training?.difference).toBeGreaterThan(1e-4);
    expect(none.findings?.training?.difference).toBe(null);
  });
});

test('without ONNX Runtime nothing computes: the exit code is 1, and each backend says why', async () => {
  const home = installed();
  onTestFinished(() => home.remove());
  const at = join(home.path, 'node_modules/onnxruntime-node');
  rmSync(at); // the link
  writePackage(
    at,
    "exports.Tensor = exports.listSupportedBackends = null; throw new Error('GLIBCXX_3.4.99 not found')",
  );
  const { code, out } = await start(home.program, home.path, 'doctor').ended;
  expect(out).toMatch(/^ {2}onnxruntime-node +9\.9\.9 in node_modules\/onnxruntime-node$/m);
  const why = /GLIBCXX_3\.4\.99 not found, while lamina's engine was loaded; reinstall with 'npm ci'\n/g;
  expect(out.replace(/\n +/g, ' ').match(why)?.length).toBe(5);
  expect(out.endsWith('\nonnx on cpu, the default, is not usable here\n')).toBe(true);
  expect(code).toBe(1);
});

const hangs = "require('fs').writeFileSync('pid', String(process.pid)); while (true);";

/** The process that wrote down its number before it hung. */
async function pidIn(path: string): Promise<number> {
  const number = () => (existsSync(join(path, 'pid')) ? Number(readFileSync(join(path, 'pid'), 'utf8')) : 0);
  while (number() === 0) await sleep(5);
  return number();
}

/**
 * A module that brings a backend `tensorflow` with the kernels of plain JavaScript, of which `changed` (of `name`, `values`, `result`)
 * makes what they give.
 */
function plainBackend(changed: string): string {
  const tfjs = createRequire(import.meta.url).resolve('@tensorflow/tfjs');
  return `
    const tf = require(${JSON.stringify(tfjs)});
    tf.registerBackend('tensorflow', () => new tf.MathBackendCPU());
    for (const kernel of tf.getKernelsForBackend('cpu')) {
      const name = kernel.kernelName;
      const kernelFunc = (given) => {
        const result = kernel.kernelFunc(given);
        if (Array.isArray(result)) return result;
        const values = given.backend.data.get(result.dataId).values;
        const next = ${changed};
        return next === result ? result : given.backend.makeTensorInfo(result.shape, result.dtype, next);
      };
      tf.registerKernel({ ...kernel, backendName: 'tensorflow', kernelFunc });
    }`;
}
