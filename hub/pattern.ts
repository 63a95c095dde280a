// File patterns of data sets: `*` and `?` within a folder's name, `**` across folders.
import { UserError } from '../util/errors.ts';

const mostStars = 8;

/** True for a text that is a pattern and no file name. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/** A test for paths with `/`. Throws UserError for a pattern with more stars than anybody needs. */
export function matcher(pattern: string): (path: string) => boolean {
  if ((pattern.match(/\*+/g) ?? []).length > mostStars) {
    throw new UserError(`the pattern '${pattern}' has more than ${mostStars} stars`);
  }
  const source = pattern.replace(/\*\*\/?|\*|\?|[^*?]+/g, (part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  });
  const expression = new RegExp(`^${source}$`, 'su');
  return (path) => expression.test(path);
}
