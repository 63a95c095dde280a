// Runs over a store that is shared, as users meet it: two folders are two machines.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { freePorts } from '../store/remote/free-port.ts';
import { toyWith } from './in-process.ts';
import {
  countOf,
  environment,
  filesBelow,
  give,
  keys,
  machine,
  online,
  run,
  sharedFolder,
  summaryOf,
  units,
} from './machines.ts';
import { startWith, toyProgram } from './program.ts';

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
