// What is read of a shared store where nothing is run, and the commands that know the local one alone.
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { toyWith } from './in-process.ts';
import { filesBelow, give, machine, online, run, sharedFolder } from './machines.ts';
import { startWith, toyProgram, workFolder } from './program.ts';

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
