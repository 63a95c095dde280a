// The command line when its store is read-only, goes away, or has lost what is asked for.
import { type ChildProcess, execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { smallBytes } from '../../store/trust.ts';
import { rot } from '../runner/harness.ts';
import { canMount, inNamespace } from '../runner/mounts.ts';
import { toy } from './in-process.ts';
import { fixtures, start, toyProgram, workFolder } from './program.ts';

const spec = join(fixtures, 'toy.yaml');

let folder: ReturnType<typeof workFolder>;
beforeEach(() => {
  folder = workFolder();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL'); // one that a failed test left
  folder.remove();
});

const children: ChildProcess[] = [];

/** Starts the toy program, which does not outlive its test. */
function startToy(cwd: string, ...args: string[]): ReturnType<typeof start> {
  const started = start(toyProgram, cwd, ...args);
  children.push(started.child);
  return started;
}

/** The artifacts of the store, as paths. */
const blobs = (store = '.lamina') => {
  const entries = readdirSync(join(folder.path, store, 'cas'), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
};

/** The artifact with this content. */
const blobOf = (content: string): string => {
  const found = blobs().find((path) => readFileSync(path, 'utf8').includes(content));
  if (found === undefined) throw new Error(`no artifact holds '${content}'`);
  return found;
};

describe('a run on a store that cannot be written to', () => {
  /** Runs toy.yaml with a store that is read-only, or full; prints what it said and its exit code. */
  const run = (mount: string, ...args: string[]) => {
    const script = `${mount} && cd "$1" && shift && { "$@" 2>&1; echo "exit $?"; }`;
    const words = [folder.path, process.execPath, toyProgram, 'run', spec, ...args];
    return inNamespace(script, words, { ...process.env, NO_COLOR: '1' });
  };
  const readOnly = 'mount --bind "$1/.lamina" "$1/.lamina" && mount -o remount,bind,ro "$1/.lamina"';
  const full =
    'cp -r "$1/.lamina" "$1/kept" && mount -t tmpfs -o size=256k none "$1/.lamina" && cp -r "$1/kept/." "$1/.lamina" && { cat /dev/zero > "$1/.lamina/runs/ballast" 2> /dev/null; true; }';

  test.skipIf(!canMount()).each([
    ['read-only', readOnly, 'the file system is read-only; choose another folder with --store'],
    ['full', full, 'the disk is full; free space there, or choose another folder with --store'],
  ])(
    'that is %s prints the table where everything is there, and says that the run is not kept',
    async (_, mount, why) => {
      const first = await toy(folder.path, 'run', spec);
      expect(first.code).toBe(0);
      const said = run(mount);
      expect(said).toContain(first.out);
      expect(said).toContain(
        `! this run is not kept: cannot write anything into the store '${folder.path}/.lamina': ${why}\n`,
      );
      expect(said).toMatch(/4 units: 4 cached, 0 to run/);
      expect(said.trimEnd().split('\n').at(-1)).toBe('exit 0');
    },
  );

  test.skipIf(!canMount())('is refused before anything runs where something has to', async () => {
    await toy(folder.path, 'run', spec);
    expect(run(readOnly, '--set', 'value=3')).toBe(
      `error  cannot write anything into the store '${folder.path}/.lamina': the file system is read-only; choose another folder with --store\nexit 2\n`,
    );
  });
});

describe('a store that goes away while a run is at work', () => {
  test('is told in one sentence that names it, and is not made again', async () => {
    const go = join(folder.path, 'go');
    const { child, ended } = startToy(folder.path, 'run', spec, '--set', `pieces.until=${go}`, '-j', '1');
    child.stderr?.on('data', (chunk: string) => {
      if (!chunk.includes('started')) return;
      rmSync(join(folder.path, '.lamina'), { recursive: true, force: true });
      writeFileSync(go, '');
    });
    const { code, err } = await ended;
    expect(err).not.toContain('bug');
    expect(err).toMatch(
      /✗ stage 'pieces' \(unit 'part 1'\): cannot write .* into the store '.*\.lamina': its folder is gone/,
    );
    expect(err.match(/its folder is gone/g)).toHaveLength(1);
    expect(code).toBe(1);
    expect(existsSync(join(folder.path, '.lamina'))).toBe(false);
    expect((await toy(folder.path, 'run', spec)).code).toBe(0);
  });
});

describe('the folder in which lamina was started', () => {
  test.each([
    ['with the store in it', '.lamina', 'its folder is gone'],
    ['with the store elsewhere', '../elsewhere', 'the folder in which lamina was started is gone'],
  ])('that goes away while a run is at work, %s, ends it with a sentence', async (_, store, sentence) => {
    const [cwd, go] = [join(folder.path, 'project'), join(folder.path, 'go')];
    mkdirSync(cwd);
    const { child, ended } = startToy(cwd, 'run', waitingFor(go), '-j', '1', '--store', store);
    child.stderr?.on('data', (chunk: string) => {
      if (existsSync(go) || !chunk.includes('started')) return;
      rmSync(cwd, { recursive: true, force: true });
      writeFileSync(go, '');
    });
    const { code, err } = await ended;
    expect(err).toContain(sentence);
    expect(err).not.toContain('bug');
    expect(code).toBe(1);
    expect(existsSync(cwd)).toBe(false);
  });

  /** The toy spec as it is, but that its first stage waits for a file. */
  function waitingFor(file: string): string {
    const read = (name: string) => readFileSync(join(fixtures, name), 'utf8');
    const [pipeline, path] = [join(folder.path, 'waiting-pipeline.yaml'), join(folder.path, 'waiting.yaml')];
    writeFileSync(
      pipeline,
      read('toy-pipeline.yaml').replace('count: 2,', `count: 2, until: ${JSON.stringify(file)},`),
    );
    writeFileSync(path, read('toy.yaml').replace('toy-pipeline.yaml', pipeline));
    return path;
  }
});

describe('SIGTERM', () => {
  test('ends lamina although a program that a stage started holds its output open', async () => {
    const pid = join(folder.path, 'pid');
    const params = ['--set', 'pieces.wait_ms=600000', '--set', `pieces.child=echo $$ > ${pid}; exec sleep 600`];
    const { child, ended } = startToy(folder.path, 'run', spec, '-j', '1', ...params);
    while (!existsSync(pid) || !readFileSync(pid, 'utf8').endsWith('\n')) await sleep(20);
    child.kill('SIGTERM');
    const { code, err } = await ended;
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGKILL'); // it lives still: lamina did not wait for its end
    expect(err).toContain('stopped after');
    expect(code).toBe(130);
  });
});

describe('what is not whole in the store', () => {
  test('is not copied: the command that makes it again is named, and works', async () => {
    await toy(folder.path, 'run', spec);
    const path = blobOf('"perplexity":1.5');
    execFileSync('chmod', ['+w', path]);
    writeFileSync(path, readFileSync(path, 'utf8').replace('1.5', '1.9'));
    const copy = () => toy(folder.path, 'copy', spec, 'number', '--only', 'method=good', '--to', 'copied');
    const plan = await toy(folder.path, 'plan', spec);
    expect(plan.err).toMatch(/^stage 'number' \(method=good\): artifact 'metrics' \(\w{12}\) was changed on disk/);
    expect(plan.out).toContain('4 units: 3 cached, 1 to run');
    expect((await copy()).err).toMatch(/has no result in the store yet: run it first with 'lamina run /);
    const again = await toy(folder.path, 'run', spec);
    expect(again.err).toMatch(/! stage 'number' \(method=good\): artifact 'metrics' .* so it is made again\n/);
    expect(again.out).toContain('Good   ★ 1.50');
    expect((await copy()).code).toBe(0);
  });

  test('but nobody needs is no reason to run, and is told who asks for it by name', async () => {
    await toy(folder.path, 'run', spec);
    rmSync(blobs().find((path) => readFileSync(path, 'utf8') === '1') ?? '', { force: true });
    expect((await toy(folder.path, 'plan', spec)).out).toContain('4 units: 4 cached, 0 to run');
    expect((await toy(folder.path, 'run', spec)).err).toMatch(/4 units: 4 cached, 0 to run/);
    const copied = await toy(folder.path, 'copy', spec, 'pieces', '--to', 'copied');
    expect(copied.code).toBe(2);
    expect(copied.err).toBe(
      `error  artifact 'part' of 'pieces' is gone in the store: make it again with 'lamina run ${spec} --force pieces'\n`,
    );
    expect((await toy(folder.path, 'run', spec, '--force', 'pieces')).code).toBe(0);
    expect((await toy(folder.path, 'copy', spec, 'pieces', '--to', 'copied')).code).toBe(0);
  });

  test('and too large to be looked at is found on the copy, of which nothing stays', async () => {
    const large = ['--set', `pieces.size=${smallBytes + 1}`];
    await toy(folder.path, 'run', spec, ...large);
    const [path = ''] = blobs().filter((each) => statSync(each).size > smallBytes);
    rot(path);
    expect((await toy(folder.path, 'plan', spec, ...large)).out).toContain('4 units: 4 cached, 0 to run');
    const { code, err } = await toy(folder.path, 'copy', spec, 'pieces', ...large, '--to', 'copied');
    expect([code, err]).toEqual([
      2,
      expect.stringMatching(/^error {2}artifact 'part' of 'pieces' was changed on disk in/),
    ]);
    const copied = readdirSync(join(folder.path, 'copied'), { recursive: true, withFileTypes: true });
    const whole = copied.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    expect(whole.filter((each) => /^[12] *$/.exec(readFileSync(each, 'utf8')) === null)).toEqual([]);
  });

  test('is told by why', async () => {
    await toy(folder.path, 'run', spec);
    rmSync(blobOf('"perplexity":1.5'), { force: true });
    const why = await toy(folder.path, 'why', spec, 'number', 'good');
    expect(why.out).toMatch(/^will run: its record is there, but its artifact 'metrics' \(\w{12}\) is gone\n$/);
    expect((await toy(folder.path, 'why', spec, 'good')).out).toContain('not made yet: 1 of 3 steps have yet to run');
  });

  test('of the file that names the store is mended, with a word', async () => {
    await toy(folder.path, 'run', spec);
    writeFileSync(join(folder.path, '.lamina', 'store.json'), '');
    const said =
      /^! '.*store\.json' is damaged; '.*' is a store by all else that it holds, so the next run writes it anew\n/;
    for (const words of [
      ['plan', spec],
      ['why', spec, 'good'],
    ]) {
      const { code, err } = await toy(folder.path, ...words);
      expect([code, err]).toEqual([0, expect.stringMatching(said)]);
    }
    const { code, err } = await toy(folder.path, 'run', spec);
    expect([code, err]).toEqual([
      0,
      expect.stringMatching(/^! '.*store\.json' is damaged; .* so it was written anew\n/),
    ]);
    expect((await toy(folder.path, 'plan', spec)).err).toBe('');
  });
});
