// Random choices that the generators of the tiny profile's text share.
import { type Random, shuffle } from '../../util/random.ts';

/** One of `items`, each equally likely. */
export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[random.below(items.length)];
  if (item === undefined) throw new Error('pick: the list is empty');
  return item;
}

/** `count` different ones of `items`, in random order. */
export function pickSome<T>(random: Random, items: readonly T[], count: number): T[] {
  if (count * 4 > items.length) return shuffle([...items], random).slice(0, count);
  const chosen = new Set<T>();
  while (chosen.size < count) chosen.add(pick(random, items));
  return [...chosen];
}

/** Two different ones of `items`. */
export function pickPair<T>(random: Random, items: readonly T[]): [T, T] {
  return pickSome(random, items, 2) as [T, T];
}

/** A whole number from `low` to `high`, both included. */
export function between(random: Random, low: number, high: number): number {
  return low + random.below(high - low + 1);
}

/** `text` with its first letter in upper case. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
