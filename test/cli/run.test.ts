import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { toy } from './in-process.ts';
import { type Ended, fixtures, start, toyProgram, workFolder } from './program.ts';

const spec = (name: string) => join(fixtures, `${name}.yaml`);

describe('a run', () => {
  const folder = workFolder();
  let first: Ended;
  beforeAll(async () => {
    first = await toy(folder.path, 'run', spec('toy'));
  });
  afterAll(() => folder.remove());

  test('prints its progress as plain lines where nobody watches', () => {
    expect(first.err).toMatch(/^toy · default · 2 cells · 4 units: 0 cached, 4 to run\n/);
    expect(first.err).toMatch(/\n\[\d+:\d\d] pieces 2 units: started\n/);
    expect(first.err).toMatch(/\n\[\d+:\d\d] number good: done in \d+:\d\d\n/);
    expect(first.err).toMatch(/\n✓ 4 of 4 · \d+:\d\d\n/);
    expect(first.err).not.toContain('\u001b');
  });

  test('prints the table and the claims, and exits with 0', () => {
    expect(first.out).toBe(`
Good   ★ 1.50  (1.4)
Bad      40.0 (2171)

perplexity, lower is better · in brackets: Table 0
★ the best of our numbers in a column, unless another is within its noise

claims  1 holds
  ✓ good is better than bad: Good ≤ Bad: 1.50 ≤ 40.0 (paper: 1.4 < 2171)
`);
    expect(first.code).toBe(0);
  });

  test('ends with where the results lie and what to type next', () => {
    expect(first.err.trimEnd().split('\n').at(-1)).toBe(
      `results/toy/default · lamina show toy · lamina why ${spec('toy')} good`,
    );
  });

  test('keeps a small outcome that names no run and no time', async () => {
    const read = () => readFileSync(join(folder.path, 'results/toy/default/cells.json'), 'utf8');
    const before = read();
    expect(Object.keys(JSON.parse(before))).toEqual([
      'experiment',
      'title',
      'spec',
      'profile',
      'cells',
      'claims',
      'axes',
      'table',
      'notes',
      'cell_notes',
      'figures',
    ]);
    expect(readFileSync(join(folder.path, 'results/toy/default/table.md'), 'utf8')).toContain(
      '| Good | **1.50** (1.4) |',
    );
    const again = await toy(folder.path, 'run', spec('toy'));
    expect(again.err).toMatch(/^toy · default · 2 cells · 4 units: 4 cached, 0 to run\n✓ 4 of 4/);
    expect(read()).toBe(before);
  });

  test('with --json prints one object, and nothing else where all went well', async () => {
    const { code, out, err } = await toy(folder.path, 'run', spec('toy'), '--json');
    expect(err).toBe('');
    expect(code).toBe(0);
    const value = JSON.parse(out);
    expect(Object.keys(value)).toEqual([
      'experiment',
      'run',
      'profile',
      'cells',
      'claims',
      'warnings',
      'status',
      'failures',
    ]);
    expect([value.status, value.failures]).toEqual(['done', []]);
    expect(value.cells[0]).toEqual({
      method: 'good',
      metric: 'perplexity',
      value: 1.5,
      paper: 1.4,
      stderr: expect.any(Number),
      n: 100,
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    const shown = await toy(folder.path, 'show', 'toy', '--json');
    expect(shown.out).toBe(out);
  });

  test('can be shown again in every form, by name, by run and from the outcome alone', async () => {
    const text = await toy(folder.path, 'show', 'toy');
    expect(text.out).toContain(first.out.trim());
    expect((await toy(folder.path, 'show', 'toy@20', '--format', 'md')).out).toContain('| Good | **1.50** (1.4) |');
    expect((await toy(folder.path, 'show', 'toy', '--format', 'latex')).out).toContain(
      'Good & \\textbf{1.50} (1.4) \\\\',
    );
    expect((await toy(folder.path, 'show', 'toy', '--format', 'csv')).out).toContain('good,perplexity,1.5,');
    const kept = await toy(folder.path, 'show', 'toy', '--store', 'empty');
    expect(kept.out).toContain(first.out.trim());
    expect(kept.err).toContain('results/toy/default');
    expect(existsSync(join(folder.path, 'empty'))).toBe(false);
  });

  test('is listed', async () => {
    expect((await toy(folder.path, 'runs')).out).toMatch(/^toy@1-\d{4}-\S+ +done {2}default {2}2 cells {2}1 ✓/m);
  });

  test('of a part of the cells leaves the outcome alone, and says nothing of claims on the others', async () => {
    const before = readFileSync(join(folder.path, 'results/toy/default/cells.json'), 'utf8');
    const { code, out } = await toy(folder.path, 'run', spec('toy'), '--only', 'method=good');
    expect(out).toMatch(/^\nGood {3}1\.50 \(1\.4\)\n\nperplexity/);
    expect(out).not.toContain('claims');
    expect(code).toBe(0);
    expect(readFileSync(join(folder.path, 'results/toy/default/cells.json'), 'utf8')).toBe(before);
  });

  test('gives its artifacts away as files of the user, and names what it does not have', async () => {
    const to = join(folder.path, 'copied');
    const copied = await toy(folder.path, 'copy', spec('toy'), 'number', '--only', 'method=good', '--to', to);
    expect(copied.code).toBe(0);
    const [name = ''] = readdirSync(to);
    expect(copied.out).toContain(name);
    expect(readFileSync(join(to, name), 'utf8')).toContain('1.5');
    const listed = await toy(folder.path, 'copy', spec('toy'), 'number', '--only', 'method=good', '--to', to, '--json');
    expect(JSON.parse(listed.out)).toEqual(copied.out.trimEnd().split('\n'));
    const blocked = await toy(folder.path, 'copy', spec('toy'), 'number', '--to', join(to, name));
    expect([blocked.code, blocked.err]).toEqual([2, expect.stringMatching(/^error {2}cannot write '.*': E/)]);
    const unknown = await toy(folder.path, 'copy', spec('toy'), 'numbr', '--to', to);
    expect(unknown.code).toBe(2);
    expect(unknown.err).toContain("unknown stage 'numbr' (did you mean 'number'?)");
    const other = await toy(folder.path, 'copy', spec('toy'), 'number', '--set', 'value=9', '--to', to);
    expect(other.err).toMatch(
      / has no result in the store yet: run it first with 'lamina run \S+toy\.yaml --set value=9'/,
    );
  });

  test('is planned as hits afterwards', async () => {
    const { out } = await toy(folder.path, 'plan', spec('toy'), '--json');
    const value = JSON.parse(out);
    expect(value.summary).toEqual({ hit: 4, run: 0, depends: 0 });
    expect(value.stages.at(-1)).toEqual({
      name: 'number',
      stage: 'measure',
      cell: 'method=bad',
      status: 'hit',
      key: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect((await toy(folder.path, 'plan', spec('toy'))).out).toContain('4 units: 4 cached, 0 to run');
  });
});

describe('when something is wrong', () => {
  const folder = workFolder();
  afterAll(() => folder.remove());

  test('a failed stage is told once, the rest of the table is printed, the exit code is 1', async () => {
    const { code, out, err } = await toy(folder.path, 'run', spec('failing'));
    expect(err.match(/it broke/g)?.length).toBeGreaterThan(0);
    expect(err).toMatch(/✗ 3 of 4 · 1 failed/);
    expect(out).toMatch(/Good {3}1\.50 {2}\(1\.4\)\nBad {7}– \(2171\)/);
    expect(out).toContain('claims  1 undecided');
    expect(code).toBe(1);
    expect(existsSync(join(folder.path, 'results'))).toBe(false);
  });

  test('a metric that was made without the field that a cell reads is told, the exit code is 1', async () => {
    const path = join(folder.path, 'lacking.yaml');
    const text = readFileSync(spec('toy'), 'utf8').replace('number.perplexity', 'number.perplexty');
    writeFileSync(path, text.replace('toy-pipeline.yaml', join(fixtures, 'toy-pipeline.yaml')));
    const { code, err } = await toy(folder.path, 'run', path, '--only', 'method=good');
    expect(err).toContain(
      "✗ the metrics of 'number[method=good]' have no number 'perplexty' (did you mean 'perplexity'?)\n",
    );
    expect(code).toBe(1);
  });

  test('several specs run one after the other, each under its title; the exit code is the worst', async () => {
    const { code, out } = await toy(folder.path, 'run', spec('failing'), spec('toy'));
    expect(out).toMatch(
      /^\nA toy\n\nGood {3}1\.50 {2}\(1\.4\)\nBad {7}–[\s\S]*\nA toy\n\nGood {3}★ 1\.50[\s\S]*claims {2}1 holds/,
    );
    expect(code).toBe(1);
  });

  test('of several specs none runs when one is wrong', async () => {
    const { code, err } = await toy(folder.path, 'run', spec('toy'), spec('invalid'), '--store', 'unused');
    expect(err).toMatch(/^\S*invalid\.yaml:\d+:\d+ /);
    expect(code).toBe(2);
    expect(existsSync(join(folder.path, 'unused'))).toBe(false);
  });

  test('a claim that does not hold is shown with its numbers, the exit code is 1', async () => {
    const { code, out } = await toy(folder.path, 'run', spec('wrong'));
    expect(out).toContain('✗ bad is better than good: Bad ≤ Good: 40.0 > 1.50 (paper: 2171 > 1.4)');
    expect(code).toBe(1);
  });

  test('a wrong spec is shown with its lines, the exit code is 2, and no store is made', async () => {
    for (const command of ['check', 'plan', 'run']) {
      const { code, err } = await toy(folder.path, command, spec('invalid'), '--store', 'none');
      expect(err).toMatch(/invalid\.yaml:\d+:\d+ /);
      expect(code).toBe(2);
    }
    expect(existsSync(join(folder.path, 'none'))).toBe(false);
  });
});

describe('Ctrl-C', () => {
  const folder = workFolder();
  afterAll(() => folder.remove());

  test.each(['SIGINT', 'SIGTERM'] as const)(
    '%s stops cleanly, and says what is kept and how to go on',
    async (signal) => {
      const args = ['run', spec('toy'), '--set', 'wait_ms=600000', '-j', '1', '--store', signal];
      const { child, ended } = start(toyProgram, folder.path, ...args);
      child.stderr?.on('data', (chunk: string) => {
        if (chunk.includes('started')) child.kill(signal);
      });
      const { code, out, err } = await ended;
      expect(err).toContain('stopping: ');
      expect(err).toMatch(
        /stopped after \d+:\d\d · \d finished units? of 4 (is|are) kept in SIG(INT|TERM) · go on with\n {2}lamina run /,
      );
      expect(out).toBe('');
      expect(code).toBe(130);
    },
  );
});

test('a second Ctrl-C ends at once what does not stop', async () => {
  const folder = workFolder();
  const slow = ['--set', 'pieces.wait_ms=600000', '--set', 'pieces.deaf=true'];
  const { child, ended } = start(toyProgram, folder.path, 'run', spec('toy'), ...slow);
  child.stderr?.on('data', (chunk: string) => {
    if (chunk.includes('started') || chunk.includes('stopping')) child.kill('SIGINT');
  });
  const { code, err } = await ended;
  expect(err).toContain('stopping: ');
  expect(err).not.toContain('stopped after');
  expect(code).toBe(130);
  folder.remove();
});

test('a reader that goes away ends the program without a word', async () => {
  const folder = workFolder();
  const { child, ended } = start(toyProgram, folder.path, 'stages');
  child.stdout?.destroy();
  expect((await ended).err).toBe('');
  folder.remove();
});
