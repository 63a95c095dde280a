// Why there is nothing at a path, in words that go on after its name.
import { lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { didYouMean } from './nearest.ts';

/** `does not exist (did you mean 'train.jsonl'?)`, or that it is a link which leads nowhere. Asked when `path` was not found. */
export function whyMissing(path: string): string {
  const target = linkTarget(path);
  if (target !== undefined) return `is a link to '${target}', which does not exist`;
  return `does not exist${didYouMean(basename(path), neighbours(path))}`;
}

function linkTarget(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function neighbours(path: string): string[] {
  try {
    return readdirSync(dirname(path)).sort();
  } catch {
    return [];
  }
}
