// A store that is shared, as users meet it: two folders are two machines.
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { namesIn } from '../../util/names-in.ts';
import { startProxy } from '../store/remote/faulty-proxy.ts';
import { freePorts } from '../store/remote/free-port.ts';
import { startToy } from '../store/remote/toy-s3.ts';
import { laminaWith, toyWith } from './in-process.ts';
import { type Ended, fixtures, startWith, toyProgram, workFolder } from './program.ts';

const secret = 'a-secret-that-is-never-printed';
const keys = {
  AWS_ACCESS_KEY_ID: 'the-key-id-that-is-never-printed',
  AWS_SECRET_ACCESS_KEY: secret,
  AWS_SESSION_TOKEN: 'the-token-that-is-never-printed',
};

/** With fewer tries than usual, which take seconds where nobody answers. */
const environment = { ...keys, AWS_MAX_ATTEMPTS: '2' };

/** A project of its own, with its own store. */
function machine(): string {
  const work = workFolder();
  onTestFinished(() => work.remove());
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(work.path, name));
  return work.path;
}

function sharedFolder(): { folder: string; url: string } {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-shared-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, url: `file://${folder}` };
}

/** A server, and a network between. */
async function online() {
  const server = await startToy();
  const proxy = await startProxy(server.endpoint);
  onTestFinished(async () => {
    await proxy.stop();
    await server.stop();
  });
  return { server, proxy, url: `s3://results/lamina?endpoint=${encodeURIComponent(proxy.endpoint)}` };
}

const give = (folder: string, ...words: string[]): Promise<Ended> => toyWith(environment, folder, ...words);
const run = async (folder: string, ...words: string[]): Promise<Ended> => {
  const url = words.find((word) => word.includes('://')) ?? '';
  const last = lastRuns.get(url);
  if (last !== undefined && last.folder !== folder) while (thisSecond() === last.second) await sleep(5);
  const ended = await give(folder, 'run', 'toy.yaml', ...words);
  lastRuns.set(url, { folder, second: thisSecond() });
  return ended;
};

/**
 * By shared store: the machine that ran last, and in which second it ended. Runs of two machines that begin in one second have one name, and the
 * other one is not written to the shared store.
 */
const lastRuns = new Map<string, { folder: string; second: number }>();
const thisSecond = () => Math.floor(Date.now() / 1000);

/** What a run with --json did. */
function summaryOf(folder: string, { out }: Ended): { cached: number; ran: number } {
  const { run } = JSON.parse(out) as { run: string };
  return JSON.parse(readFileSync(join(folder, '.lamina/runs/toy', run, 'outcome.json'), 'utf8')).summary;
}

/** All files below a folder, from which others may take some away meanwhile. */
function filesBelow(folder: string): string[] {
  return namesIn(folder).flatMap((name) => {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    return stats?.isDirectory() ? filesBelow(path) : stats === undefined ? [] : [path];
  });
}

/** Files of a shared folder whose path below it begins so. */
function countOf(shared: string, beginning: string): number {
  return filesBelow(shared).filter((path) => path.startsWith(join(shared, beginning))).length;
}

/** Two cells, and two parts that both read. */
const units = 4;

test.each(['a folder', 'a bucket'])(
  'the second machine runs nothing, and fetches what it shows alone (%s)',
  async (what) => {
    const url = what === 'a folder' ? sharedFolder().url : (await online()).url;
    const [one, two] = [machine(), machine()];
    const first = await run(one, '--remote', url, '--json');
    expect(summaryOf(one, first)).toMatchObject({ cached: 0, ran: units });
    const planned = await give(two, 'plan', 'toy.yaml', '--remote', url, '--json');
    expect(JSON.parse(planned.out).summary).toEqual({ hit: units, run: 0, depends: 0 });
    expect(readdirSync(two)).not.toContain('.lamina');
    const second = await run(two, '--remote', url, '--json');
    expect(second).toMatchObject({ code: 0, err: '' });
    expect(summaryOf(two, second)).toMatchObject({ cached: units, ran: 0 });
    expect(JSON.parse(second.out).cells).toEqual(JSON.parse(first.out).cells);
    expect(filesBelow(join(two, '.lamina', 'cas'))).toHaveLength(2); // the numbers of the table, and no part
    expect(filesBelow(join(one, '.lamina', 'cas'))).toHaveLength(4);
    const later = await run(two, '--json');
    expect(summaryOf(two, later)).toMatchObject({ cached: units, ran: 0 }); // without the shared store too
  },
);

test('two machines at once do everything once', async () => {
  const { url, server } = await online();
  const both = [machine(), machine(), machine()];
  const slow = ['--set', 'wait_ms=300', '--remote', url, '--json', '-j', '2'];
  const ended = await Promise.all(
    both.map((folder) => startWith(keys, toyProgram, folder, 'run', 'toy.yaml', ...slow).ended),
  );
  const sums = ended.map((each, i) => summaryOf(both[i] as string, each));
  expect(sums.map(({ cached, ran }) => cached + ran)).toEqual([units, units, units]);
  expect(sums.reduce((sum, { ran }) => sum + ran, 0)).toBe(units);
  expect([...server.objects.keys()].filter((name) => /\/(leases|holders|probes)\//.test(name))).toEqual([]);
});

test('kill -9 at any moment leaves no half result there, and the next run goes on at once', async () => {
  const { url, folder: shared } = sharedFolder();
  for (let round = 0; round < 4; round++) {
    const folder = machine();
    const { child, ended } = startWith(
      {},
      toyProgram,
      folder,
      'run',
      'toy.yaml',
      '--remote',
      url,
      '--set',
      `wait_ms=${60 + round}`,
    );
    // at its first artifact, its first lease, its first record, its second one
    const traces = ['cas/', 'leases/', 'ac/', 'ac/'][round] as string;
    const before = countOf(shared, traces);
    const more = round === 3 ? 2 : 1;
    while (countOf(shared, traces) < before + more && child.exitCode === null) await sleep(5);
    child.kill('SIGKILL');
    await ended;
    const records = filesBelow(join(shared)).filter((path) => /\/ac\//.test(path) && !path.endsWith('.tmp'));
    for (const path of records) {
      const { outputs } = JSON.parse(readFileSync(path, 'utf8'));
      for (const { digest, size } of Object.values(outputs) as { digest: string; size: number }[]) {
        expect(readFileSync(join(shared, 'cas', digest.slice(0, 2), `${digest}-${size}`))).toHaveLength(size);
      }
    }
    const again = await run(folder, '--remote', url, '--set', `wait_ms=${60 + round}`, '--json');
    expect(again.code).toBe(0);
    expect(summaryOf(folder, again).cached + summaryOf(folder, again).ran).toBe(units);
  }
});

test('kill -9 between a result here and its upload: the next run sends it, and asks nothing of a unit once all is there', async () => {
  const { url, proxy, server } = await online();
  const folder = machine();
  const there = () => [...server.objects.keys()].filter((name) => name.includes('/ac/'));
  proxy.plan = ({ method, path }) => (method === 'PUT' && path.includes('/cas/') ? 'hang' : undefined);
  const { child, ended } = startWith(keys, toyProgram, folder, 'run', 'toy.yaml', '--remote', url);
  const results = () => filesBelow(join(folder, '.lamina/ac')).filter((path) => path.endsWith('.json'));
  while (results().length < units) await sleep(5);
  child.kill('SIGKILL');
  await ended;
  expect(there()).toEqual([]);
  expect(countOf(folder, '.lamina/unsent/')).toBe(units);
  proxy.plan = () => undefined;
  const elsewhere = await run(folder, '--remote', sharedFolder().url, '--json'); // another place has notes of its own
  expect(elsewhere).toMatchObject({ code: 0, err: '' });
  expect(countOf(folder, '.lamina/unsent/')).toBe(units);
  const second = await run(folder, '--remote', url, '--json');
  expect(second).toMatchObject({ code: 0, err: '' });
  expect(summaryOf(folder, second)).toMatchObject({ cached: units, ran: 0 });
  expect(there()).toHaveLength(units);
  expect(countOf(folder, '.lamina/unsent/')).toBe(0);
  const before = server.requests.length;
  await run(folder, '--remote', url, '--json');
  expect(server.requests.slice(before).filter((line) => /\/(?:ac|cas|leases)\//.test(line))).toEqual([]);
});

test('what a shared store that was away has not got, the next run sends', async () => {
  const { url, proxy, server } = await online();
  const folder = machine();
  proxy.plan = () => 503;
  // a process of its own, that has ended: while it lives, what it has not sent is its own to send
  await startWith(environment, toyProgram, folder, 'run', 'toy.yaml', '--remote', url).ended;
  proxy.plan = () => undefined;
  const again = await run(folder, '--remote', url, '--set', 'number.value=3', '--json'); // with work of its own
  expect(again).toMatchObject({ code: 0, err: '' });
  expect([...server.objects.keys()].filter((name) => name.includes('/ac/'))).toHaveLength(units + 1);
});

describe('a shared store that is not there', () => {
  const nowhere = async () =>
    `s3://results/lamina?endpoint=${encodeURIComponent(`http://127.0.0.1:${(await freePorts(1))[0]}`)}`;

  test('is told once, and the run goes on', async () => {
    const url = await nowhere();
    const folder = machine();
    const ended = await run(folder, '--remote', url, '--json');
    const { code, err } = ended;
    expect(code).toBe(0);
    expect(summaryOf(folder, ended)).toMatchObject({ ran: units });
    expect(err).toMatch(
      /^! cannot read 'lamina.json' in 's3:\/\/results\/lamina' at '127.0.0.1:\d+': it refuses the connection; going on with the local store alone\n! 4 units made here are not in 's3:\/\/results\/lamina': the next run with it writes them there, or 'lamina push'\n$/,
    );
  });

  test('stops the run where it is required', async () => {
    const { code, err, out } = await run(machine(), '--remote', await nowhere(), '--remote-required');
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toMatch(/^error {2}cannot read 'lamina.json' in .*: it refuses the connection\n$/);
  });

  test('and fails in the middle of a run where it is required: the run fails, with one sentence', async () => {
    const { url, proxy } = await online();
    proxy.plan = ({ method, path }) => (method === 'PUT' && path.includes('/leases/') ? 500 : undefined);
    const { code, err } = await run(machine(), '--remote', url, '--remote-required');
    expect(code).toBe(1);
    expect(err.match(/the server answers InternalError/g)).toHaveLength(1);
  });

  test('is left out with --no-remote', async () => {
    const env = { LAMINA_REMOTE: await nowhere() };
    const { code, err } = await toyWith(env, machine(), 'run', 'toy.yaml', '--no-remote', '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
  });

  test('a folder of other things is refused, whether it is required or not, and left as it is', async () => {
    const { folder, url } = sharedFolder();
    writeFileSync(join(folder, 'thesis.tex'), '');
    const [work, full] = [machine(), machine()];
    await run(full);
    for (const [at, ...words] of [
      [work, 'run', 'toy.yaml'],
      [work, 'plan', 'toy.yaml'],
      [work, 'show', 'toy'],
      [full, 'push', 'toy.yaml'],
    ] as const) {
      expect(await give(at, ...words, '--remote', url)).toMatchObject({
        code: 2,
        err: `error  '${url}' is neither empty nor a shared store (it holds 'thesis.tex'): name a place of its own with --remote, such as '${url}/lamina'\n`,
      });
    }
    expect(readdirSync(folder)).toEqual(['thesis.tex']);
  });

  test('a folder that is not there is not made: its disk may not be mounted', async () => {
    const { folder } = sharedFolder();
    const { code, err } = await run(machine(), '--remote', `file://${folder}/none`, '--json');
    expect(code).toBe(0);
    expect(err).toContain(
      `! cannot use 'file://${folder}/none': there is no such folder: is its disk mounted? If it is to be new, make it (mkdir -p); going on with the local store alone\n`,
    );
    expect(readdirSync(folder)).toEqual([]);
  });
});

test('wrong bytes in the shared store are named, the unit is run, and what is there is right again', async () => {
  const { url, folder: shared } = sharedFolder();
  await run(machine(), '--remote', url);
  for (const path of filesBelow(join(shared, 'cas'))) {
    const bytes = readFileSync(path);
    bytes[0] = (bytes[0] as number) ^ 1;
    rmSync(path);
    writeFileSync(path, bytes);
  }
  const { code, err, out } = await run(machine(), '--remote', url, '--json');
  expect(code).toBe(0);
  expect(JSON.parse(out).cells.map(({ value }: { value: number }) => value)).toEqual([1.5, 40]);
  expect(err).toMatch(
    /! 'cas\/.*' in 'file:.*' has other bytes than its name says: they are not used, and lie in '.*quarantine/,
  );
  const folder = machine();
  const third = await run(folder, '--remote', url, '--json');
  expect(third).toMatchObject({ code: 0, err: '' });
  expect(summaryOf(folder, third)).toMatchObject({ cached: units });
});

test('a shared store that goes away between a look and a read: the work is done here, with the same numbers', async () => {
  const { url, proxy } = await online();
  await run(machine(), '--remote', url);
  proxy.plan = ({ method, path }) => (method === 'GET' && path.includes('/cas/') ? 'cut' : undefined);
  const folder = machine();
  const ended = await run(folder, '--remote', url, '--set', 'number.value=3', '--json');
  expect(ended.code).toBe(0);
  expect(JSON.parse(ended.out).cells.map(({ value }: { value: number }) => value)).toEqual([3, 3]);
  expect(summaryOf(folder, ended)).toMatchObject({ cached: 0, ran: 3 }); // both parts and the number
  expect(ended.err.match(/going on with the local store alone/g)).toHaveLength(1);
});

test('read-only: results are taken, and nothing is written', async () => {
  const { url, server } = await online();
  const one = machine();
  await run(one, '--remote', url);
  const before = server.requests.length;
  const env = { ...keys, LAMINA_REMOTE: url, LAMINA_REMOTE_READ_ONLY: '1' };
  const two = machine();
  const ended = await toyWith(env, two, 'run', 'toy.yaml', '--set', 'number.value=3', '--json');
  expect(ended).toMatchObject({ code: 0, err: '' });
  expect(summaryOf(two, ended)).toMatchObject({ cached: 2 }); // the parts
  expect(server.requests.slice(before).filter((line) => !/^(GET|HEAD) /.test(line))).toEqual([]);
});

test('Ctrl-C while results are written leaves them for push', async () => {
  const { url, proxy, server } = await online();
  proxy.plan = ({ method, path }) => (method === 'PUT' && path.includes('/cas/') ? 'hang' : undefined);
  const folder = machine();
  const { child, ended } = startWith(keys, toyProgram, folder, 'run', 'toy.yaml', '--remote', url);
  let err = '';
  child.stderr?.on('data', (text: string) => {
    err += text;
  });
  while (!err.includes('writing 4 units')) await sleep(5);
  child.kill('SIGINT');
  const { code, out } = await ended;
  expect(code).toBe(0);
  expect(out).toContain('1.5');
  expect(err).toContain(
    `! 4 units made here are not in 's3://results/lamina': the next run with it writes them there, or 'lamina push'`,
  );
  proxy.plan = () => undefined;
  const pushed = await give(folder, 'push', 'toy.yaml', '--remote', url);
  expect(pushed.out).toMatch(/^4 of 4 units \(\d+ B\) are in 's3:\/\/results\/lamina'; 1 run with tables and logs\n$/);
  expect([...server.objects.keys()].filter((name) => name.includes('/ac/'))).toHaveLength(units);
});

describe('push and pull', () => {
  test('carry what a spec has made to another machine, which needs the shared store no more', async () => {
    const { url } = sharedFolder();
    const [one, two] = [machine(), machine()];
    await run(one);
    expect((await give(one, 'push', 'toy.yaml', '--remote', url)).out).toMatch(/^4 of 4 units \(\d+ B\) are in 'file:/);
    expect((await give(two, 'pull', 'toy.yaml', '--remote', url, '--records')).out).toMatch(
      /^4 of 4 units are here: 0 artifacts \(0 B\) fetched from 'file:.*'\n$/,
    );
    expect((await give(two, 'pull', 'toy.yaml', '--remote', url)).out).toMatch(
      /^4 of 4 units are here: 4 artifacts \(\d+ B\) fetched from 'file:.*'\n$/,
    );
    expect(summaryOf(two, await run(two, '--json'))).toMatchObject({ cached: units, ran: 0 });
    expect(filesBelow(join(two, '.lamina', 'cas'))).toHaveLength(4);
  });

  test('need a shared store', async () => {
    expect(await give(machine(), 'pull', 'toy.yaml')).toMatchObject({
      code: 2,
      err: `error  'lamina pull' needs a shared store: name one with --remote, or in LAMINA_REMOTE\n`,
    });
  });

  test('say what is not there', async () => {
    const { url, folder: shared } = sharedFolder();
    const one = machine();
    await run(one, '--remote', url);
    for (const path of filesBelow(join(shared, 'cas')).filter((each) => each.endsWith('-1'))) rmSync(path); // the parts
    const two = machine();
    const { code, out } = await give(two, 'pull', 'toy.yaml', '--remote', url);
    expect(code).toBe(1);
    expect(out).toMatch(/artifacts? not there: made again when needed\n$/);
  });
});

describe('who has the shared store alone', () => {
  const says = ['--set', 'number.says=all is well'];
  const bare = () => {
    const work = workFolder();
    onTestFinished(() => work.remove());
    return work.path;
  };
  /** A run name stands for itself in what is compared. */
  const nameless = (text: string) => text.replaceAll(/\d+-\d{4}-\d\d-\d\dT[\d-]+Z/g, 'RUN');

  test.each(['a folder', 'a bucket'])(
    'shows a table, compares two runs and reads a log, and writes nothing (%s)',
    async (what) => {
      const { url } = what === 'a folder' ? sharedFolder() : await online();
      const one = machine();
      await run(one, '--remote', url);
      await run(one, '--remote', url, '--name', 'longer', ...says);
      await run(one, '--remote', url, '--set', 'number.value=7', '--set', 'number.fail=true', ...says);
      await run(one, '--remote', url);
      const other = bare();
      const there = (...words: string[]) => give(other, ...words, '--remote', url);

      const table = await there('show', 'toy');
      expect(table.code).toBe(0);
      expect(table.out).toBe((await give(one, 'show', 'toy')).out);
      expect(table.err).toContain(`no run of 'toy' in '.lamina'; this is from '${url.replace(/\?.*/, '')}`);
      expect(JSON.parse((await there('show', 'toy@2', '--json')).out)).toEqual(
        JSON.parse((await give(one, 'show', 'toy@2', '--json')).out),
      );
      const [byName, byNumber] = [await there('show', 'toy@longer'), await there('show', 'toy@2')];
      expect(byName.out).toBe(byNumber.out);
      const failed = await there('show', 'toy@3');
      expect(failed).toMatchObject({ code: 1 });
      expect(failed.err).toContain('it broke');

      const withoutPlace = (text: string) =>
        text.replace(/^.*no run (?:of )?'.*' in '.lamina'; this is from '.*\n/gm, '');
      for (const words of [['toy@1', 'toy@2'], ['toy'], ['toy@1'], ['toy@1', 'toy@longer']]) {
        const compared = await there('diff', ...words);
        expect(withoutPlace(compared.out)).toBe((await give(one, 'diff', ...words)).out);
        expect(compared.out).toContain(`in '.lamina'; this is from '${url.replace(/\?.*/, '')}`);
      }

      const logs = await there('logs', 'toy@2', 'good');
      const here = await give(one, 'logs', 'toy@2', 'good');
      expect(logs.out.split('\n').slice(1)).toEqual(['all is well', '']);
      expect(logs.out.slice(0, logs.out.indexOf(' B · '))).toBe(here.out.slice(0, here.out.indexOf(' B · ')));
      expect((await there('logs', 'toy@3', 'number', '--json')).out).toContain('"stage": "number"');
      expect((await there('logs', 'toy@3', 'number')).out).toContain('it broke');

      const [listed, own] = [await there('runs', '--shared'), await give(one, 'runs')];
      expect(listed.out).toBe(own.out);
      expect(readdirSync(other)).toEqual([]);
      expect(nameless(table.err)).not.toContain('lamina-runs-');
    },
  );

  test('is told what is neither here nor there, and of the local store first', async () => {
    const { url } = sharedFolder();
    await run(machine(), '--remote', url);
    const two = machine();
    await run(two, '--no-remote', '--set', 'number.value=9');
    const there = (...words: string[]) => give(two, ...words, '--remote', url);
    expect((await there('show', 'toy@1', '--json')).out).toContain('"value": 9'); // its own number 1
    expect(await there('show', 'toy@5')).toMatchObject({ code: 2 });
    const { err } = await there('show', 'other');
    expect(err).toContain(`there is no run of 'other' in '.lamina'`);
    expect(err).toContain(`; '${url}' does not have it either\n`);
    expect((await give(two, 'show', 'other', '--no-remote')).err).not.toContain('either');
    expect((await give(bare(), 'runs', '--remote', url)).err).toContain(`; --shared lists those in '${url}'\n`);
    expect(await give(two, 'runs', '--shared')).toMatchObject({
      code: 2,
      err: `error  'lamina runs --shared' needs a shared store: name one with --remote, or in LAMINA_REMOTE\n`,
    });
  });

  test('gets the runs and logs of before from push, and a name that was given later', async () => {
    const { url } = sharedFolder();
    const one = machine();
    await run(one, ...says);
    const other = bare();
    const there = (...words: string[]) => give(other, ...words, '--remote', url);
    expect(await there('show', 'toy')).toMatchObject({ code: 2 });
    expect((await give(one, 'push', 'toy.yaml', ...says, '--remote', url)).out).toMatch(
      /; 1 run with tables and logs\n$/,
    );
    expect((await there('show', 'toy@1')).code).toBe(0);
    expect((await there('logs', 'toy@1', 'bad')).out).toContain('all is well');
    await give(one, 'runs', 'tag', 'toy@1', 'paper');
    await give(one, 'push', 'toy.yaml', '--remote', url);
    expect((await there('runs', '--shared')).out).toContain('#paper');
  });

  test('is told of what is damaged there, and shown the rest', async () => {
    const { url, folder: shared } = sharedFolder();
    const one = machine();
    await run(one, '--remote', url, ...says);
    await run(one, '--remote', url);
    const other = bare();
    const there = (...words: string[]) => give(other, ...words, '--remote', url);
    const damage = (path: string) => {
      const bytes = readFileSync(path);
      rmSync(path);
      writeFileSync(path, bytes.subarray(0, bytes.length - 3));
    };
    for (const path of filesBelow(join(shared, 'runs')).filter((each) => each.endsWith('/result.json'))) damage(path);
    const shown = await there('show', 'toy@1');
    expect(shown.code).toBe(1);
    expect(shown.err).toMatch(new RegExp(`'${url}/runs/toy/1-.*/result.json' is damaged`));
    for (const path of filesBelow(join(shared, 'logs'))) {
      const { digest, size } = JSON.parse(readFileSync(path, 'utf8'));
      damage(join(shared, 'cas', digest.slice(0, 2), `${digest}-${size}`));
      break;
    }
    const { out, err } = await there('logs', 'toy@1', 'number');
    expect(err).toMatch(/! the log 'logs\/.*' in 'file:.*' is damaged or not there any more\n/);
    expect(out).toBe('');
  });

  test('two runs of one number and second from two machines: the first has the name, the other is told', async () => {
    const { url, folder: shared } = sharedFolder();
    const one = machine();
    await run(one, '--remote', url);
    const [name] = readdirSync(join(one, '.lamina/runs/toy'));
    const start = join(shared, 'runs/toy', name as string, 'start.json');
    const text = readFileSync(start, 'utf8');
    rmSync(start);
    writeFileSync(start, text.replace('"profile"', '"profil2"'));
    const { err, code } = await give(one, 'push', 'toy.yaml', '--remote', url);
    expect(err).toContain(`has another run 'toy@${name}': this one is not written there`);
    expect(code).toBe(1);
    expect(readFileSync(start, 'utf8')).toContain('profil2');
  });
});

test('two specs are compared with numbers that are in the shared store alone', async () => {
  const { url } = sharedFolder();
  const [one, two] = [machine(), machine()];
  for (const folder of [one, two]) {
    const text = readFileSync(join(folder, 'toy.yaml'), 'utf8');
    writeFileSync(join(folder, 'other.yaml'), text.replace('value: 1.5', 'value: 2.5'));
  }
  await run(one, '--remote', url);
  await give(one, 'run', 'other.yaml', '--remote', url);
  const there = await give(two, 'diff', 'toy.yaml', 'other.yaml', '--remote', url);
  expect(there).toMatchObject({ code: 0, err: '' });
  expect(there.out).toBe((await give(one, 'diff', 'toy.yaml', 'other.yaml')).out);
  expect(there.out).toMatch(/1\.50?\s+2\.50?/);
  const alone = await give(machine(), 'diff', 'toy.yaml', join(two, 'other.yaml'), '--remote', sharedFolder().url);
  expect(alone.out).toMatch(
    /none of its numbers is in '.lamina' or 'file:\/\/.*', so numbers and claims are not compared/,
  );
});

test('the page knows the local store alone, and says so', async () => {
  const { url } = sharedFolder();
  expect(await give(machine(), 'ui', '--remote', url)).toMatchObject({
    code: 2,
    err: `error  unknown option '--remote': 'lamina ui' knows the local store alone; 'lamina pull' brings there what a shared one has\n`,
  });
  const { child, ended } = startWith({ LAMINA_REMOTE: url }, toyProgram, machine(), 'ui', '--port', '0');
  child.stderr?.on('data', (text: string) => text.includes('Ctrl-C') && child.kill('SIGINT'));
  expect((await ended).err).toContain(
    `the local store alone: what is in '${url}' is not on the page until 'lamina pull' and 'lamina run' bring it here\n`,
  );
});

test('cache and gc look after the local store alone, and say so', async () => {
  const { url, folder: shared } = sharedFolder();
  const folder = machine();
  await run(folder, '--remote', url);
  const before = filesBelow(shared);
  for (const words of [['cache'], ['gc', '--keep-last', '0', '--yes']]) {
    const { err } = await toyWith({ LAMINA_REMOTE: url }, folder, ...words);
    expect(err).toBe(`the local store alone: what is in '${url}' stays as it is\n`);
  }
  expect(filesBelow(shared)).toEqual(before);
});

test('nothing secret is printed or kept, whatever goes wrong', async () => {
  const { url, proxy } = await online();
  const folder = machine();
  const texts: string[] = [];
  const keep = ({ out, err }: Ended) => texts.push(out, err);
  proxy.plan = ({ count }) => (count % 3 === 0 ? { status: 403, code: 'SignatureDoesNotMatch' } : undefined);
  keep(await run(folder, '--remote', url));
  proxy.plan = () => ({ status: 403, code: 'InvalidAccessKeyId' });
  keep(await run(folder, '--remote', url, '--remote-required', '--set', 'number.value=9'));
  keep(await give(folder, 'push', 'toy.yaml', '--remote', url));
  keep(await give(folder, 'push', 'toy.yaml', '--remote', `s3://${keys.AWS_ACCESS_KEY_ID}:${secret}@results/x`));
  keep(
    await give(
      folder,
      'push',
      'toy.yaml',
      '--remote',
      `s3://results/x?endpoint=${encodeURIComponent(`http://me:${secret}@host`)}`,
    ),
  );
  const files = filesBelow(folder).map((path) => readFileSync(path, 'latin1'));
  expect(files.length).toBeGreaterThan(10);
  for (const text of [...texts, ...files]) {
    for (const value of Object.values(keys)) expect(text).not.toContain(value);
  }
  expect(texts.join('')).toContain('must not hold a user name or a password');
});

test('credentials and the endpoint come from a profile too', async () => {
  const { proxy } = await online();
  const home = workFolder();
  onTestFinished(() => home.remove());
  mkdirSync(join(home.path, '.aws'));
  writeFileSync(join(home.path, '.aws/credentials'), '[lab]\naws_access_key_id = id\naws_secret_access_key = key\n');
  writeFileSync(
    join(home.path, '.aws/config'),
    `[profile lab]\nregion = eu-central-1\nendpoint_url = ${proxy.endpoint}\n`,
  );
  const env = { HOME: home.path, AWS_PROFILE: 'lab', LAMINA_REMOTE: 's3://results/lamina' };
  const ended = await toyWith(env, machine(), 'run', 'toy.yaml', '--json');
  expect(ended).toMatchObject({ code: 0, err: '' });
  const none = await toyWith({ ...env, AWS_PROFILE: 'lba' }, machine(), 'run', 'toy.yaml');
  expect(none).toMatchObject({
    code: 2,
    err: `error  there is no profile 'lba' (AWS_PROFILE) in ~/.aws/credentials or ~/.aws/config\n`,
  });
});

describe('lamina doctor', () => {
  const doctor = (env: NodeJS.ProcessEnv, ...words: string[]) =>
    laminaWith(env, machine(), 'doctor', '--backend', 'cpu', '--json', ...words);
  const remoteIn = ({ out }: Ended) => JSON.parse(out).remote;

  test('says whether the shared store can be reached and what it can do', async () => {
    const { url, server } = await online();
    expect(remoteIn(await doctor(keys, '--remote', url))).toEqual({
      url,
      problem: null,
      used: false,
      unwritable: null,
      conditions: 'one-wins',
      credentials: 'AWS_ACCESS_KEY_ID',
      skew_ms: 0,
    });
    expect([...server.objects.keys()]).toEqual([]);
    const { folder } = sharedFolder();
    const gone = remoteIn(await doctor({}, '--remote', `file://${folder}/none`));
    expect(gone.problem).toContain('there is no such folder: is its disk mounted?');
    expect(remoteIn(await doctor({}))).toBeNull();
  });
});
