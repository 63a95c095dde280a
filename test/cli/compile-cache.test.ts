// Compiled code is kept for one user alone.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compileCacheFolder } from '../../cli/common/compile-cache.ts';
import { namesIn } from '../../util/names-in.ts';
import { realProgram, startWith } from './program.ts';

const user = process.getuid?.() ?? 0;

function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lamina-cli-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe.skipIf(process.getuid === undefined)('the folder for compiled code', () => {
  test('is made for its user, and taken again', () => {
    const temporary = emptyFolder();
    const folder = join(temporary, `lamina-compiled-${user}`);
    expect(compileCacheFolder(temporary, user)).toBe(folder);
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(compileCacheFolder(temporary, user)).toBe(folder);
  });

  test('is refused where somebody else could have put something there', () => {
    const makes: ((path: string) => void)[] = [
      (path) => mkdirSync(path),
      (path) => symlinkSync(emptyFolder(), path),
      (path) => writeFileSync(path, ''),
    ];
    for (const [i, make] of makes.entries()) {
      const temporary = emptyFolder();
      make(join(temporary, `lamina-compiled-${user}`));
      if (i === 0) chmodSync(join(temporary, `lamina-compiled-${user}`), 0o777);
      expect(compileCacheFolder(temporary, user)).toBeUndefined();
    }
    const temporary = emptyFolder();
    mkdirSync(join(temporary, `lamina-compiled-${user + 1}`)); // another one's, who is not this process
    expect(compileCacheFolder(temporary, user + 1)).toBeUndefined();
    expect(compileCacheFolder(join(temporary, 'none'), user)).toBeUndefined();
  });

  test('holds the program after a start, where Node keeps any', async () => {
    const temporary = emptyFolder();
    const { code } = await startWith({ TMPDIR: temporary }, realProgram, temporary, '--version').ended;
    expect(code).toBe(0);
    expect(namesIn(temporary)).toEqual('enableCompileCache' in module ? [`lamina-compiled-${user}`] : []);
    const kept = namesIn(join(temporary, `lamina-compiled-${user}`));
    expect(kept).toHaveLength('enableCompileCache' in module ? 1 : 0);
  });
});
