import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { keepEnd, keepStart, loadEnd, loadStart, type RunEnd, statusWithoutEnd } from '../../store/runs/run-record.ts';
import {
  dropRun,
  listExperiments,
  listRuns,
  loadRun,
  lookForExperiments,
  lookForRuns,
  reserveRun,
  saveRun,
} from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import { emptyFolder } from './drafts.ts';

const noon = new Date('2026-11-22T12:00:00Z');
const anHourBack = new Date('2026-11-22T11:00:00Z');
const old = '2026-11-22T15-02-11Z';

describe('the files of runs', () => {
  it('are kept by experiment and run', () => {
    const store = emptyFolder();
    expect(listExperiments(store)).toEqual([]);
    saveRun(store, 'quickstart', old, 'result', { cells: [1] });
    saveRun(store, 'quickstart', '2026-11-21T15-02-11Z', 'result', { cells: [] });
    expect(listExperiments(store)).toEqual(['quickstart']);
    expect(listRuns(store, 'quickstart')).toEqual(['2026-11-21T15-02-11Z', old]);
    expect(loadRun(store, 'quickstart', old, 'result')).toEqual({ cells: [1] });
    expect(loadRun(store, 'quickstart', old, 'plan')).toBeUndefined();
    expect(listRuns(store, 'none')).toEqual([]);
  });

  it('cannot be made to lead out of the store', () => {
    const store = emptyFolder();
    for (const name of ['..', '../x', 'a/b', '', '.hidden']) {
      expect(() => loadRun(store, 'quickstart', name, 'result')).toThrow('cannot name a run or an experiment');
      expect(() => listRuns(store, name)).toThrow('cannot name a run or an experiment');
      expect(() => reserveRun(store, name, noon)).toThrow('cannot name a run or an experiment');
    }
  });

  it('are plain JSON with a digest of themselves, so that no changed byte is believed', () => {
    const store = emptyFolder();
    const run = reserveRun(store, 'quickstart', noon);
    for (const value of [{}, { a: {} }, { text: '\n}\n', list: [1.5, null, { b: '"sha256": "x"' }] }]) {
      const path = saveRun(store, 'quickstart', run, 'result', value);
      const bytes = readFileSync(path);
      expect(JSON.parse(bytes.toString())).toEqual({ ...value, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
      expect(loadRun(store, 'quickstart', run, 'result')).toEqual(value);
      for (let i = 0; i < bytes.length; i++) {
        const changed = Buffer.from(bytes);
        changed[i] = (changed[i] as number) ^ 1;
        writeFileSync(path, changed);
        expect(() => loadRun(store, 'quickstart', run, 'result'), `byte ${i}`).toThrow(`'${path}' is damaged: `);
      }
    }
  });

  it('have large members apart, which runs that have the same share', () => {
    const store = emptyFolder();
    const nodes = Array.from({ length: 5000 }, (_, i) => ({ node: `data[cell=${i}]`, key: 'k'.repeat(64) }));
    const [first, second, third] = [noon, noon, noon].map((at) => reserveRun(store, 'grid', at)) as [
      string,
      string,
      string,
    ];
    const folder = (run: string) => join(store, 'runs/grid', run);
    const partsOf = (run: string) => readdirSync(folder(run)).filter((name) => name.startsWith('part-'));
    for (const run of [first, second]) {
      const path = saveRun(store, 'grid', run, 'outcome', { status: 'done', nodes, run });
      expect(statSync(path).size).toBeLessThan(1000);
      expect(loadRun(store, 'grid', run, 'outcome')).toEqual({ status: 'done', nodes, run });
    }
    expect(partsOf(first)).toHaveLength(1);
    expect(partsOf(second)).toEqual(partsOf(first));
    const part = (run: string) => join(folder(run), partsOf(run)[0] as string);
    expect(statSync(part(second)).ino).toBe(statSync(part(first)).ino);

    // what is damaged is told, and not taken over
    writeFileSync(part(second), readFileSync(part(second), 'utf8').replace('cell=7]', 'cell=8]'));
    expect(() => loadRun(store, 'grid', second, 'outcome')).toThrow(`'${part(second)}' is damaged: its bytes`);
    saveRun(store, 'grid', third, 'outcome', { nodes });
    expect(loadRun(store, 'grid', third, 'outcome')).toEqual({ nodes });
    rmSync(part(third));
    expect(() => loadRun(store, 'grid', third, 'outcome')).toThrow('no such file');
  });

  it('that are written anew leave no part of before', () => {
    const store = emptyFolder();
    const run = reserveRun(store, 'grid', noon);
    const folder = join(store, 'runs/grid', run);
    const list = (text: string) => Array.from({ length: 2000 }, () => text.repeat(64));
    saveRun(store, 'grid', run, 'plan', { axes: list('a'), settings: list('b') });
    saveRun(store, 'grid', run, 'plan', { axes: list('a'), settings: list('c') });
    expect(readdirSync(folder)).toHaveLength(3);
    expect(loadRun(store, 'grid', run, 'plan')).toEqual({ axes: list('a'), settings: list('c') });
  });

  it('of before they had digests are still read', () => {
    const store = emptyFolder();
    const folder = join(store, 'runs/quickstart', old);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'result.json'), '{"cells": [1]}');
    expect(loadRun(store, 'quickstart', old, 'result')).toEqual({ cells: [1] });
    const run = reserveRun(store, 'quickstart', noon);
    writeFileSync(join(store, 'runs/quickstart', run, 'result.json'), '{"cells": [1]}');
    expect(() => loadRun(store, 'quickstart', run, 'result')).toThrow('is damaged: it lacks its digest');
  });

  it.each([
    ['{"cells": [1', 'is damaged: expected JSON, got text that ends too early'],
    ['', 'is damaged: expected JSON, got nothing'],
    ['[1]', 'is damaged: expected a JSON object'],
    ['{"sha256": "x"}', 'is damaged: it lacks its digest'],
  ])('that are %j are refused', (text, sentence) => {
    const store = emptyFolder();
    const path = saveRun(store, 'quickstart', old, 'result', {});
    writeFileSync(path, text);
    expect(() => loadRun(store, 'quickstart', old, 'result')).toThrow(new UserError(`'${path}' ${sentence}`));
    rmSync(path);
    mkdirSync(path);
    expect(() => loadRun(store, 'quickstart', old, 'result')).toThrow(`'${path}' is damaged: expected a file`);
  });

  it('stand beside strays, which are named and take nothing away', () => {
    const store = emptyFolder();
    const run = reserveRun(store, 'quickstart', noon);
    const place = (name: string) => join(store, 'runs', name);
    writeFileSync(place('notes.txt'), '');
    writeFileSync(place('.DS_Store'), '');
    mkdirSync(place('a b'));
    writeFileSync(place('quickstart/17'), '');
    mkdirSync(place('quickstart/copy of a run'));
    symlinkSync('nowhere', place(`quickstart/9-${old}`));
    symlinkSync(run, place(`quickstart/8-${old}`));
    expect(lookForExperiments(store)).toEqual({
      names: ['quickstart'],
      strays: [
        `'${place('a b')}' is no experiment: it is not named like one`,
        `'${place('notes.txt')}' is no experiment: expected a folder`,
      ],
    });
    expect(lookForRuns(store, 'quickstart')).toEqual({
      names: [run, `8-${old}`],
      strays: [
        `'${place('quickstart/17')}' is no run: expected a folder`,
        `'${place(`quickstart/9-${old}`)}' is no run: expected a folder`,
        `'${place('quickstart/copy of a run')}' is no run: it is not named like one`,
      ],
    });
  });
});

describe('a run', () => {
  it('has a number of its own, counted within its experiment, whatever the clock says', () => {
    const store = emptyFolder();
    saveRun(store, 'a', old, 'result', {});
    expect(reserveRun(store, 'a', noon)).toBe('1-2026-11-22T12-00-00Z');
    expect(reserveRun(store, 'a', anHourBack)).toBe('2-2026-11-22T11-00-00Z');
    expect(reserveRun(store, 'a', anHourBack)).toBe('3-2026-11-22T11-00-00Z');
    expect(reserveRun(store, 'b', noon)).toBe('1-2026-11-22T12-00-00Z');
    expect(listRuns(store, 'a')).toEqual([
      old,
      '1-2026-11-22T12-00-00Z',
      '2-2026-11-22T11-00-00Z',
      '3-2026-11-22T11-00-00Z',
    ]);
  });

  it('never gets the number of one that was removed, nor of one that came from another store', () => {
    const store = emptyFolder();
    dropRun(store, 'a', reserveRun(store, 'a', noon));
    expect(listRuns(store, 'a')).toEqual([]);
    mkdirSync(join(store, 'runs/a/7-2026-11-22T12-00-00Z'), { recursive: true });
    expect(reserveRun(store, 'a', noon)).toBe('8-2026-11-22T12-00-00Z');
    rmSync(join(store, 'run-numbers'), { recursive: true });
    expect(reserveRun(store, 'a', noon)).toBe('9-2026-11-22T12-00-00Z');
  });

  it('has a folder of its own when many processes begin at once', async () => {
    const store = emptyFolder();
    const program = join(import.meta.dirname, 'fixtures/reserve-runs.mjs');
    const children = Array.from({ length: 16 }, () =>
      spawn(process.execPath, [program, store, '20'], { stdio: ['pipe', 'pipe', 'inherit'] }),
    );
    const texts = children.map(async (child) => {
      let text = '';
      for await (const chunk of child.stdout) text += String(chunk);
      return text;
    });
    await Promise.all(children.map((child) => once(child.stdout, 'readable')));
    for (const child of children) child.stdin.end('go\n');
    const lines = (await Promise.all(texts)).flatMap((text) =>
      text
        .trim()
        .split('\n')
        .filter((line) => line !== 'ready'),
    );
    expect(lines.length).toBe(320);
    expect(new Set(lines).size).toBe(320);
    const numbers = lines.map((line) => Number(line.split('-')[0])).sort((a, b) => a - b);
    expect(numbers).toEqual(Array.from({ length: 320 }, (_, i) => i + 1));
    expect(readdirSync(join(store, 'runs/many')).sort()).toEqual(lines.sort());
  });
});

describe('the beginning and the end of a run', () => {
  const start = { profile: 'tiny', spec: 'e.yaml', overrides: [], started: noon.toISOString(), lamina: '0' };
  const end: RunEnd = {
    status: 'failed',
    ended: noon.toISOString(),
    duration_ms: 5,
    finished: 3,
    units: 4,
    cells: 2,
    measured: 1,
    claims: { hold: 0, fail: 0, undecided: 1 },
    failures: [
      { node: 'n', stage: 's', cell: 'a=b', units: [''], keys: ['k', null], reason: 'bug', message: 'm', log: null },
    ],
    troubles: ['t'],
  };

  it('are read back as they were kept', () => {
    const store = emptyFolder();
    const run = reserveRun(store, 'a', noon);
    expect([loadStart(store, 'a', run), loadEnd(store, 'a', run)]).toEqual([undefined, undefined]);
    keepStart(store, 'a', run, start);
    keepEnd(store, 'a', run, end);
    expect(loadEnd(store, 'a', run)).toEqual(end);
    const kept = loadStart(store, 'a', run);
    expect(kept).toEqual({ ...start, process: expect.objectContaining({ pid: process.pid }) });
    expect(kept && statusWithoutEnd(kept)).toBe('running');
  });

  it('without an end say whether the process is still there', () => {
    const store = emptyFolder();
    const run = reserveRun(store, 'a', noon);
    keepStart(store, 'a', run, start);
    const kept = loadStart(store, 'a', run) as NonNullable<ReturnType<typeof loadStart>>;
    const other = (process: object) => statusWithoutEnd({ ...kept, process: { ...kept.process, ...process } });
    expect(other({ boot: 'before the restart' })).toBe('died');
    expect(other({ started: '1' })).toBe('died');
    expect(other({ host: 'elsewhere' })).toBe('unknown');
  });

  it('of a later lamina are not guessed at', () => {
    const store = emptyFolder();
    const run = reserveRun(store, 'a', noon);
    saveRun(store, 'a', run, 'end', { format: 'lamina-run-end', version: 2 });
    expect(() => loadEnd(store, 'a', run)).toThrow(
      `'end.json' of run 'a@${run}' has the format "lamina-run-end", version 2, which this lamina does not know`,
    );
    saveRun(store, 'a', run, 'end', { format: 'lamina-run-end', version: 1, ...end, units: -0.5 } as never);
    expect(() => loadEnd(store, 'a', run)).toThrow(
      `'end.json' of run 'a@${run}' is damaged: 'units': expected a whole number, got -0.5`,
    );
  });
});
