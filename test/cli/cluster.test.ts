// `lamina run` with a batch system: by its flags and its site file, on commands that stand in for one.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { filled } from '../../runner/queue/commands.ts';
import { words } from '../../runner/queue/slurm.ts';
import { toy } from './in-process.ts';
import { fixtures, start, toyProgram, workFolder } from './program.ts';

let folder: string;

/** A queue in three lines of shell: a job is a process, its name a process number. */
const queue = `executor: commands
poll: 1s
submit_every: 1s
commands:
  name: toy
  submit: "sh {script} >/dev/null 2>&1 & echo job $!"
  job: "job (\\\\d+)"
  most: 1
  status: "for job in {jobs}; do kill -0 $job 2>/dev/null && echo $job R || echo $job gone; done"
  line: "^(?<job>\\\\d+) (?<state>\\\\w+)$"
  states: { running: [R], ended: [gone] }
  cancel: "pkill -TERM -P {job}"
`;

beforeEach(() => {
  const work = workFolder();
  onTestFinished(() => work.remove());
  folder = work.path;
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) copyFileSync(join(fixtures, name), join(folder, name));
  mkdirSync(join(folder, '.lamina'));
});

describe('run on a batch system', () => {
  test('that is commands: the same table, and who asked is told of the end', async () => {
    const local = await toy(folder, 'run', 'toy.yaml', '--store', 'other');
    writeFileSync(join(folder, 'lamina.site.yaml'), queue);
    const told = 'echo "$LAMINA_STATUS $LAMINA_EXPERIMENT: $LAMINA_TEXT" > told';
    const { code, out } = await toy(folder, 'run', 'toy.yaml', '--notify', told);
    expect([code, out]).toEqual([local.code, local.out]);
    expect(readFileSync(join(folder, 'told'), 'utf8')).toMatch(
      /^(done|failed) toy: lamina: 'toy' (is done|has failed)\n$/,
    );
    const again = await toy(folder, 'run', 'toy.yaml', '--executor', 'local');
    expect(again.err).toContain('0 to run');
  });

  test('whose jobs are there when it is left and comes back', async () => {
    writeFileSync(join(folder, 'lamina.site.yaml'), queue);
    const spec = ['run', 'toy.yaml', '--only', 'method=good', '--set', 'number.wait_ms=4000'];
    const { child, ended } = start(toyProgram, folder, ...spec);
    const begun = join(folder, '.lamina', 'submissions');
    while (!existsSync(begun) || !hasBegun(begun)) await sleep(20);
    child.kill('SIGTERM');
    const left = await ended;
    expect([left.code, left.err]).toEqual([130, expect.stringContaining("the jobs of 'toy' go on")]);
    const back = await toy(folder, ...spec);
    expect(back.err).not.toContain('failed');
    expect(back.code).toBe(0);
  });

  test.each([
    [['--executor', 'commands'], '', "--executor commands needs the commands: give 'commands' in lamina.site.yaml"],
    [[], 'executor: slrum\n', "lamina.site.yaml:1:11  'executor' expects 'local', 'slurm' or 'commands', got 'slrum'"],
    [[], 'poll: often\n', "lamina.site.yaml:1:7  'poll' expects a time such as 90s, 30min, 12h, 7d or 2w, got 'often'"],
    [['--site', 'nowhere.yaml'], '', "nowhere.yaml': no such file or folder"],
  ])('%s %s: a mistake is named at its place', async (flags, site, says) => {
    if (site !== '') writeFileSync(join(folder, 'lamina.site.yaml'), site);
    const { code, err } = await toy(folder, 'run', 'toy.yaml', ...flags);
    expect([code, err]).toEqual([2, expect.stringContaining(says)]);
  });
});

function hasBegun(submissions: string): boolean {
  return readdirSync(submissions, { recursive: true, encoding: 'utf8' }).some((name) => name.endsWith('.begun'));
}

test('commands are filled with quoted values, and what is not known is left out', () => {
  const values = { script: "/a b/it's.sh", memory_mb: '300', time_s: undefined };
  const template = 'sub [[-m {memory_mb}]] [[-t {time_s}]] {script} {jobs} {other}';
  expect(filled(template, values, { jobs: ['1', '2'] })).toBe(`sub -m '300'  '/a b/it'\\''s.sh' '1' '2' {other}`);
});

test('free text of a site is cut into words as a shell does', () => {
  expect(words(`--a=1  --comment='two words' "--b c"`)).toEqual(['--a=1', '--comment=two words', '--b c']);
});
