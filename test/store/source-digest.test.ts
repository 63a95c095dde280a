import { appendFileSync, mkdirSync, readFileSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { fileMemo, memoryMemo } from '../../store/digest-memo.ts';
import { fileIdentity, isSettled, statOrNone } from '../../store/file-identity.ts';
import { digestSource } from '../../store/source-digest.ts';
import { UserError } from '../../util/errors.ts';
import { emptyFolder } from './drafts.ts';

describe('the digest of a source', () => {
  it('of a folder does not depend on its place, its times or what version control keeps there', async () => {
    const [one, two] = [emptyFolder(), emptyFolder()];
    for (const folder of [one, two]) {
      mkdirSync(join(folder, 'b'));
      writeFileSync(join(folder, 'b', 'x'), '1');
      writeFileSync(join(folder, 'a'), '2');
    }
    mkdirSync(join(two, '.git'));
    writeFileSync(join(two, '.git', 'HEAD'), 'main');
    utimesSync(join(two, 'a'), 1, 1);
    const digests = await Promise.all([one, two].map((folder) => digestSource(folder, memoryMemo())));
    expect(digests[0]).toEqual(digests[1]);
    writeFileSync(join(two, 'c'), '');
    expect(await digestSource(two, memoryMemo())).not.toEqual(digests[0]);
  });

  it('follows a link inside the folder and refuses one that leads out', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'a'), '2');
    symlinkSync('a', join(folder, 'b'));
    await digestSource(folder, memoryMemo());
    symlinkSync('/etc/passwd', join(folder, 'c'));
    await expect(digestSource(folder, memoryMemo())).rejects.toThrow(
      `'${join(folder, 'c')}' leads out of the folder, to '/etc/passwd', so '${folder}' is not whole; copy the files there (cp -rL)`,
    );
  });

  it('says what the system refuses: links in a circle, a file for a folder, a name too long', async () => {
    const folder = emptyFolder();
    writeFileSync(join(folder, 'file'), '');
    symlinkSync('circle', join(folder, 'circle'));
    const refused = async (name: string, why: string) => {
      const path = join(folder, name);
      await expect(digestSource(path, memoryMemo())).rejects.toThrow(new UserError(`cannot read '${path}': ${why}`));
    };
    await refused('circle', 'its links lead in a circle');
    await refused('file/x', 'a part of the path is not a folder');
    await refused('a'.repeat(300), 'the name is too long');
  });

  it('says what is missing', async () => {
    const folder = emptyFolder();
    await expect(digestSource(join(folder, 'none'), memoryMemo())).rejects.toThrow(
      `'${join(folder, 'none')}' does not exist`,
    );
    writeFileSync(join(folder, 'train.jsonl'), '');
    await expect(digestSource(join(folder, 'trian.jsonl'), memoryMemo())).rejects.toThrow(
      `'${join(folder, 'trian.jsonl')}' does not exist (did you mean 'train.jsonl'?)`,
    );
    symlinkSync('none', join(folder, 'dangling'));
    await expect(digestSource(join(folder, 'dangling'), memoryMemo())).rejects.toThrow(
      `'${join(folder, 'dangling')}' is a link to 'none', which does not exist`,
    );
    await expect(digestSource(folder, memoryMemo())).rejects.toThrow(
      `cannot read '${join(folder, 'dangling')}': no such file or folder`,
    );
  });
});

describe('the memo of digests', () => {
  it('keeps a digest for the next process, once the file has come to rest', async () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'source'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'hello');
    await digestSource(path, fileMemo(memo, true));
    expect(statOrNone(memo)).toBeUndefined(); // just written: a change in the same tick would go unseen
    await sleep(150);
    await digestSource(path, fileMemo(memo, true));
    expect(JSON.parse(readFileSync(memo, 'utf8'))).toMatchObject({ path, digest: sha256('hello') });
    const stats = statOrNone(path);
    expect(stats && fileMemo(memo, false).get(stats)).toBe(sha256('hello'));
  });

  it('does not answer for a file that was written to, even with its size and time put back', async () => {
    const path = join(emptyFolder(), 'source');
    writeFileSync(path, 'hello');
    const { atime, mtime } = statSync(path);
    await sleep(150);
    const memo = memoryMemo();
    await digestSource(path, memo);
    writeFileSync(path, 'hellp');
    utimesSync(path, atime, mtime);
    expect((await digestSource(path, memo)).digest).toBe(sha256('hellp'));
  });

  it('ignores lines that a crash cut short', () => {
    const memo = join(emptyFolder(), 'digests.jsonl');
    const path = join(emptyFolder(), 'source');
    writeFileSync(path, 'hello');
    const stats = statOrNone(path);
    if (stats === undefined) throw new Error('no file');
    const line = JSON.stringify({ path, id: fileIdentity(stats), digest: sha256('hello') });
    writeFileSync(memo, `{"path": "x", "id"\n${line}\n{"path": "y", "id": "1:2", "dig`);
    expect(fileMemo(memo, true).get(stats)).toBe(sha256('hello'));
  });

  it('drops lines that are out of date when there are many', () => {
    const memo = join(emptyFolder(), 'digests.jsonl');
    for (let i = 0; i < 1200; i++) {
      appendFileSync(memo, `${JSON.stringify({ path: '/a', id: `1:${i}`, digest: sha256(String(i)) })}\n`);
    }
    fileMemo(memo, false);
    expect(readFileSync(memo, 'utf8').split('\n')).toHaveLength(1201);
    fileMemo(memo, true);
    expect(readFileSync(memo, 'utf8')).toBe(
      `${JSON.stringify({ path: '/a', id: '1:1199', digest: sha256('1199') })}\n`,
    );
  });

  it('takes whole-second times for a coarse clock', () => {
    const path = join(emptyFolder(), 'source');
    writeFileSync(path, '');
    utimesSync(path, 1000, 1000);
    const stats = statOrNone(path);
    if (stats === undefined) throw new Error('no file');
    const changed_ms = Number(stats.ctimeNs / 1_000_000n);
    expect(isSettled(stats, changed_ms + 500)).toBe(false);
    expect(isSettled(stats, changed_ms + 3000)).toBe(true);
  });
});
