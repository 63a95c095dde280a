import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { fixtures, workFolder } from './program.ts';

const read = (name: string) => readFileSync(join(fixtures, name), 'utf8');
const spec = 'experiments/toy.yaml';

const experiment = read('toy.yaml').replace('toy-pipeline.yaml', '../pipelines/toy.yaml');
const twoProfiles = `${experiment}profiles:
  tiny: { default: true }
  large: { with: { pieces: { count: 4 } } }
`;

/** The command in this process, in a folder. */
const diffIn = (folder: string, ...args: string[]) => toy(folder, 'diff', ...args);

/** A folder with a spec in git, committed once; an author and dates that are always the same. */
function repository() {
  const folder = workFolder();
  const write = (name: string, text: string) => {
    mkdirSync(join(folder.path, name, '..'), { recursive: true });
    writeFileSync(join(folder.path, name), text);
  };
  const date = '2026-11-22T15:02:11Z';
  const someone = {
    GIT_AUTHOR_NAME: 'a',
    GIT_AUTHOR_EMAIL: 'a@b',
    GIT_COMMITTER_NAME: 'a',
    GIT_COMMITTER_EMAIL: 'a@b',
  };
  const clean = {
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
  };
  const env = { ...process.env, ...someone, ...clean };
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder.path, env, stdio: 'pipe' });
  const commit = (message: string) => {
    git('add', '-A');
    git('commit', '-q', '-m', message);
  };
  git('init', '-q', '-b', 'main');
  write(spec, twoProfiles);
  write('pipelines/toy.yaml', read('toy-pipeline.yaml'));
  commit('one');
  const diff = (...args: string[]) => diffIn(folder.path, ...args);
  const run = (...args: string[]) => toy(folder.path, 'run', spec, '--json', ...args);
  return { ...folder, write, commit, diff, run };
}

describe('a spec', () => {
  const work = repository();
  afterAll(() => work.remove());

  test('that was not edited has no difference to what git has', async () => {
    const { code, out, err } = await toy(work.path, 'diff', spec, '--exit-code');
    expect({ code, out, err }).toEqual({ code: 0, err: '', out: `${spec}@HEAD → ${spec}\n\nspec  no difference\n` });
  });

  test('is compared with git, the pipeline that it names included, and numbers that are there already', async () => {
    await work.run();
    work.write('pipelines/toy.yaml', read('toy-pipeline.yaml').replace('count: 2', 'count: 3'));
    work.write(spec, `# a remark\n${twoProfiles.replace('value: 40', 'value: 0.5')}`);
    expect((await work.diff(spec)).out).toBe(`${spec}@HEAD → ${spec}
${spec}: none of its numbers is in '.lamina', so numbers and claims are not compared

spec  2 differences
  pieces.count  2 → 3     all 2 cells  pipelines/toy.yaml@HEAD:7:40 → pipelines/toy.yaml:7:40
  number.value  40 → 0.5  bad          ${spec}@HEAD:9:43 → ${spec}:10:43
`);
    await work.run();
    const { code, out } = await work.diff(spec, '--exit-code');
    expect(code).toBe(1);
    expect(out).toContain(`
metrics  1 cell moved, beyond the noise · 1 equal
       before  after  change
  Bad    40.0  0.500  -39.50  -99 %  ± 0.78  better
  perplexity, lower is better
  ± half the 95 % interval of the difference, by the standard errors of the two evaluations

claims  1 holds no more
  ✓ → ✗ good is better than bad
    was  Good ≤ Bad: 1.50 ≤ 40.0 (paper: 1.4 < 2171)
    now  Good ≤ Bad: 1.50 > 0.500 (paper: 1.4 < 2171)
`);
  });

  test('is compared with an older revision, or two revisions with each other', async () => {
    work.commit('two');
    expect((await work.diff(spec)).out).toContain('spec  no difference');
    const older = await work.diff(`${spec}@HEAD~1`, '--format', 'md');
    expect(older.out).toContain('| pieces.count | 2 → 3 | all 2 cells |');
    const back = await work.diff(`${spec}@HEAD`, `${spec}@HEAD~1`, '--json');
    expect(JSON.parse(back.out)).toMatchObject({
      equal: false,
      before: { kind: 'spec', label: `${spec}@HEAD`, revision: 'HEAD' },
      spec: { changes: [{ kind: 'param', name: 'count', before: [3], after: [2] }, { name: 'value' }] },
      metrics: { equal: 1, changes: [{ axes: { method: 'bad' }, before: 0.5, after: 40, beyond_noise: true }] },
      claims: { unchanged: 0, changes: [{ change: 'flipped' }] },
    });
  });

  test('under two profiles, named after it or for both sides', async () => {
    const { out } = await work.diff(`${spec}:tiny`, `${spec}:large`, '--store', 'none');
    expect(out).toContain('  pieces.count  3 → 4  all 2 cells');
    expect(out).toContain('  profile       tiny → large');
    expect((await work.diff(spec, '--profile', 'large')).out).toBe(
      `${spec}@HEAD:large → ${spec}:large\n\nspec  no difference\n`,
    );
  });

  test('is found through a symbolic link, and from below the root', async () => {
    symlinkSync('.', join(work.path, 'again'));
    expect((await work.diff('again/experiments/toy.yaml')).out).toContain('spec  no difference');
    const below = await diffIn(join(work.path, 'experiments'), 'toy.yaml@HEAD~1');
    expect(below.out).toContain('../pipelines/toy.yaml@HEAD~1:7:40 → ../pipelines/toy.yaml:7:40');
    rmSync(join(work.path, 'again'));
  });

  test.each([
    [[`${spec}@nope`], "git knows no revision 'nope' in '"],
    [[`${spec}@--output=x`], "'--output=x' cannot be a git revision, expected something like 'HEAD~1'"],
    [[`${spec}@`], "'' cannot be a git revision"],
    [['experiments/gone.yaml'], "the spec 'experiments/gone.yaml@HEAD' is not in git at revision 'HEAD'"],
    [['experiments/gone.yaml@HEAD', spec], "the spec 'experiments/gone.yaml@HEAD' is not in git at revision 'HEAD'"],
    [[`${spec}/x`, spec], `the spec '${spec}/x' does not exist`],
    [[`${spec}:nope`], "unknown profile 'nope', expected 'tiny' or 'large'"],
    [[spec, '--format', 'pdf'], "unknown format 'pdf', expected 'text', 'md', 'json' or 'html'"],
    [['nothing'], "there is no run of 'nothing' in '.lamina', expected 'toy'"],
  ])('%j is refused', async (args, message) => {
    const { code, out, err } = await work.diff(...args);
    expect(err).toContain(message);
    expect(err).not.toContain('    at ');
    expect({ code, out }).toEqual({ code: 2, out: '' });
  });

  test('that had mistakes in a revision is shown with the lines of that revision', async () => {
    work.write(spec, twoProfiles.replace('method:', 'mehtod:'));
    work.commit('three');
    work.write(spec, twoProfiles);
    const { code, err } = await work.diff(spec);
    expect(err).toContain(`${spec}@HEAD:11:17  table: unknown axis 'method' (did you mean 'mehtod'?)`);
    expect(code).toBe(2);
  });
});

describe('runs', () => {
  const work = repository();
  const names = () => readdirSync(join(work.path, '.lamina/runs/toy')).sort();
  beforeAll(async () => {
    await work.run();
    work.commit('results');
    await work.run('--set', 'wait_ms=1');
    work.write(
      spec,
      twoProfiles
        .replace('value: 1.5', 'value: 1.7')
        .replace('[{ method: good }, { method: bad }]', '[{ method: bad }, { method: good }]'),
    );
    await work.run('--set', 'pieces.count=5');
  });
  afterAll(() => work.remove());

  test('the latest is compared with the one before, without their specs', async () => {
    rmSync(join(work.path, 'pipelines'), { recursive: true });
    const [, before, after] = names();
    expect((await work.diff('toy@2', 'toy@3')).out).toBe(`toy@${before} → toy@${after}

spec  5 differences
  pieces.count    2 → 5      all 2 cells  pipelines/toy.yaml:7:40 → --set
  pieces.wait_ms  1 → 0      all 2 cells  --set → pipelines/toy.yaml:5:38
  number.value    1.5 → 1.7  good         ${spec}:8:45
  claim 'good is better than bad'  good ≤ bad → bad ≤ good
  flags           --set wait_ms=1 → --set pieces.count=5

metrics  1 cell moved, beyond the noise · 1 equal
        before  after  change
  Good    1.50   1.70  +0.200  +13 %  ± 0.044  worse
  perplexity, lower is better
  ± half the 95 % interval of the difference, by the standard errors of the two evaluations

claims  none flipped · 1 unchanged
`);
  });

  test('a run is compared with the latest, with the outcome that is kept, and with that in git', async () => {
    const [first, , last] = names();
    expect((await work.diff(`toy@${first}`, `toy@${last}`)).out).toContain(`toy@${first} → toy@${last}\n`);
    for (const name of ['toy@results', 'toy@HEAD']) {
      const { out } = await work.diff(name, 'toy@3');
      expect(out).toContain(`results/toy/tiny${name === 'toy@HEAD' ? '@HEAD' : ''} → toy@${last}\n`);
      expect(out).toContain('1 cell moved, beyond the noise · 1 equal');
    }
    expect((await work.diff('toy@results', `toy@${first}`, '--exit-code')).code).toBe(0);
  });

  test('an outcome in a folder, wherever that is, is compared with another or with the latest run', async () => {
    const [last] = names();
    cpSync(join(work.path, 'results'), join(work.path, 'theirs'), { recursive: true });
    const { out } = await work.diff('theirs/toy/tiny/', 'results/toy/tiny');
    expect(out).toContain('theirs/toy/tiny → results/toy/tiny\n');
    expect(out).toContain('no cell moved · 2 equal');
    expect((await work.diff('theirs/toy/tiny')).out).toContain(`theirs/toy/tiny → toy@${last}\n`);
    const shown = await toy(work.path, 'show', 'theirs/toy/tiny');
    expect([shown.code, shown.err, shown.out]).toEqual([0, '', expect.stringContaining('Good')]);
    expect((await toy(work.path, 'show', 'theirs/toy')).err).toContain(
      "'theirs/toy' holds no outcome: expected NAME, ",
    );
    rmSync(join(work.path, 'theirs'), { recursive: true });
  });

  test('those from before plans were kept are compared in numbers and claims', async () => {
    const [first, second] = names();
    rmSync(join(work.path, '.lamina/runs/toy', first as string, 'plan.json'));
    const { out } = await work.diff(`toy@${first}`, `toy@${second}`, '--json');
    const value = JSON.parse(out);
    expect(value.metrics).toMatchObject({ equal: 2, changes: [] });
    expect(value.spec.changes.at(-1)).toMatchObject({ kind: 'flags', before: [], after: ['--set wait_ms=1'] });
    expect(
      value.spec.whole ||
        value.remarks[0] === `the plan of toy@${first} was not kept, so parameters and inputs are not compared`,
    ).toBe(true);
  });

  test('what cannot be meant is refused with the way out', async () => {
    const [last] = names();
    const latest = await work.diff(`toy@${last}`);
    expect(latest.err).toContain(`'toy@${last}' is the latest run itself: name the run to compare it with as well`);
    const alone = await work.diff('toy:large');
    expect(alone.err).toContain("experiment 'toy' has no result with profile 'large'");
    const unknown = await work.diff('toy@nope', 'toy');
    expect(unknown.err).toContain(
      "'toy@nope' is no run in the store, and no outcome in git: git knows no revision 'nope'",
    );
    const none = await work.diff('toy@HEAD~1', 'toy');
    expect(none.err).toContain("'results/toy/tiny/cells.json' is not in git at revision 'HEAD~1'");
    expect([latest, alone, unknown, none].map(({ code }) => code)).toEqual([2, 2, 2, 2]);
  });

  test('as a page of its own', async () => {
    const { out } = await work.diff('toy@2', 'toy@3', '--format', 'html');
    expect(out).toMatch(/^<!doctype html>/);
    expect(out).toContain('<td><code>pieces.count</code></td>');
  });
});

test('a spec whose pipeline lies outside of its repository has that of today on both sides, and says so', async () => {
  const [work, other] = [repository(), workFolder()];
  const pipeline = join(other.path, 'toy-pipeline.yaml');
  writeFileSync(pipeline, read('toy-pipeline.yaml'));
  work.write('apart.yaml', experiment.replace('../pipelines/toy.yaml', pipeline));
  work.commit('apart');
  const { out, code } = await work.diff('apart.yaml', '--exit-code');
  expect(out).toContain(`'${pipeline}' lies outside of the git repository, so today's file stands for 'HEAD' too\n`);
  expect(out).toContain('spec  no difference');
  expect(code).toBe(0);
  other.remove();
  work.remove();
});

describe('without git', () => {
  const folder = workFolder();
  beforeAll(() => {
    mkdirSync(join(folder.path, 'pipelines'));
    mkdirSync(join(folder.path, 'experiments'));
    writeFileSync(join(folder.path, spec), twoProfiles);
    writeFileSync(join(folder.path, 'pipelines/toy.yaml'), read('toy-pipeline.yaml'));
  });
  afterAll(() => folder.remove());

  test('a spec is compared with itself, and that is said', async () => {
    const { code, out } = await diffIn(folder.path, spec, '--exit-code');
    expect(out).toContain(
      `'${spec}' is not in a git repository, so both sides are today's file: name another spec, or a run, to compare it with`,
    );
    expect(code).toBe(0);
  });

  test('a spec has no revisions that could be named', async () => {
    const { code, err } = await diffIn(folder.path, `${spec}@HEAD~1`);
    expect(err).toBe(`error  '${folder.path}/experiments' is not in a git repository, so it has no revisions\n`);
    expect(code).toBe(2);
  });

  test('two specs are compared all the same', async () => {
    const { code, out } = await diffIn(folder.path, `${spec}:tiny`, `${spec}:large`, '--exit-code');
    expect(out).toContain('pieces.count  2 → 4');
    expect(code).toBe(1);
  });

  test('a program that is missing is named', async () => {
    const path = process.env.PATH;
    process.env.PATH = folder.path;
    try {
      const { code, err } = await diffIn(folder.path, spec);
      expect(err).toBe('error  comparing with a git revision needs git, which is not installed or not on the PATH\n');
      expect(code).toBe(2);
    } finally {
      process.env.PATH = path;
    }
  });
});
