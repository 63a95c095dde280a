// Bundles from the command line: what a reader can do with one, and what is believed of one that somebody changed.
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { filesBelow } from '../e2e/store-files.ts';
import { toy } from './in-process.ts';
import { type Ended, fixtures, workFolder } from './program.ts';

let folder: ReturnType<typeof workFolder>;
let table: Ended;
const path = (...names: string[]) => join(folder.path, ...names);
const quick = (...argv: string[]) => toy(folder.path, ...argv);
const listed = '13 files as they were written, 2 cells made again from their records\n';

beforeAll(async () => {
  folder = workFolder();
  mkdirSync(path('project'));
  for (const name of ['toy.yaml', 'toy-pipeline.yaml']) cpSync(join(fixtures, name), path('project', name));
  table = await toy(path('project'), 'run', 'toy.yaml');
  expect(table.code).toBe(0);
  expect((await toy(path('project'), 'bundle', 'toy.yaml', '--to', '../b')).code).toBe(0);
  for (const name of ['b.tar', 'c.tar'])
    expect((await toy(path('project'), 'bundle', 'toy.yaml', '--to', `../${name}`)).code).toBe(0);
  rmSync(path('project'), { recursive: true }); // a reader has nothing but the bundle
});
afterAll(() => folder.remove());

/** A copy of the bundle that somebody changes. */
async function changed(change: (copy: string) => void): Promise<Ended> {
  rmSync(path('copy'), { recursive: true, force: true });
  cpSync(path('b'), path('copy'), { recursive: true });
  change(path('copy'));
  return quick('verify', 'copy');
}

/** Writes another list, as somebody does who knows how. */
function relist(copy: string, change: (manifest: { files: { path: string; size: number; digest: string }[] }) => void) {
  const file = join(copy, 'bundle.json');
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  change(manifest);
  writeFileSync(file, JSON.stringify(manifest));
}

test('a reader verifies it, shows its table, and makes one cell again', async () => {
  expect(await quick('verify', 'b')).toEqual({
    code: 0,
    out: listed.replace('13', String(filesBelow(path('b')).length - 1)),
    err: '',
  });
  const shown = await quick('show', 'b');
  expect(shown.code).toBe(0);
  expect(shown.out).toContain(table.out.trim());
  const again = await toy(path('b'), 'run', 'toy.yaml', '--frozen', '--store', '../again', '--only', 'method=good');
  expect([again.code, again.out]).toEqual([0, expect.stringContaining('Good   1.50 (1.4)')]);
  expect(again.err).toContain('3 of 3');
  expect((await quick('verify', 'b')).code).toBe(0);
});

test('a cell that comes out otherwise is said, and fails', async () => {
  process.env.TOY_SHIFT = '0.25';
  const again = await toy(path('b'), 'run', 'toy.yaml', '--frozen', '--store', '../shifted', '--only', 'method=good');
  delete process.env.TOY_SHIFT;
  expect(again.code).toBe(1);
  expect(again.err).toContain("✗ cell 'good' came out as 1.75, 'toy.lock' holds 1.5\n");
});

test('any file that is changed, cut, gone, added or a link is named', async () => {
  const files = filesBelow(path('b'))
    .map((file) => file.slice(path('b').length + 1))
    .filter((file) => file !== 'bundle.json');
  expect(files.length).toBeGreaterThan(10);
  for (const name of files) {
    const { code, out } = await changed((copy) => {
      const bytes = readFileSync(join(copy, name));
      bytes[bytes.length - 1] = (bytes.at(-1) as number) ^ 1;
      rmSync(join(copy, name));
      writeFileSync(join(copy, name), bytes);
    });
    expect([code, out], name).toEqual([1, `'copy/${name}' was changed\n1 damaged\n`]);
  }
  expect((await changed((copy) => truncateSync(join(copy, 'toy.lock'), 3))).out).toMatch(
    /^'copy\/toy\.lock' has 3 bytes, expected \d+\n/,
  );
  expect((await changed((copy) => rmSync(join(copy, 'toy.yaml')))).out).toBe("'copy/toy.yaml' is gone\n1 damaged\n");
  expect((await changed((copy) => writeFileSync(join(copy, 'x.mjs'), ''))).out).toBe(
    "'copy/x.mjs' is not in the list of the bundle\n1 damaged\n",
  );
  const linked = await changed((copy) => {
    rmSync(join(copy, 'toy.yaml'));
    symlinkSync('/etc/passwd', join(copy, 'toy.yaml'));
  });
  expect(linked.out).toBe("'copy/toy.yaml' is no file, but a link, a folder or a device\n1 damaged\n");
});

test('a list that leads out of the bundle, or is none, is refused', async () => {
  for (const name of ['../secret', '/etc/passwd', 'a//b', 'a\\b']) {
    const { code, err } = await changed((copy) =>
      relist(copy, ({ files }) => files.push({ path: name, size: 1, digest: '' })),
    );
    expect([code, err]).toEqual([
      2,
      `error  'copy/bundle.json' names a file that cannot be ('${name}'): the bundle is damaged or means harm\n`,
    ]);
  }
  expect((await changed((copy) => writeFileSync(join(copy, 'bundle.json'), '{}'))).err).toContain(
    "is not the list of a bundle: 'format'",
  );
  expect((await quick('verify', 'nowhere')).err).toBe(
    "error  there is no 'nowhere': expected the folder or the file of a bundle\n",
  );
});

test('a number that somebody put into the table with all digests made new does not follow from its record', async () => {
  const forged = await changed((copy) => {
    const outcome = join(copy, 'results/toy/default');
    const cells = readFileSync(join(outcome, 'cells.json'), 'utf8').replace('"value": 1.5', '"value": 1.1');
    writeFileSync(join(outcome, 'cells.json'), cells);
    const sums = readFileSync(join(outcome, 'SHA256SUMS'), 'utf8').replace(
      /\w{64} {2}cells\.json/,
      `${sha256(cells)}  cells.json`,
    );
    writeFileSync(join(outcome, 'SHA256SUMS'), sums);
    relist(copy, ({ files }) => {
      for (const file of files) {
        const bytes = readFileSync(join(copy, file.path));
        Object.assign(file, { size: bytes.length, digest: sha256(bytes) });
      }
    });
  });
  expect([forged.code, forged.out]).toEqual([
    1,
    "cell 'good' is 1.1 in the table, and 1.5 in its metrics\n1 damaged\n",
  ]);
  const shown = await quick('show', 'copy');
  expect([shown.code, shown.err]).toEqual([1, "! cell 'good' is 1.1 in the table, and 1.5 in its metrics\n"]);
});

test('as one file it is verified and shown in the same way, and has the same bytes each time', async () => {
  expect(readFileSync(path('b.tar')).equals(readFileSync(path('c.tar')))).toBe(true);
  expect(readdirSync(folder.path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  expect(await quick('verify', 'b.tar')).toEqual(await quick('verify', 'b'));
  expect(await quick('show', 'b.tar')).toEqual(await quick('show', 'b'));
  expect(await quick('bundle', 'toy.yaml', '--to', 'b.tar')).toMatchObject({
    code: 2,
    err: "error  --to 'b.tar' is there already: name a file that is not\n",
  });
});

test('as one file that somebody changed it is refused, or the file in it is named', async () => {
  const bytes = readFileSync(path('b.tar'));
  const at = bytes.indexOf('experiment: toy');
  bytes.write('experiment: coy', at);
  writeFileSync(path('changed.tar'), bytes);
  const named = await quick('verify', 'changed.tar');
  expect([named.code, named.out]).toEqual([1, "'changed.tar/toy.yaml' was changed\n1 damaged\n"]);
  writeFileSync(path('changed.tar'), bytes.subarray(0, 5000));
  const cut = await quick('show', 'changed.tar');
  expect([cut.code, cut.err]).toEqual([2, expect.stringContaining("error  'changed.tar'")]);
  writeFileSync(path('other.tar'), readFileSync(path('b.tar')).subarray(-1024));
  expect((await quick('verify', 'other.tar')).err).toBe("error  'other.tar' is no bundle: it has no bundle.json\n");
});
