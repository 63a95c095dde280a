import {
  appendFileSync,
  type BigIntStats,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { sha256 } from '../../store/digest.ts';
import { fileMemo, memoryMemo } from '../../store/digest-memo.ts';
import { fileIdentity, isSettled, statOrNone } from '../../store/file-identity.ts';
import { digestSource } from '../../store/source-digest.ts';
import { usualTrust } from '../../store/trust.ts';
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

/** Any size is large, so that small files show what is done with large ones. */
const allLarge = { ...usualTrust, small_bytes: -1 };

function statsOf(path: string): BigIntStats {
  const stats = statOrNone(path);
  if (stats === undefined) throw new Error('no file');
  return stats;
}

describe('the memo of digests', () => {
  it('keeps a digest for the next process, once the file has come to rest', async () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'source'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'hello');
    await digestSource(path, fileMemo(memo, true, allLarge));
    expect(statOrNone(memo)).toBeUndefined(); // just written: a change in the same tick would go unseen
    await settled(path);
    await digestSource(path, fileMemo(memo, true, allLarge));
    expect(JSON.parse(readFileSync(memo, 'utf8'))).toMatchObject({ path, digest: sha256('hello') });
    expect(fileMemo(memo, false, allLarge).get(statsOf(path))).toBe(sha256('hello'));
  });

  it('keeps nothing of small files: each process reads them itself, and once', async () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'source'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'hello');
    await settled(path);
    const own = fileMemo(memo, true);
    await digestSource(path, own);
    expect(own.get(statsOf(path))).toBe(sha256('hello'));
    expect(statOrNone(memo)).toBeUndefined();
    fileMemo(memo, true, allLarge).put(path, statsOf(path), sha256('hello')); // as if it had been written nevertheless
    expect(fileMemo(memo, true).get(statsOf(path))).toBeUndefined();
  });

  it('believes a reading of this host for a week, and no other', () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'source'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'hello');
    fileMemo(memo, true, allLarge).put(path, statsOf(path), sha256('hello'));
    const line = JSON.parse(readFileSync(memo, 'utf8'));
    const found = (change: object) => {
      const changed = { ...line, ...change };
      writeFileSync(memo, `${JSON.stringify({ ...changed, sum: sumOf(changed) })}\n`);
      return fileMemo(memo, false, allLarge).get(statsOf(path));
    };
    const day_ms = 86_400_000;
    expect(found({})).toBe(sha256('hello'));
    expect(found({ at_ms: line.at_ms - 6 * day_ms })).toBe(sha256('hello'));
    expect(found({ at_ms: line.at_ms - 8 * day_ms })).toBeUndefined();
    expect(found({ at_ms: line.at_ms + day_ms })).toBeUndefined(); // a clock that was ahead
    expect(found({ host: 'elsewhere' })).toBeUndefined();
  });

  it('knows when a file was last read whole, on any host, also when it has changed since', () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'name'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'hello');
    const before = Date.now();
    fileMemo(memo, true, allLarge).put(path, statsOf(path), sha256('hello'));
    writeFileSync(path, 'other');
    const read = fileMemo(memo, false, allLarge).lastRead('name', sha256('hello'));
    expect(read).toBeGreaterThanOrEqual(before);
    expect(read).toBeLessThanOrEqual(Date.now());
    expect(fileMemo(memo, false, allLarge).lastRead('name', sha256('other'))).toBeUndefined();
  });

  it('does not answer for a file that was written to, even with its size and time put back', async () => {
    const path = join(emptyFolder(), 'source');
    writeFileSync(path, 'hello');
    const { atime, mtime } = statSync(path);
    await settled(path);
    const memo = memoryMemo();
    await digestSource(path, memo);
    writeFileSync(path, 'hellp');
    utimesSync(path, atime, mtime);
    expect((await digestSource(path, memo)).digest).toBe(sha256('hellp'));
  });

  it('ignores what a crash cut short, what is of an older version, and every line with a flipped byte', () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'source'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'hello');
    fileMemo(memo, true, allLarge).put(path, statsOf(path), sha256('hello'));
    const line = readFileSync(memo);
    const old = JSON.stringify({ path, id: fileIdentity(statsOf(path)), digest: sha256('other') });
    writeFileSync(memo, `{"path": "x", "id"\n${line}${old}\n{"path": "y", "id": "1:2", "dig`);
    expect(fileMemo(memo, false, allLarge).get(statsOf(path))).toBe(sha256('hello'));
    const found = new Set<string | undefined>();
    for (let at = 0; at < line.length; at++) {
      for (const bit of [1, 2, 4, 32]) {
        const flipped = Buffer.from(line);
        flipped[at] = (flipped[at] as number) ^ bit;
        writeFileSync(memo, flipped);
        found.add(fileMemo(memo, false, allLarge).get(statsOf(path)));
      }
    }
    expect([...found].filter((digest) => digest !== undefined && digest !== sha256('hello'))).toEqual([]);
  });

  it('drops lines that are out of date or damaged when there are many', () => {
    const folder = emptyFolder();
    const [path, memo] = [join(folder, 'a'), join(folder, 'digests.jsonl')];
    writeFileSync(path, 'a');
    const writing = fileMemo(memo, true, allLarge);
    for (let i = 0; i < 600; i++) writing.put(path, statsOf(path), sha256(String(i)));
    for (let i = 0; i < 600; i++) appendFileSync(memo, 'no line\n');
    fileMemo(memo, false, allLarge);
    expect(readFileSync(memo, 'utf8').split('\n')).toHaveLength(1201);
    fileMemo(memo, true, allLarge);
    const [line = '', ...rest] = readFileSync(memo, 'utf8').split('\n');
    expect([JSON.parse(line), rest]).toEqual([expect.objectContaining({ path, digest: sha256('599') }), ['']]);
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

/** Waits until a change of the file would show in its times. */
async function settled(path: string): Promise<void> {
  while (!isSettled(statsOf(path), Date.now())) await sleep(20);
}

/** The check that each line carries; its form is part of the file's. */
function sumOf({ path, id, digest, host, at_ms }: Record<string, unknown>): string {
  return sha256(JSON.stringify([path, id, digest, host, at_ms])).slice(0, 16);
}
