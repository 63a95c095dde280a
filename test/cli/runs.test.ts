// How runs end is kept and told: `runs`, `show`, `diff` and `why` after runs that failed, were stopped, died, or go on.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadRun, reserveRun, saveRun } from '../../store/runs/runs.ts';
import type { JsonObject } from '../../util/json.ts';
import { made } from '../report/made.ts';
import { lamina, toy } from './in-process.ts';
import { type Ended, fixtures, start, toyProcess, toyProgram, workFolder } from './program.ts';

const spec = (name: string) => join(fixtures, `${name}.yaml`);
const unshare = 'unshare';
const quickstart = join(import.meta.dirname, '../../experiments/quickstart.yaml');
const namesIn = (folder: string, experiment: string) => readdirSync(join(folder, '.lamina/runs', experiment));

describe('a run that failed', () => {
  const folder = workFolder();
  const say = (...args: string[]) => toy(folder.path, ...args);
  let name = '';
  let log = '';
  beforeAll(async () => {
    const { err } = await toy(folder.path, 'run', spec('failing'));
    log = /its output is in '([^']*)'/.exec(err)?.[1] ?? '';
    [name = ''] = namesIn(folder.path, 'failing');
  });
  afterAll(() => folder.remove());

  test('is listed with how many stages failed', async () => {
    const { code, out, err } = await say('runs');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^failing@1-\S+Z {2}failed: 1 stage {2}default {2}1 of 2 cells {2}1 \? {2}\d+:\d\d {2}perplexity 1\.50 \(good\)\n$/,
    );
    expect(JSON.parse((await say('runs', 'failing', '--json')).out)).toEqual([
      {
        experiment: 'failing',
        run: name,
        status: 'failed',
        profile: 'default',
        overrides: [],
        labels: { name: null, tags: [], note: '' },
        started: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
        ended: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        duration_ms: expect.any(Number),
        finished: 3,
        units: 4,
        cells: 2,
        measured: 1,
        claims: { hold: 0, fail: 0, undecided: 1 },
        failures: [{ stage: 'number', cell: 'method=bad', units: [''], message: expect.stringContaining(log), log }],
        troubles: [],
        damaged: [],
        host: null,
        pid: null,
        number: { metric: 'perplexity', cell: 'good', value: 1.5 },
        differs: {},
      },
    ]);
  });

  test('is shown with that first, with the place of the log, and exit code 1', async () => {
    const { code, out, err } = await say('show', 'failing');
    expect(err).toBe(
      `! failing@${name} failed, 3 of 4 units made\n! stage 'number' (method=bad): it broke, which is a bug: it broke; its output is in '${log}'\n`,
    );
    expect(readFileSync(log, 'utf8')).toBeDefined();
    expect(out).toMatch(/Good {3}1\.50 {2}\(1\.4\)\nBad {7}– \(2171\)/);
    expect(code).toBe(1);
    const json = await say('show', 'failing@1', '--json');
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ run: name, status: 'failed', failures: [{ stage: 'number', log }] });
  });

  test('is told by why, of the stage and of the cell, with when and what', async () => {
    const sentence = `\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d in run ${name}: stage 'number' \\(method=bad\\): it broke, which is a bug: it broke`;
    const stage = await say('why', spec('failing'), 'number', 'bad');
    expect(stage.out).toMatch(new RegExp(`^failed: {3}${sentence}; its output is in '${log}'\nwill run: `));
    expect(stage.code).toBe(0);
    const cell = await say('why', spec('failing'), 'bad');
    expect(cell.out).toMatch(new RegExp(`\n {6}failed ${sentence}`));
    const json = JSON.parse((await say('why', spec('failing'), 'number', 'bad', '--json')).out);
    expect(json.explanations.map(({ last_failure }: { last_failure: unknown }) => last_failure)).toEqual([
      { run: name, ended: expect.any(String), message: expect.stringContaining('it broke'), log, same_key: true },
    ]);
    const steps = JSON.parse((await say('why', spec('failing'), 'bad', '--json')).out).cells[0].steps;
    expect(steps.map(({ last_failure }: { last_failure: object | null }) => last_failure !== null)).toEqual([
      true,
      false,
      false,
    ]);
  });

  test('is not told by why of a stage that has a result, and is told as another of one with other parameters', async () => {
    expect((await say('why', spec('failing'), 'good')).out).not.toContain('failed');
    const other = await say('why', spec('failing'), 'number', 'bad', '--set', 'number.wait_ms=1');
    expect(other.out).toMatch(/^failed: {3}\S+ \S+ in run \S+, with other parameters or inputs: stage 'number'/);
  });

  test('whose log was swept away says so', async () => {
    const path = join(folder.path, '.lamina/runs/failing', name, 'end.json');
    const text = readFileSync(path, 'utf8');
    const { sha256: _seal, ...end } = JSON.parse(text.replaceAll(log, `${log}.gone`));
    saveRun(join(folder.path, '.lamina'), 'failing', name, 'end', end);
    expect((await say('show', 'failing')).err).toContain(`its output is in '${log}.gone' (gone by now)\n`);
    writeFileSync(path, text);
  });
});

describe('a number that is missing or off', () => {
  const folder = workFolder();
  const say = (...args: string[]) => toy(folder.path, ...args);
  afterAll(() => folder.remove());

  test('makes a run one that failed, and is told again', async () => {
    const path = join(folder.path, 'lacking.yaml');
    const text = readFileSync(spec('toy'), 'utf8').replace('number.perplexity', 'number.perplexty');
    writeFileSync(path, text.replace('toy-pipeline.yaml', join(fixtures, 'toy-pipeline.yaml')));
    await toy(folder.path, 'run', path, '--only', 'method=good');
    expect((await say('runs')).out).toMatch(/^toy@1-\S+ {2}failed {2}default {2}0 of 1 cells /);
    const { code, err } = await say('show', 'toy');
    expect(err).toMatch(
      /^! toy@1-\S+ failed, 3 of 3 units made\n! the metrics of 'number\[method=good\]' have no number 'perplexty' \(did you mean 'perplexity'\?\)\n$/,
    );
    expect(code).toBe(1);
  });

  test('of the control is told again', async () => {
    await toy(folder.path, 'run', spec('control'));
    const { code, err } = await say('show', 'control');
    expect(err).toMatch(/^! control@1-\S+ failed, 3 of 3 units made\n! control: /);
    expect(code).toBe(1);
  });
});

describe('a run that was stopped', () => {
  const folder = workFolder();
  const say = (...args: string[]) => toy(folder.path, ...args);
  const slow = join(folder.path, 'slow.yaml');
  const whole = readFileSync(spec('toy'), 'utf8').replace('toy-pipeline.yaml', join(fixtures, 'toy-pipeline.yaml'));
  writeFileSync(slow, `${whole}with: { number: { wait_ms: 600000, deaf: true } }\n`);
  afterAll(() => folder.remove());

  /** Starts the toy, and sends `signals` one after the other as soon as a unit of `number` runs. */
  async function stopped(...signals: NodeJS.Signals[]): Promise<Ended> {
    const { child, ended } = start(toyProgram, folder.path, 'run', slow, '-j', '1');
    const words = ['number good: started', 'stopping: '];
    let seen = '';
    child.stderr?.on('data', (chunk: string) => {
      seen += chunk;
      while (signals.length > 0 && seen.includes(words[0] as string)) {
        words.shift();
        child.kill(signals.shift());
      }
    });
    return ended;
  }

  test('at once is listed, shown as such with exit code 1, and has no table', async () => {
    expect((await stopped('SIGINT', 'SIGINT')).code).toBe(130);
    expect((await say('runs')).out).toMatch(/^toy@1-\S+ {2}stopped {2}default {2}\d+:\d\d\n$/);
    const { code, out, err } = await say('show', 'toy@1');
    expect(err).toMatch(/^! toy@1-\S+ was stopped after \d+:\d\d; run it again to go on: what is finished is kept\n$/);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(JSON.parse((await say('show', 'toy@1', '--json')).out)).toMatchObject({
      experiment: 'toy',
      profile: 'default',
      cells: [],
      status: 'stopped',
    });
    expect((await say('show', 'toy')).err).toContain(
      "no run of 'toy' in '.lamina' has a result (see 'lamina runs toy')",
    );
  });

  test('after one that was done is said before that one is shown, and makes the exit code 1', async () => {
    await toy(folder.path, 'run', spec('toy'));
    expect((await say('show', 'toy')).code).toBe(0);
    expect((await stopped('SIGTERM', 'SIGTERM')).code).toBe(130);
    const { code, out, err } = await say('show', 'toy');
    expect(err).toMatch(/^! toy@3-\S+ was stopped after .*\n! this is toy@2-\S+Z\n$/);
    expect(out).toContain('Good   ★ 1.50  (1.4)');
    expect(code).toBe(1);
    const diff = await say('diff', 'toy');
    expect(diff.err).toMatch(
      /^error {2}toy@3-.*\nthis is toy@2-\S+\nexperiment 'toy' has only one run with profile 'default'/,
    );
    expect(diff.code).toBe(2);
    expect((await say('diff', 'toy@3', 'toy')).err).toMatch(
      /^error {2}toy@3-\S+ was stopped after .*\n'toy@3' has no numbers: name a run that was done \(see 'lamina runs'\)\n$/,
    );
  });

  test('gently says how far it came', async () => {
    const { child, ended } = start(
      toyProgram,
      folder.path,
      'run',
      spec('toy'),
      '--set',
      'number.wait_ms=600000',
      '-j',
      '1',
    );
    child.stderr?.on('data', (chunk: string) => {
      if (chunk.includes('number good: started')) child.kill('SIGINT');
    });
    expect((await ended).code).toBe(130);
    expect((await say('runs')).out).toMatch(/\ntoy@4-\S+ {2}stopped {2}default {2}2 of 4 units /);
    expect((await say('show', 'toy@4')).err).toMatch(/ was stopped after \d+:\d\d, 2 of 4 units made; run it again/);
  });
});

describe('a run that goes on or died', () => {
  const folder = workFolder();
  const say = (...args: string[]) => toy(folder.path, ...args);
  afterAll(() => folder.remove());

  test('is listed as that, and shown as that', async () => {
    const { child, ended } = start(toyProgram, folder.path, 'run', spec('toy'), '--set', 'wait_ms=600000', '-j', '1');
    await new Promise<void>((started) => {
      child.stderr?.on('data', (chunk: string) => {
        if (chunk.includes('started')) started();
      });
    });
    expect((await say('runs')).out).toMatch(/^toy@1-\S+ {2}running {2}default /);
    const running = await say('show', 'toy@1');
    expect(running.err).toMatch(new RegExp(`^! toy@1-\\S+ is running since \\S+ \\S+ \\(process ${child.pid}\\)\n$`));
    expect(running.code).toBe(0);
    child.kill('SIGKILL');
    await ended;
    expect((await say('runs')).out).toMatch(/^toy@1-\S+ {2}died {2}default /);
    const died = await say('show', 'toy@1');
    expect(died.err).toMatch(
      /^! toy@1-\S+ died: its process is gone and left no end; run it again to go on: what is finished is kept\n$/,
    );
    expect(died.code).toBe(1);
    expect(JSON.parse((await say('runs', '--json')).out)).toMatchObject([
      { status: 'died', ended: null, pid: child.pid },
    ]);
    const [name = ''] = namesIn(folder.path, 'toy');
    const store = join(folder.path, '.lamina');
    const begun = loadRun(store, 'toy', name, 'start') as JsonObject & { process: JsonObject };
    saveRun(store, 'toy', name, 'start', { ...begun, process: { ...begun.process, host: 'elsewhere' } });
    expect((await say('runs')).out).toMatch(/^toy@1-\S+ {2}on elsewhere {2}default /);
    const unseen = await say('show', 'toy@1');
    expect(unseen.err).toMatch(
      /^! toy@1-\S+ has not ended: it began \S+ \S+ on elsewhere, which cannot be seen from here\n$/,
    );
    expect(unseen.code).toBe(0);
  });
});

test('a run that is refused before anything begins is no run', async () => {
  const folder = workFolder();
  const { code, err } = await lamina(folder.path, 'run', quickstart, '--set', 'model=nowhere');
  expect(err).toContain("/nowhere' does not exist");
  expect(code).toBe(2);
  const { err: none } = await toy(folder.path, 'runs');
  expect(none).toBe("no runs in '.lamina' yet: start one with lamina run SPEC\n");
  folder.remove();
});

describe('where runs cannot be written', () => {
  test.skipIf(!canMount())('a run that can be read is told all the same, and that it is not kept', async () => {
    const folder = workFolder();
    const first = await toy(folder.path, 'run', spec('toy'));
    const script = 'mount -t tmpfs -o ro none "$1" && exec "$2" "$3" run "$4"';
    const [runs, program] = [join(folder.path, '.lamina/runs'), toyProgram];
    const args = ['-rm', 'sh', '-c', script, 'sh', runs, process.execPath, program, spec('toy')];
    const ended = spawnSync(unshare, args, { cwd: folder.path, encoding: 'utf8' });
    expect(ended.stdout).toBe(first.out);
    expect(ended.stderr).toContain(
      "\n! this run is not kept: cannot write a run of 'toy' into the store '.lamina': the file system is read-only; ",
    );
    expect(ended.status).toBe(0);
    expect(namesIn(folder.path, 'toy').length).toBe(1);
    folder.remove();
  });
});

/** Whether this machine lets an ordinary user mount; said when it does not. */
function canMount(): boolean {
  const { status } = spawnSync(unshare, ['-rm', 'sh', '-c', 'mount -t tmpfs -o ro none /mnt']);
  if (status !== 0) console.warn('skipped: runs on a read-only file system, because unshare cannot mount here');
  return status === 0;
}

test('of many runs that are started together every one is kept', async () => {
  const folder = workFolder();
  const ended = await Promise.all(Array.from({ length: 16 }, () => toyProcess(folder.path, 'run', spec('toy'))));
  expect(ended.map(({ code, err }) => (code === 0 ? 0 : err))).toEqual(Array(16).fill(0));
  const { out } = await toy(folder.path, 'runs', '--json');
  const runs = JSON.parse(out) as { run: string; status: string; measured: number }[];
  expect(runs.map(({ run, status, measured }) => [Number(run.split('-')[0]), status, measured])).toEqual(
    Array.from({ length: 16 }, (_, i) => [i + 1, 'done', 2]),
  );
  expect(namesIn(folder.path, 'toy').length).toBe(16);
  expect((await toy(folder.path, 'show', 'results/toy/default')).out).toContain('Good   ★ 1.50  (1.4)');
  folder.remove();
});

describe('a clock that was put back', () => {
  const folder = workFolder();
  const store = join(folder.path, '.lamina');
  mkdirSync(store);
  afterAll(() => folder.remove());
  const keep = (start: string, value: number) => {
    const run = reserveRun(store, made.experiment, new Date(start));
    const cells = made.cells.map((cell) => ({ ...cell, value }));
    saveRun(store, made.experiment, run, 'result', JSON.parse(JSON.stringify({ ...made, run, cells })));
    return run;
  };

  test('makes neither show take the older run for the last, nor diff turn round', async () => {
    const first = keep('2026-11-22T12:00:00Z', 2);
    const second = keep('2026-11-22T11:00:00Z', 3);
    const shown = JSON.parse((await toy(folder.path, 'show', made.experiment, '--json')).out);
    expect(shown.run).toBe(second);
    const diff = JSON.parse((await toy(folder.path, 'diff', made.experiment, '--json')).out);
    expect([diff.before.run, diff.after.run]).toEqual([first, second]);
    expect((await toy(folder.path, 'runs')).out.split('\n').map((line) => line.split(' ')[0])).toEqual([
      `${made.experiment}@${first}`,
      `${made.experiment}@${second}`,
      '',
    ]);
  });

  test('leaves runs of before they were numbered before all others', async () => {
    const old = '2099-01-01T00-00-00Z';
    saveRun(store, made.experiment, old, 'result', JSON.parse(JSON.stringify({ ...made, run: old })));
    const { out } = await toy(folder.path, 'runs', '--json');
    expect(
      (JSON.parse(out) as { run: string; status: string }[]).map(({ run, status }) => [run.split('-')[0], status]),
    ).toEqual([
      ['2099', 'done'],
      ['1', 'died'],
      ['2', 'died'],
    ]);
    const shown = await toy(folder.path, 'show', `${made.experiment}@2099`, '--json');
    expect(JSON.parse(shown.out).run).toBe(old);
  });
});

describe('runs of before beginnings and ends were kept', () => {
  const folder = workFolder();
  const run = (name: string) => join(folder.path, '.lamina/runs/table-2', name);
  afterAll(() => folder.remove());

  test('are listed and shown by what they left', async () => {
    const failure = {
      node: 'n',
      stage: 'warm',
      cell: 'a=b',
      unit: '',
      units: ['1', '2'],
      reason: 'bug',
      message: 'it broke',
      log: null,
    };
    const left: [string, object][] = [
      ['2026-01-01T00-00-00Z', { outcome: { status: 'done', failures: [] }, result: made }],
      ['2026-01-02T00-00-00Z', { outcome: { status: 'cancelled', failures: [] } }],
      ['2026-01-03T00-00-00Z', { outcome: { status: 'failed', failures: [failure] }, result: made }],
      ['2026-01-04T00-00-00Z', { result: made }],
      ['2026-01-05T00-00-00Z', {}],
    ];
    for (const [name, files] of left) {
      mkdirSync(run(name), { recursive: true });
      for (const [file, value] of Object.entries(files))
        writeFileSync(join(run(name), `${file}.json`), JSON.stringify(value));
    }
    const { out } = await toy(folder.path, 'runs', '--json');
    const listed = JSON.parse(out) as { status: string; cells: number; failures: { message: string }[] }[];
    expect(listed.map(({ status, cells, failures }) => [status, cells, failures.length])).toEqual([
      ['done', made.cells.length, 0],
      ['stopped', 0, 0],
      ['failed', made.cells.length, 1],
      ['done', made.cells.length, 0],
      ['damaged', 0, 0],
    ]);
    expect((await toy(folder.path, 'show', 'table-2@2026-01-01')).code).toBe(0);
    const failed = await toy(folder.path, 'show', 'table-2@2026-01-03');
    expect([failed.code, failed.err]).toEqual([1, '! table-2@2026-01-03T00-00-00Z failed\n! it broke\n']);
    const stopped = await toy(folder.path, 'show', 'table-2@2026-01-02');
    expect([stopped.code, stopped.out]).toEqual([1, '']);
    const latest = await toy(folder.path, 'show', 'table-2');
    expect(latest.err).toBe(
      '! table-2@2026-01-05T00-00-00Z does not say how it ended\n! this is table-2@2026-01-04T00-00-00Z\n',
    );
  });
});
