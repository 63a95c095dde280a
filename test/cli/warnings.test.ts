// What stages warn of, as people see it: at check, plan and run, under the table, and when the store is gone.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { joinWarnings, Warnings } from '../../cli/common/warnings.ts';
import { node, plan } from '../runner/toy-plan.ts';
import { toy } from './in-process.ts';
import { type Ended, fixtures, workFolder } from './program.ts';

const spec = join(fixtures, 'warning.yaml');
const asked = "stage 'number' (2 of 3 cells): more than 1000 is a lot";
const found = "stage 'number' (1 of 3 cells): the number is above 2000";
const lines = (text: string) => text.split('\n').filter((line) => line.startsWith('!'));
const table = `warnings  2
  ! ${asked}
  ! ${found}
`;

describe('warnings', () => {
  const folder = workFolder();
  let checked: Ended;
  let planned: Ended;
  let first: Ended;
  beforeAll(async () => {
    checked = await toy(folder.path, 'check', spec);
    planned = await toy(folder.path, 'plan', spec);
    first = await toy(folder.path, 'run', spec);
  });
  afterAll(() => folder.remove());

  test('are said by check, with spec and profile, and are no mistakes', async () => {
    expect(lines(checked.err)).toEqual([`! ${spec}, profile default: ${asked}`]);
    expect(checked.out).toBe('✓ 1 spec, no mistakes\n');
    expect(checked.code).toBe(0);
    const json = JSON.parse((await toy(folder.path, 'check', spec, '--json')).out);
    expect(json.warnings).toEqual([
      { spec, profile: 'default', stage: 'number', message: 'more than 1000 is a lot', cells: 2 },
    ]);
    const flagged = await toy(folder.path, 'check', spec, '--only', 'method=most');
    expect(lines(flagged.err)).toEqual([
      `! ${spec}, profile default: stage 'number' (1 cell): more than 1000 is a lot`,
    ]);
  });

  test('are said by plan before anything has run, once for several specs', async () => {
    expect(lines(planned.err)).toEqual([`! ${asked}`]);
    expect(planned.code).toBe(0);
    const copy = join(folder.path, 'copy.yaml');
    const text = readFileSync(spec, 'utf8').replace('toy-pipeline.yaml', join(fixtures, 'toy-pipeline.yaml'));
    writeFileSync(copy, text.replace('experiment: warning', 'experiment: copy'));
    const both = await toy(folder.path, 'plan', spec, copy, '--store', 'other');
    expect(lines(both.err)).toEqual(["! stage 'number' (4 of 6 cells): more than 1000 is a lot"]);
    const json = await toy(folder.path, 'plan', spec, copy, '--store', 'other', '--json');
    expect(json.err).toBe('');
    expect(JSON.parse(json.out).warnings).toEqual([{ stage: 'number', message: 'more than 1000 is a lot', cells: 4 }]);
  });

  test('are said once by run, and printed under the table', () => {
    expect(lines(first.err)).toEqual([`! ${asked}`, "! stage 'number': the number is above 2000"]);
    expect(first.out).toContain(`\n\n${table}`);
    expect(first.code).toBe(0);
  });

  test('are said again where everything is cached', async () => {
    const again = await toy(folder.path, 'run', spec);
    expect(again.err).toContain('5 cached, 0 to run');
    expect(lines(again.err)).toEqual([`! ${asked}`, `! ${found}`]);
    expect(again.out).toBe(first.out);
    const planned = await toy(folder.path, 'plan', spec);
    expect(lines(planned.err)).toEqual([`! ${asked}`, `! ${found}`]);
  });

  test('are in the JSON of run and show, and there alone', async () => {
    const run = await toy(folder.path, 'run', spec, '--json');
    expect(run.err).toBe('');
    expect(JSON.parse(run.out).warnings).toEqual([
      { stage: 'number', message: 'more than 1000 is a lot', cells: 2 },
      { stage: 'number', message: 'the number is above 2000', cells: 1 },
    ]);
    const shown = await toy(folder.path, 'show', 'warning', '--json');
    expect(shown.out).toBe(run.out);
    expect(shown.err).toBe('');
  });

  test('are printed by show, from a run and from the committed outcome, in every format', async () => {
    expect((await toy(folder.path, 'show', 'warning')).out).toContain(`\n\n${table}`);
    const outcome = 'results/warning/default';
    rmSync(join(folder.path, '.lamina'), { recursive: true });
    expect((await toy(folder.path, 'show', outcome)).out).toContain(`\n\n${table}`);
    expect((await toy(folder.path, 'show', outcome, '--format', 'md')).out).toContain(`\n- ! ${asked}\n- ! ${found}\n`);
    expect((await toy(folder.path, 'show', outcome, '--format', 'latex')).out).toContain(`% warning: ${found}\n`);
    expect((await toy(folder.path, 'show', outcome, '--format', 'html')).out).toContain('the number is above 2000');
    expect(readFileSync(join(folder.path, outcome, 'table.md'), 'utf8')).toContain(`- ! ${asked}`);
  });

  test('of an outcome are checked, and one without them is an outcome all the same', async () => {
    const file = join(folder.path, 'results/warning/default/cells.json');
    rmSync(join(folder.path, 'results/warning/default/SHA256SUMS')); // written by hand from here on
    const { warnings, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...rest, warnings: [{ ...warnings[0], message: 'a \u001b[2J\nb' }] }));
    const shown = await toy(folder.path, 'show', 'results/warning/default');
    expect(shown.out).toContain("! stage 'number' (2 of 3 cells): a \\x1b[2J b\n");
    writeFileSync(file, JSON.stringify({ ...rest, warnings: [{ ...warnings[0], also: ['other'] }] }));
    const both = await toy(folder.path, 'show', 'results/warning/default');
    expect(both.out).toContain("! stages 'number' and 'other' (2 of 3 cells): more than 1000 is a lot\n");
    writeFileSync(file, JSON.stringify({ ...rest, warnings: [{ stage: 1 }] }));
    const refused = await toy(folder.path, 'show', 'results/warning/default');
    expect(refused.err).toBe(
      "error  'results/warning/default/cells.json' is not the result of a run: 'warnings.0.stage': expected text, got 1\n",
    );
    expect(refused.code).toBe(2);
    writeFileSync(file, JSON.stringify(rest));
    const old = await toy(folder.path, 'show', 'results/warning/default');
    expect(old.out).not.toContain('warnings');
    expect(old.code).toBe(0);
  });
});

describe('a sentence of several stages', () => {
  const metric = (id: string) => ({ node: id, output: 'out', field: 'x' });
  const cells = ['a', 'b', 'c'].map((name) => {
    return { axes: {}, name, metric: metric('ppl'), paper: null, beside: {}, expected: null };
  });
  const joint = { ...plan(node('acts', 'value'), node('ppl', 'add', {}, { a: 'acts' })), cells };
  const cut = (stage: string) => ({ node: stage, message: 'cut' });

  test('is said by the first that comes, and once', () => {
    const warnings = new Warnings(joint);
    expect(warnings.fresh([cut('acts')], false)).toEqual(["stage 'acts': cut"]);
    expect(warnings.fresh([cut('ppl')], false)).toEqual([]);
    expect(warnings.rest([{ stage: 'acts', also: ['ppl'], message: 'cut', cells: 3 }])).toEqual([]);
    expect(new Warnings(joint).fresh([cut('ppl'), cut('acts')], true)).toEqual([
      "stages 'acts' and 'ppl' (3 cells): cut",
    ]);
  });

  test('is one of several plans too, with the stages of all', () => {
    const said = [[cut('acts')], [cut('ppl'), { node: 'acts', message: 'wide' }]];
    expect(joinWarnings([joint, joint], said)).toEqual([
      { warning: { stage: 'acts', also: ['ppl'], message: 'cut', cells: 6 }, of: 6 },
      { warning: { stage: 'acts', message: 'wide', cells: 3 }, of: 3 },
    ]);
  });
});

describe('a diff', () => {
  test('shows what one side alone warns of, and is no difference for that', async () => {
    const folder = workFolder();
    try {
      await toy(folder.path, 'run', spec);
      const file = join(folder.path, 'results/warning/default/cells.json');
      rmSync(join(folder.path, 'results/warning/default/SHA256SUMS')); // what follows is not what was written
      const outcome = JSON.parse(readFileSync(file, 'utf8'));
      outcome.warnings = [outcome.warnings[0], { stage: 'number', message: 'an old one', cells: 3 }];
      writeFileSync(file, JSON.stringify(outcome));
      const found = await toy(folder.path, 'diff', 'results/warning/default', '--exit-code');
      expect(found.out).toContain(`
warnings  1 new, 1 gone
  + stage 'number': the number is above 2000
  - stage 'number': an old one
`);
      expect(found.code).toBe(0);
      const json = JSON.parse((await toy(folder.path, 'diff', 'results/warning/default', '--json')).out);
      expect(json.warnings).toEqual({
        added: [{ stage: 'number', message: 'the number is above 2000', cells: 1 }],
        removed: [{ stage: 'number', message: 'an old one', cells: 3 }],
      });
      const md = await toy(folder.path, 'diff', 'results/warning/default', '--format', 'md');
      expect(md.out).toContain("- `+` stage 'number': the number is above 2000\n");
      const html = await toy(folder.path, 'diff', 'results/warning/default', '--format', 'html');
      expect(html.out).toContain('<li>gone: stage &#39;number&#39;: an old one</li>');
    } finally {
      folder.remove();
    }
  });
});
