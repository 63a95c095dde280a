// Sizes and times as they are typed.
import { InvalidArgumentError } from 'commander';

const bytesOfUnit: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 },
};

const msOfUnit: Readonly<Record<string, number>> = {
  ...{ s: 1000, m: 60_000, min: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 },
};

/** `4.5GB`, `500 MB`, `10GiB` in bytes. */
export function parseBytes(text: string): number {
  return parse(text, bytesOfUnit, 'a size such as 500MB, 4.5GB or 10GiB');
}

/** `90s`, `30min`, `12h`, `7d`, `2w` in milliseconds. */
export function parseTime(text: string): number {
  return parse(text, msOfUnit, 'a time such as 90s, 30min, 12h, 7d or 2w');
}

function parse(text: string, units: Readonly<Record<string, number>>, expected: string): number {
  const [, count, unit = ''] = /^(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]+)$/.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(units, unit) ? units[unit] : undefined;
  if (count === undefined || factor === undefined) throw new InvalidArgumentError(`expected ${expected}`);
  const value = Math.round(Number(count) * factor);
  if (value > 0 && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`expected ${expected}`);
}
