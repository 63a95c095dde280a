// "did you mean": the known name that is nearest to a mistyped one.

const longestCompared = 64;

/** The candidate that `name` was most likely meant to be; undefined when none is near. Of two that are as near, the one with fewer edits, then the earlier. */
export function nearest(name: string, candidates: Iterable<string>): string | undefined {
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: { candidate: string; distance: number; edits: number } | undefined;
  for (const candidate of candidates) {
    const distance = nameDistance(name, candidate);
    if (distance > limit || distance > (best?.distance ?? limit)) continue;
    const edits = editDistance(name.slice(0, longestCompared), candidate.slice(0, longestCompared));
    if (best === undefined || distance < best.distance || edits < best.edits) best = { candidate, distance, edits };
  }
  return best?.candidate;
}

/**
 * ` (did you mean 'x'?)`, or nothing when no candidate is near. A candidate that is `name` itself is never meant: it exists, and cannot be
 * used for another reason. Where the two look alike the character that sets them apart is named.
 */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const found = nearest(name, without(name, candidates));
  return found === undefined ? '' : ` (did you mean '${found}'?${oddCharacter(name, found)})`;
}

/** `'a', 'b' or 'c'`; long lists are cut. */
export function orList(names: readonly string[], most = 12): string {
  const quoted = names.slice(0, most).map((name) => `'${name}'`);
  if (names.length > most) return `${quoted.join(', ')} or ${names.length - most} more`;
  return quoted.length < 2 ? quoted.join('') : `${quoted.slice(0, -1).join(', ')} or ${quoted.at(-1)}`;
}

/** What to say of a name that is not known: the nearest one, or else all of them. */
export function expectedNames(name: string, known: readonly string[], nothing: string): string {
  const others = without(name, known);
  const hint = didYouMean(name, others);
  if (hint !== '') return hint;
  return others.length === 0 ? `, ${nothing}` : `, expected ${orList(others)}`;
}

function without(name: string, candidates: Iterable<string>): string[] {
  return [...candidates].filter((candidate) => candidate !== name);
}

/** ` character 3 is U+0430, there 'a'`: where two names part, told when a reader may not see it. */
function oddCharacter(name: string, other: string): string {
  const [given, known] = [[...name], [...other]];
  let at = 0;
  while (at < given.length && given[at] === known[at]) at++;
  const [own, its] = [given[at], known[at]];
  if ([own, its].every((character) => character === undefined || isPlain(character))) return '';
  return ` character ${at + 1} is ${codePoint(own)}, there ${codePoint(its)}`;
}

function isPlain(character: string): boolean {
  return /^[ -~]$/.test(character);
}

function codePoint(character: string | undefined): string {
  if (character === undefined) return 'none';
  if (isPlain(character)) return `'${character}'`;
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Edits between two names; letter case, `-` for `_`, and what cannot be seen, cost nothing but break ties; a long prefix counts as near. */
function nameDistance(a: string, b: string): number {
  if (a.length > longestCompared || b.length > longestCompared) return a === b ? 0 : Number.POSITIVE_INFINITY;
  const [x, y] = [fold(a), fold(b)];
  if (x.length >= 3 && (y.startsWith(x) || (y.length >= 3 && x.startsWith(y)))) return Math.min(1, editDistance(x, y));
  return editDistance(x, y);
}

function fold(name: string): string {
  const visible = name.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '');
  return visible.toLowerCase().replaceAll('-', '_');
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment). */
export function editDistance(a: string, b: string): number {
  let [before, previous] = [[] as number[], Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      current.push(
        Math.min(
          (previous[j] as number) + 1,
          (current[j - 1] as number) + 1,
          (previous[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1),
          swap ? (before[j - 2] as number) + 1 : Number.POSITIVE_INFINITY,
        ),
      );
    }
    [before, previous] = [previous, current];
  }
  return previous[b.length] as number;
}
