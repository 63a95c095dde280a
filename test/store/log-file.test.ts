// Logs that grow large: what is kept of them, and what somebody sees who reads them meanwhile.
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { boundLog, shortened } from '../../store/log-file.ts';
import { LogReader } from '../../store/log-reader.ts';
import { createRandom, type Random } from '../../util/random.ts';
import { emptyFolder } from './drafts.ts';

const rounds = 200;
const bounds = { most: 4000, head: 900, tail: 1000 };
const left = /\n\[lamina: +(\d+) bytes are left out here\]\n/;

/** Whole lines of different lengths, some longer than what is kept; each says where it stands. */
function lines(random: Random, count: number): string {
  return Array.from({ length: count }, () => `${'x'.repeat(random.below(random.below(20) === 0 ? 1500 : 60))}\n`).join(
    '',
  );
}

describe('a log', () => {
  it('that is small stays as it is', () => {
    const path = join(emptyFolder(), 'a.log');
    appendFileSync(path, 'one\ntwo\n');
    expect(boundLog(path, bounds)).toBe(false);
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    expect(boundLog(join(emptyFolder(), 'none.log'), bounds)).toBe(false);
  });

  it(`that is large keeps its head and its tail, and says how much is between, however it grew (${rounds} logs)`, () => {
    const random = createRandom('large logs');
    let shortenings = 0;
    for (let i = 0; i < rounds; i++) {
      const path = join(emptyFolder(), 'a.log');
      let all = '';
      for (let j = 0; j < 40; j++) {
        const more = lines(random, 1 + random.below(12));
        all += more;
        appendFileSync(path, more);
        if (boundLog(path, bounds)) shortenings++;
        expect(readFileSync(path).length).toBeLessThanOrEqual(bounds.most);
      }
      const kept = readFileSync(path, 'utf8');
      const found = left.exec(`\n${kept}`);
      if (found === null) {
        expect(kept).toBe(all);
        continue;
      }
      const [head, tail] = [kept.slice(0, found.index), kept.slice(found.index + found[0].length - 1)];
      expect(all.startsWith(head)).toBe(true);
      expect(all.endsWith(tail)).toBe(true);
      expect(head.length + Number(found[1]) + tail.length).toBe(all.length);
      expect(existsSync(`${path}.part`)).toBe(false);
    }
    console.log(`${rounds} logs, shortened ${shortenings} times: every byte is kept or counted`);
    expect(shortenings).toBeGreaterThan(rounds);
  });

  it('is read without a gap and without a repetition while it is written and shortened', () => {
    const random = createRandom('reader');
    for (let i = 0; i < rounds; i++) {
      const path = join(emptyFolder(), 'a.log');
      const reader = new LogReader(path, bounds);
      let [all, read] = ['', ''];
      for (let j = 0; j < 30; j++) {
        const more = lines(random, 1 + random.below(8));
        all += more;
        appendFileSync(path, more);
        if (random.below(2) === 0) read += reader.read();
        boundLog(path, bounds);
        if (random.below(2) === 0) read += reader.read();
        if (read.length < all.length) read += reader.read(); // as often as it is asked in time
      }
      reader.close();
      expect(read).toBe(all);
    }
  });

  it('of one long line is cut within it', () => {
    const kept = shortened(Buffer.from('y'.repeat(5000)), bounds).toString();
    expect(kept).toMatch(/^y{900}\[lamina: +3100 bytes are left out here\]\ny{1000}$/);
  });
});
