// `lamina show` in this process: what it prints and writes, from a run in a store and from a kept outcome.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { show } from '../../cli/commands/show.ts';
import type { Context } from '../../cli/common/context.ts';
import { readOutcome, sumsOf } from '../../cli/result/outcome-folder.ts';
import { writeOutcome } from '../../cli/result/write-outcome.ts';
import type { JsonObject } from '../../contract/stage.ts';
import { sha256 } from '../../store/digest.ts';
import { identityOf, shortNameOf } from '../../store/process-identity.ts';
import { saveRun } from '../../store/runs/runs.ts';
import { UserError } from '../../util/errors.ts';
import { figure, made } from '../report/made.ts';
import { capturedTerminal } from './captured.ts';

const home = process.cwd();
const folder = mkdtempSync(join(tmpdir(), 'lamina-show-'));
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true });
});

beforeEach(() => {
  process.chdir(folder);
  for (const name of readdirSync('.')) rmSync(name, { recursive: true });
});

const keep = (result: object) => {
  mkdirSync('.lamina', { recursive: true });
  return saveRun('.lamina', made.experiment, made.run, 'result', result as JsonObject);
};

async function shown(name: string, flags: object = {}): Promise<{ out: string; err: string }> {
  const { terminal, text } = capturedTerminal();
  const context = { terminal } as unknown as Context;
  await show([name], { store: '.lamina', format: 'text', ...flags }, context);
  return text;
}

describe('a run in the store', () => {
  test('is shown as one HTML page', async () => {
    keep(made);
    const { out } = await shown('table-2', { format: 'html' });
    expect(out).toMatch(/^<!doctype html>/);
    expect(out).toContain('id="timings"');
    expect(out).toContain('id="provenance"');
  });

  test('is written to a file instead, in any form', async () => {
    keep(made);
    for (const format of ['text', 'md', 'latex', 'csv', 'json', 'html']) {
      const { out, err } = await shown('table-2', { format, out: `new/table.${format}` });
      const leftOut = 'the figures are left out: name a folder for them with --figures DIR\n';
      expect([out, err]).toEqual(['', `${format === 'md' ? leftOut : ''}new/table.${format}\n`]);
      expect(readFileSync(`new/table.${format}`, 'utf8')).toBe((await shown('table-2', { format })).out);
    }
  });

  test('is an Arrow file with a row for each cell', async () => {
    keep(made);
    await shown('table-2', { format: 'arrow', out: 'new/cells.arrow' });
    const table = tableFromIPC(readFileSync('new/cells.arrow'));
    expect(table.numRows).toBe(made.cells.length);
    expect(table.toArray()[0]?.toJSON()).toMatchObject({
      method: 'original',
      seed: 0n,
      value: 1.5,
      paper: 3,
      n: 1000n,
    });
    expect(readdirSync('new')).toEqual(['cells.arrow']);
    await expect(shown('table-2', { format: 'arrow' })).rejects.toThrow(
      "the format 'arrow' is not text: say with --out FILE where it is to be written",
    );
  });

  test('is a Parquet file with the columns and the rows of the Arrow file', async () => {
    keep(made);
    await shown('table-2', { format: 'arrow', out: 'new/cells.arrow' });
    await shown('table-2', { format: 'parquet', out: 'new/cells.parquet' });
    const rows = await parquetReadObjects({ file: await asyncBufferFromFile('new/cells.parquet') });
    expect(rows).toEqual(
      tableFromIPC(readFileSync('new/cells.arrow'))
        .toArray()
        .map((row) => row.toJSON()),
    );
    expect(readdirSync('new').toSorted()).toEqual(['cells.arrow', 'cells.parquet']);
    await expect(shown('table-2', { format: 'parquet' })).rejects.toThrow(
      "the format 'parquet' is not text: say with --out FILE where it is to be written",
    );
  });

  test('has its figures and the picture of its stages written as SVG, which Markdown then shows', async () => {
    keep(made);
    const { err } = await shown('table-2', { figures: 'pictures', format: 'md', out: 'text/table.md' });
    expect(readdirSync('pictures').sort()).toEqual(['bars.svg', 'by-method.svg', 'map.svg', 'stages.svg']);
    expect(err).toBe(
      'pictures/by-method.svg\npictures/bars.svg\npictures/map.svg\npictures/stages.svg\ntext/table.md\n',
    );
    expect(readFileSync('text/table.md', 'utf8')).toContain('](../pictures/bars.svg)');
    expect((await shown('table-2', { format: 'md' })).out).not.toContain('.svg)');
  });

  test('of an older lamina is shown without what it did not keep', async () => {
    const { cell_notes: _notes, figures: _figures, provenance: _provenance, timings: _timings, ...older } = made;
    keep(older);
    expect((await shown('table-2', { format: 'html' })).out).not.toContain('id="figures"');
    expect((await shown('table-2')).out).toContain('SHARP');
  });

  test('cannot be shown in a form that does not exist, or be written where nothing can be', async () => {
    keep(made);
    await expect(shown('table-2', { format: 'htm' })).rejects.toThrow("unknown format 'htm' (did you mean 'html'?)");
    writeFileSync('file', '');
    const denied = shown('table-2', { format: 'html', out: 'file/page.html' });
    await expect(denied).rejects.toThrow(UserError);
    await expect(shown('table-2', { figures: 'file/pictures' })).rejects.toThrow(/^cannot write 'file\/pictures': /);
  });
});

describe('a kept outcome', () => {
  test('has the cells twice, the table, the making and the figures, and is the same each time', async () => {
    const place = await writeOutcome(made);
    const read = () => files.map((name) => readFileSync(join(place, name)));
    const files = [
      'SHA256SUMS',
      'cells.arrow',
      'cells.json',
      'figures/bars.svg',
      'figures/by-method.svg',
      'figures/map.svg',
      'provenance.json',
      'table.md',
    ];
    const all = readdirSync(place, { recursive: true, encoding: 'utf8' }).sort();
    expect(all.filter((name) => name !== 'figures')).toEqual(files);
    const before = read();
    await writeOutcome({ ...made, run: '2027-01-01T00-00-00Z', timings: null });
    expect(read()).toEqual(before);
    const [sums, ...others] = before;
    expect(others.some((bytes) => /2026|duration|peak/.test(bytes.toString()))).toBe(false);
    expect(sums?.toString()).toBe(
      files
        .slice(1)
        .map((name, i) => `${sha256(others[i] as Buffer)}  ${name}\n`)
        .join(''),
    );
  });

  test('of runs that end together is that of one of them, whole, with nothing left beside it', async () => {
    const runs = [1, 2, 3, 4].map((value) => ({ ...made, cells: made.cells.map((cell) => ({ ...cell, value })) }));
    const [place = ''] = await Promise.all(runs.map(writeOutcome));
    expect(readFileSync(join(place, 'SHA256SUMS'), 'utf8')).toBe(sumsOf(place));
    const values = readOutcome(place).cells.map(({ value }) => value);
    expect(new Set(values).size).toBe(1);
    const arrow = tableFromIPC(readFileSync(join(place, 'cells.arrow')));
    expect(arrow.toArray().map((row) => row.toJSON().value)).toEqual(values);
    expect(readdirSync('results/table-2')).toEqual(['tiny']);
  });

  test('takes away what killed processes left, and waits for no dead one', async () => {
    const dead = shortNameOf({ ...identityOf(), pid: 2 ** 22 + 1, started: '1' });
    const left = (id: number) => `${dead}.00000000-0000-0000-0000-00000000000${id}.tmp`;
    mkdirSync(join('results/table-2', left(1), 'figures'), { recursive: true });
    mkdirSync('results/table-2/tiny');
    writeFileSync(join('results/table-2/tiny', left(2)), '{');
    const gone = { ...identityOf(), pid: 2 ** 22 + 1, started: '1' };
    writeFileSync('results/table-2/tiny.lock', JSON.stringify(gone));
    const place = await writeOutcome(made);
    expect(readdirSync('results/table-2')).toEqual(['tiny']);
    expect(readdirSync(place).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('loses figures that the spec has no more, and nothing else', async () => {
    const place = await writeOutcome(made);
    writeFileSync(join(place, 'figures/notes.txt'), 'mine');
    await writeOutcome({ ...made, figures: [figure({ name: 'bars' })] });
    expect(readdirSync(join(place, 'figures')).sort()).toEqual(['bars.svg', 'notes.txt']);
  });

  test('is shown without a store: everything but the timings', async () => {
    await writeOutcome(made);
    const { out, err } = await shown('table-2', { format: 'html' });
    expect(err).toContain('this is the outcome kept in results/table-2/tiny');
    expect(out).toContain('id="provenance"');
    expect(out).toContain('id="figures"');
    expect(out).not.toContain('id="timings"');
    expect(existsSync('.lamina')).toBe(false);
  });

  test('that was damaged is refused', async () => {
    const place = await writeOutcome(made);
    writeFileSync(join(place, 'provenance.json'), '{"nodes": 1}');
    await expect(shown('table-2')).rejects.toThrow(
      "'results/table-2/tiny/provenance.json' is not what was written, by 'SHA256SUMS' beside it: take both from git again, or remove 'SHA256SUMS' if 'provenance.json' was changed on purpose",
    );
    rmSync(join(place, 'SHA256SUMS'));
    await expect(shown('table-2')).rejects.toThrow(
      "'results/table-2/tiny/provenance.json' does not say how a run was made: 'nodes': expected a list, got 1",
    );
  });

  test('may have the line ends of another system, and may be changed on purpose', async () => {
    const place = await writeOutcome(made);
    const { out } = await shown('table-2');
    const file = join(place, 'cells.json');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replaceAll('\n', '\r\n'));
    expect((await shown('table-2')).out).toBe(out);
    rmSync(join(place, 'SHA256SUMS'));
    writeFileSync(file, text.replace('"title": "A table', '"title": "Our table'));
    expect((await shown('table-2')).out).toContain('Our table');
  });

  test('has each cell in its place', async () => {
    const place = await writeOutcome(made);
    rmSync(join(place, 'SHA256SUMS'));
    const file = join(place, 'cells.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"method": "original"', '"method": "origimal"'));
    await expect(shown('table-2')).rejects.toThrow(
      "'results/table-2/tiny/cells.json' is not the result of a run: 'cells.0.axes': expected a value of axis 'method'",
    );
  });
});
