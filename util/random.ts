// Seeded randomness: every random choice of lamina comes from here, so that equal seeds give equal bytes.
import { createHash } from 'node:crypto';

/** A stream of random numbers. */
export interface Random {
  /** A uniform number in [0, 1), with 32 random bits. */
  uniform(): number;
  /** A uniform integer in [0, n); n at most 2^32. */
  below(n: number): number;
  /** A standard normal number. */
  normal(): number;
}

/** A generator (sfc32) seeded by the SHA-256 of `labels`, so that streams of different labels are independent. */
export function createRandom(...labels: (string | number)[]): Random {
  const digest = createHash('sha256').update(JSON.stringify(labels)).digest();
  const state = [digest.readUInt32LE(0), digest.readUInt32LE(4), digest.readUInt32LE(8), 1] as const;
  const next = sfc32(...state);
  for (let i = 0; i < 12; i++) next();
  const uniform = () => next() / 4294967296;
  return { uniform, below: (n) => Math.floor(uniform() * n), normal: () => normalFrom(uniform) };
}

/** Shuffles `items` in place (Fisher-Yates) and returns them. */
export function shuffle<T>(items: T[], random: Random): T[] {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j] as T, items[i] as T];
  }
  return items;
}

/** sfc32 (Chris Doty-Humphrey, PractRand, public domain): a fast 32-bit generator with 128 bits of state. */
function sfc32(a: number, b: number, c: number, counter: number): () => number {
  return () => {
    const t = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + t) | 0;
    return t >>> 0;
  };
}

/** Box-Muller; the second normal of the pair is thrown away to keep the stream a plain function of the count. */
function normalFrom(uniform: () => number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  return radius * Math.cos(2 * Math.PI * uniform());
}
