// Sizes and times as they are typed.
import { InvalidArgumentError } from 'commander';
import { readBytes, readTime, sizeWords, timeWords } from '../../util/amounts.ts';

/** `4.5GB`, `500 MB`, `10GiB` in bytes. */
export function parseBytes(text: string): number {
  return given(readBytes(text), sizeWords);
}

/** `90s`, `30min`, `12h`, `7d`, `2w` in milliseconds. */
export function parseTime(text: string): number {
  return given(readTime(text), timeWords);
}

function given(value: number | undefined, expected: string): number {
  if (value === undefined) throw new InvalidArgumentError(`expected ${expected}`);
  return value;
}
