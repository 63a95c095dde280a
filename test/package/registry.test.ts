// The packed package, installed by npm with nothing but the registry that npm is configured for, as people do.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Ended, start, workFolder } from '../cli/program.ts';
import { packedWhole } from './install.ts';
import { root } from './pages.ts';

const reason = whyNot();
if (reason !== undefined) console.warn(`the package is not installed from the registry: ${reason}`);

/** It takes a minute, so it is asked for. */
function whyNot(): string | undefined {
  if (process.env.LAMINA_FROM_REGISTRY === undefined) return 'LAMINA_FROM_REGISTRY is not set';
  const small = ['view', 'picocolors@1.1.1', 'version', '--prefer-online', '--fetch-retries=0']; // which lamina needs anyway
  return spawnSync('npm', small).status === 0 ? undefined : 'npm cannot reach one here';
}

describe('what npm is told', () => {
  it('has no settings that npm does not know, and no script of a dependency to run in a clone', () => {
    expect(readFileSync(join(root, '.npmrc'), 'utf8')).toBe('omit-lockfile-registry-resolved=true\n');
    const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { hasInstallScript?: boolean }>;
    };
    const withScripts = Object.entries(lock.packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(withScripts.map(([name]) => name)).toEqual([]);
  });
});

describe.skipIf(reason !== undefined)('the package from npm', () => {
  const home = workFolder();
  const prefix = join(home.path, 'prefix');
  const work = join(home.path, 'work');
  const program = join(prefix, 'lib/node_modules/lamina/dist/start/lamina.js');
  const lamina = (...args: string[]): Promise<Ended> => start(program, work, ...args).ended;
  const env = { ...plain(), npm_config_cache: join(home.path, 'cache') }; // nothing comes from, or stays in, the user's
  let archive = '';

  beforeAll(() => {
    mkdirSync(prefix);
    mkdirSync(work);
    archive = packedWhole(home.path);
    execFileSync('npm', ['install', '--global', '--prefix', prefix, archive], { cwd: work, env, stdio: 'pipe' });
  });
  afterAll(() => home.remove());

  it('is a program on the path, with its docs', () => {
    const { stdout } = spawnSync(join(prefix, 'bin/lamina'), ['--version'], { cwd: work, encoding: 'utf8' });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    for (const page of ['docs/spec.md', 'docs/methods/recursive.md', 'CHANGELOG.md']) {
      expect(existsSync(join(prefix, 'lib/node_modules/lamina', page)), page).toBe(true);
    }
  });

  it('checks, runs a cell of the quickstart, prints its number, and generates', async () => {
    expect(await lamina('check', 'lamina:quickstart')).toMatchObject({ code: 0, out: '✓ 1 spec, no mistakes\n' });
    const given = ['run', 'lamina:quickstart', '--only', 'data=dialogsum,method=original'];
    const { code, out, err } = await lamina(...given);
    expect(err).toContain('3 units: 0 cached, 3 to run');
    expect(code).toBe(0);
    expect(out).toContain('Original   1.40 (3.7)');
    const said = await lamina('generate', 'lamina:tiny', '--prompt', 'Hello', '--max-tokens', '4');
    expect(said.code).toBe(0);
    expect(said.out.length).toBeGreaterThan(1);
  });

  it('brings its engine along, which the doctor finds usable', async () => {
    const { out } = await lamina('doctor', '--backend', 'onnx', '--json');
    const { libraries } = JSON.parse(out) as { libraries: { name: string; folder: string | null }[] };
    const runtime = libraries.find(({ name }) => name === 'onnxruntime-node');
    expect(runtime?.folder).toContain('lamina/dist/node_modules/onnxruntime-node');
  });

  it('is run by npx', () => {
    const args = ['--yes', '--package', archive, '--prefer-offline', 'lamina', 'check', 'lamina:quickstart'];
    const { stdout, stderr } = spawnSync('npx', args, { cwd: work, encoding: 'utf8', env });
    expect(stdout, stderr).toBe('✓ 1 spec, no mistakes\n');
  });
});

/** The environment of somebody who has set nothing for ONNX Runtime, and of no npm that runs this test. */
function plain(): NodeJS.ProcessEnv {
  const skipped = /^(npm_(?!config_(registry|userconfig|cafile|proxy|https_proxy|noproxy)$)|onnxruntime_)/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !skipped.test(name)));
}
