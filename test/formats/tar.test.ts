// Tar archives: the same bytes for the same files, read by others and from others, and nothing believed of strangers'.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { unpackTar, writeTar } from '../../formats/archive/tar.ts';
import { fileHeader, padding } from '../../formats/archive/tar-header.ts';
import { isSafePath } from '../../hub/name.ts';
import { filesBelow } from '../e2e/store-files.ts';

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-tar-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function put(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}

const contentOf = (folder: string) =>
  Object.fromEntries(filesBelow(folder).map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]));

const unpack = (path: string, to: string) => unpackTar(path, to, { entries: 100, isSafe: isSafePath });

const long = `${'d'.repeat(90)}/${'e'.repeat(60)}/${'f'.repeat(99)}`;
const longer = `${'d'.repeat(120)}/${'g'.repeat(150)}`;
const files = {
  'a.txt': 'hello',
  empty: '',
  'b/c.bin': 'x'.repeat(512),
  'ä/ö.txt': 'umlauts',
  [long]: '1',
  [longer]: '2',
};

const hasTar = spawnSync('tar', ['--version']).status === 0;

test('what is written is read again, the same files have the same bytes, whatever their times and permissions', async () => {
  const folder = emptyFolder();
  put(join(folder, 'in'), files);
  await writeTar(join(folder, 'one.tar'), join(folder, 'in'), 'root', Object.keys(files));
  await unpack(join(folder, 'one.tar'), join(folder, 'out'));
  expect(contentOf(join(folder, 'out'))).toEqual(files);
  await writeTar(join(folder, 'two.tar'), join(folder, 'out'), 'root', Object.keys(files));
  expect(readFileSync(join(folder, 'two.tar')).equals(readFileSync(join(folder, 'one.tar')))).toBe(true);
});

test('any paths and contents come back', async () => {
  const part = fc.stringMatching(/^[a-zäß€ _.-]{1,70}$/).filter((text) => !/^\.+$/.test(text));
  const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => `d/${parts.join('/')}`);
  const made = fc.uniqueArray(fc.tuple(path, fc.string({ maxLength: 1200 })), {
    selector: ([name]) => name,
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(made, async (list) => {
      // a file cannot be a folder too
      const own = list.filter(([name]) => !list.some(([other]) => other.startsWith(`${name}/`)));
      const folder = mkdtempSync(join(tmpdir(), 'lamina-tar-'));
      try {
        put(join(folder, 'in'), Object.fromEntries(own));
        await writeTar(
          join(folder, 'x.tar'),
          join(folder, 'in'),
          'root',
          own.map(([name]) => name),
        );
        await unpack(join(folder, 'x.tar'), join(folder, 'out'));
        expect(contentOf(join(folder, 'out'))).toEqual(contentOf(join(folder, 'in')));
      } finally {
        rmSync(folder, { recursive: true });
      }
    }),
    { numRuns: 50 },
  );
});

test.skipIf(!hasTar)(
  'the system’s tar reads it, and what that writes in its forms is read (skipped where there is no tar)',
  async () => {
    const folder = emptyFolder();
    put(join(folder, 'in'), files);
    await writeTar(join(folder, 'x.tar'), join(folder, 'in'), 'root', Object.keys(files));
    execFileSync('tar', ['xf', 'x.tar'], { cwd: folder, env: { ...process.env, LC_ALL: 'C.UTF-8' } });
    expect(contentOf(join(folder, 'root'))).toEqual(files);
    for (const form of ['ustar', 'gnu', 'pax']) {
      const { [longer]: _, ...fitting } = files;
      put(join(folder, form, 'root'), form === 'ustar' ? fitting : files);
      const made = spawnSync('tar', [`--format=${form}`, '-cf', `${form}.tar`, '-C', form, './root'], { cwd: folder });
      if (made.status !== 0) continue; // another tar than GNU's
      await unpack(join(folder, `${form}.tar`), join(folder, `${form}-out`));
      expect(contentOf(join(folder, `${form}-out`))).toEqual(form === 'ustar' ? fitting : files);
    }
    symlinkSync('/etc/passwd', join(folder, 'in', 'link'));
    execFileSync('tar', ['-cf', 'linked.tar', 'in'], { cwd: folder });
    await expect(unpack(join(folder, 'linked.tar'), join(folder, 'no'))).rejects.toThrow(
      "'in/link' is no file, but a symbolic link",
    );
  },
);

/** An archive of these entries, whatever they say. */
function archive(folder: string, entries: readonly (readonly [string, string])[], end = 1024): string {
  const path = join(folder, 'strange.tar');
  const blocks = entries.flatMap(([name, text]) => [
    fileHeader(name, text.length),
    Buffer.from(text),
    padding(text.length),
  ]);
  writeFileSync(path, Buffer.concat([...blocks, Buffer.alloc(end)]));
  return path;
}

test.each([
  [[['x/../../secret', '1']], /has a file that cannot be \('x\/..\/..\/secret'\): it is damaged or means harm/],
  [[['/etc/passwd', '1']], /has a file that cannot be/],
  [[['x/a\\b', '1']], /has a file that cannot be/],
  [
    [
      ['x/a', '1'],
      ['y/b', '1'],
    ],
    /expected all files in the folder 'x', got 'y\/b'/,
  ],
  [[['alone', '1']], /expected all files in the folder 'alone', got 'alone'/],
  [
    [
      ['x/a', '1'],
      ['x/a', '2'],
    ],
    /has 'x\/a' twice: it is damaged or means harm/,
  ],
  [
    [
      ['x/a', '1'],
      ['x/a/b', '2'],
    ],
    /cannot unpack '.*': a part of the path is not a folder|cannot unpack '.*': a file is in the way/,
  ],
  [Array.from({ length: 101 }, (_, i) => [`x/${i}`, '']), /expected at most 100 files, there are more/],
] as [[string, string][], RegExp][])('%j is refused', async (entries, sentence) => {
  const folder = emptyFolder();
  await expect(unpack(archive(folder, entries), join(folder, 'out'))).rejects.toThrow(sentence);
  if (!sentence.source.includes('unpack')) expect(filesBelow(join(folder, 'out'))).toEqual([]);
});

test('one that was cut, lies about a size or is something else is refused with its place', async () => {
  const folder = emptyFolder();
  const path = archive(folder, [['x/a', 'hello']], 0);
  await expect(unpack(path, join(folder, 'out'))).rejects.toThrow(
    'expected two empty blocks at the end, the archive was cut',
  );
  const whole = readFileSync(archive(folder, [['x/a', 'hello'.repeat(300)]]));
  writeFileSync(path, whole.subarray(0, 1200));
  await expect(unpack(path, join(folder, 'out'))).rejects.toThrow(
    'byte 0: expected 1500 bytes of a file, the archive ends before',
  );
  writeFileSync(path, 'PK'.repeat(600));
  await expect(unpack(path, join(folder, 'out'))).rejects.toThrow(
    `'${path}', byte 0: expected a header of a tar archive`,
  );
});

test('damaged in any byte of its headers it is refused, or gives files of the same bounds; never anything else', async () => {
  const folder = emptyFolder();
  put(join(folder, 'in'), files);
  await writeTar(join(folder, 'x.tar'), join(folder, 'in'), 'root', Object.keys(files));
  const whole = readFileSync(join(folder, 'x.tar'));
  let refused = 0;
  for (let i = 0; i < 200; i++) {
    const bytes = Buffer.from(whole);
    const at = (i * 7919) % bytes.length;
    bytes[at] = (bytes[at] as number) ^ (1 << (i % 8));
    writeFileSync(join(folder, 'y.tar'), bytes);
    const out = join(folder, `out-${i}`);
    try {
      await unpack(join(folder, 'y.tar'), out);
      expect(filesBelow(out)).toHaveLength(Object.keys(files).length);
    } catch (error) {
      expect((error as Error).name).toBe('UserError');
      refused++;
    }
    rmSync(out, { recursive: true, force: true });
  }
  expect(refused).toBeGreaterThan(30);
});
