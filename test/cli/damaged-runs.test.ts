// Files of runs and kept outcomes, damaged: every command gives what is right, or names the file in a sentence and goes on with the rest.
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join, relative, sep } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { writeOutcome } from '../../cli/result/write-outcome.ts';
import { damagedBytes, damagedJson, makePipe } from '../formats/mutate.ts';
import { made } from '../report/made.ts';
import { toy } from './in-process.ts';
import { type Ended, fixtures, workFolder } from './program.ts';

const folder = workFolder();
const spec = 'toy.yaml';
const say = (...args: string[]) => toy(folder.path, ...args);
const read = (name: string) => readFileSync(join(fixtures, name), 'utf8');

beforeAll(async () => {
  const written = (name: string, text: string) => writeFileSync(join(folder.path, name), text);
  written('toy-pipeline.yaml', read('toy-pipeline.yaml'));
  written('failing.yaml', read('failing.yaml'));
  written(spec, read(spec));
  await toy(folder.path, 'run', spec);
  cpSync(join(folder.path, 'results'), join(folder.path, 'kept'), { recursive: true });
  written(spec, read(spec).replace('value: 1.5', 'value: 1.7'));
  await toy(folder.path, 'run', spec);
  await toy(folder.path, 'run', 'failing.yaml');
  rmSync(join(folder.path, 'results'), { recursive: true });
});
afterAll(() => folder.remove());

const commands: readonly string[][] = [
  ['runs'],
  ['runs', 'toy', '--json'],
  ['show', 'toy'],
  ['show', 'toy', '--json'],
  ['show', 'toy', '--format', 'html'],
  ['show', 'toy@1', '--format', 'md'],
  ['show', 'failing'],
  ['diff', 'toy'],
  ['diff', 'toy@1', 'toy@2', '--json'],
  ['why', spec, 'number'],
  ['why', 'failing.yaml', 'bad'],
];

/** What every command says, by the command. */
async function answers(): Promise<Map<string, Ended>> {
  const said = new Map<string, Ended>();
  for (const command of commands) said.set(command.join(' '), await say(...command));
  return said;
}

/** The files of all runs. */
function files(): string[] {
  const root = join(folder.path, '.lamina/runs');
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => join(root, name))
    .sort();
}

/** Holds the commands against what they said of the whole files; `path` is what was damaged. */
async function expectRightOrNamed(right: ReadonlyMap<string, Ended>, path: string): Promise<void> {
  const older = right.get('show toy@1 --format md')?.out as string;
  for (const command of commands) {
    const name = command.join(' ');
    const { code, out, err } = await say(...command);
    const before = right.get(name) as Ended;
    if (out === before.out && err === before.err) continue;
    expect([0, 1, 2], name).toContain(code);
    expect(out + err, name).toContain(basename(path));
    expect(out + err, name).not.toMatch(/\n {4}at |bug in lamina/);
    // a table is that of the run that was asked for, of the one before it, or none
    if (name.endsWith('md')) expect(['', older], name).toContain(out);
    if (name === 'show toy') expect(out === '' || /Good {3}★ 1\.[57]0/.test(out), name).toBe(true);
    if (name === 'show toy' && out.includes('1.50')) expect(code, name).toBe(1);
    if (name !== 'runs') continue;
    const said = narrow(out).split('\n');
    const without = linesOfOthers(await runsWithout(path), path);
    linesOfOthers(before.out, path).forEach((line, i) => {
      expect(said.includes(line) || said.includes(without[i] as string), `${line}\n${out}`).toBe(true);
    });
  }
}

/** The lines on runs that were not damaged. */
function linesOfOthers(text: string, path: string): string[] {
  const lines = narrow(text).split('\n');
  return lines.filter((line) => !path.includes((line.split(' ')[0] ?? '').replace('@', '/')));
}

/** What `runs` says while the run that `path` belongs to is elsewhere: what is told of a run beside the others is then told beside these. */
async function runsWithout(path: string): Promise<string> {
  const root = join(folder.path, '.lamina/runs');
  const [experiment, run] = relative(root, path).split(sep) as [string, string];
  const away = join(folder.path, 'away');
  renameSync(join(root, experiment, run), away);
  try {
    return (await say('runs')).out;
  } finally {
    renameSync(away, join(root, experiment, run));
  }
}

/** Columns are as wide as their widest entry, which may be another one. */
function narrow(text: string): string {
  return text.replaceAll(/ +/g, ' ');
}

test('one damaged file takes nothing else away, whichever it is and wherever it is damaged', async () => {
  const right = await answers();
  expect(right.get('show toy')?.out).toContain('Good   ★ 1.70');
  expect(right.get('diff toy')?.out).toContain('Good    1.50   1.70');
  const all = files();
  expect(all.length).toBe(15);
  const bytes = new Map(all.map((path) => [path, readFileSync(path)]));
  const damage = fc.constantFrom(...all).chain((path) => {
    return damagedBytes(bytes.get(path) as Buffer).map((damaged) => [path, damaged] as const);
  });
  await fc.assert(
    fc.asyncProperty(damage, async ([path, damaged]) => {
      writeFileSync(path, damaged);
      try {
        await expectRightOrNamed(right, path);
      } finally {
        writeFileSync(path, bytes.get(path) as Buffer);
      }
    }),
    { numRuns: 60 },
  );
  expect(await answers()).toEqual(right);
});

describe('in the place of a file of a run', () => {
  const inPlace: [string, (path: string) => void][] = [
    ['nothing', () => {}],
    ['an empty file', (path) => writeFileSync(path, '')],
    ['a folder', (path) => mkdirSync(path)],
    ['a pipe that nobody writes into', makePipe],
    ['a link in a circle', (path) => symlinkSync(basename(path), path)],
    ['JSON of another kind', (path) => writeFileSync(path, '[]')],
    ['what another lamina wrote', (path) => writeFileSync(path, '{"format": "lamina-run-end", "version": 9}')],
  ];
  test.each(inPlace)('%s is told or does no harm', async (_, make) => {
    const right = await answers();
    for (const path of files()) {
      renameSync(path, `${path}.kept`);
      try {
        make(path);
        for (const command of commands) {
          const { out, err } = await say(...command);
          expect(out + err).not.toMatch(/\n {4}at |bug in lamina/);
          if (existsSync(path) && out !== right.get(command.join(' '))?.out)
            expect(out + err).toContain(basename(path));
        }
      } finally {
        rmSync(path, { recursive: true, force: true });
        renameSync(`${path}.kept`, path);
      }
    }
    expect(await answers()).toEqual(right);
  });
});

test('strays among runs are named, and nothing else changes', async () => {
  const right = await answers();
  const runs = join(folder.path, '.lamina/runs');
  writeFileSync(join(runs, 'notes.txt'), 'x');
  mkdirSync(join(runs, 'toy/backup'));
  writeFileSync(join(runs, 'toy/1'), 'x');
  mkdirSync(join(runs, 'toy/3-2026-11-22T12-00-00Z'));
  try {
    const listed = await say('runs');
    expect(listed.err).toBe(
      "! '.lamina/runs/notes.txt' is no experiment: expected a folder\n! '.lamina/runs/toy/1' is no run: expected a folder\n! '.lamina/runs/toy/backup' is no run: it is not named like one\n",
    );
    expect(narrow(listed.out)).toContain('toy@3-2026-11-22T12-00-00Z died');
    const shown = await say('show', 'toy');
    expect(shown.out).toBe(right.get('show toy')?.out);
    expect(shown.err).toMatch(/^! toy@3-\S+ died: .*\n! this is toy@2-\S+\n$/);
    expect(shown.code).toBe(1);
    expect((await say('diff', 'toy@1', 'toy@2', '--json')).out).toBe(right.get('diff toy@1 toy@2 --json')?.out);
  } finally {
    for (const name of ['notes.txt', 'toy/backup', 'toy/1', 'toy/3-2026-11-22T12-00-00Z'])
      rmSync(join(runs, name), { recursive: true });
  }
});

describe('a kept outcome', () => {
  const place = 'kept/toy/default';
  const shows: readonly string[][] = [
    ['show', place],
    ['show', place, '--json'],
    ['show', place, '--format', 'html'],
    ['diff', place, 'toy@2'],
    ['diff', place],
  ];

  test('is shown as it was written or refused by the name of the file, wherever it is damaged', async () => {
    const right = new Map<string, string>();
    for (const command of shows) right.set(command.join(' '), (await say(...command)).out);
    expect(right.get(`show ${place}`)).toContain('Good   ★ 1.50');
    const all = ['cells.json', 'provenance.json', 'cells.arrow', 'table.md', 'SHA256SUMS'];
    const bytes = new Map(all.map((name) => [name, readFileSync(join(folder.path, place, name))]));
    const damage = fc.constantFrom(...all).chain((name) => {
      return damagedBytes(bytes.get(name) as Buffer).map((damaged) => [name, damaged] as const);
    });
    await fc.assert(
      fc.asyncProperty(damage, async ([name, damaged]) => {
        writeFileSync(join(folder.path, place, name), damaged);
        try {
          for (const command of shows) {
            const { code, out, err } = await say(...command);
            if (out === right.get(command.join(' '))) continue;
            expect([out, code]).toEqual(['', 2]);
            expect(err).toMatch(
              /^error {2}'kept\/toy\/default\/(cells.json|provenance.json|SHA256SUMS)'(: expected text in UTF-8| is not what was written| is damaged)/,
            );
          }
        } finally {
          writeFileSync(join(folder.path, place, name), bytes.get(name) as Buffer);
        }
      }),
      { numRuns: 150 },
    );
  });

  test('without digests is shown or refused, whatever its JSON says', async () => {
    const home = process.cwd();
    process.chdir(folder.path);
    const place = await writeOutcome(made).finally(() => process.chdir(home));
    rmSync(join(folder.path, place, 'SHA256SUMS'));
    for (const name of ['cells.json', 'provenance.json']) {
      const path = join(folder.path, place, name);
      const whole = readFileSync(path, 'utf8');
      await fc.assert(
        fc.asyncProperty(damagedJson(JSON.parse(whole)), async (damaged) => {
          writeFileSync(path, damaged);
          for (const format of ['text', 'md', 'latex', 'csv', 'json', 'html']) {
            const { out, err } = await say('show', place, '--format', format);
            expect(out !== '' || err.includes(name)).toBe(true);
          }
          await say('show', place, '--figures', 'pictures');
          await say('diff', place, 'toy@1');
        }),
        { numRuns: 60 },
      );
      writeFileSync(path, whole);
    }
  });
});
