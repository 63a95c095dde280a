// File patterns of data sets: `*` and `?` within a folder's name, `**` across folders.

/** True for a text that is a pattern and no file name. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text);
}

/**
 * A test for paths with `/`. All ways to read the pattern are followed side by side: a regular expression tries them one after
 * the other, which takes minutes for some names.
 */
export function matcher(pattern: string): (path: string) => boolean {
  const steps = stepsOf(pattern);
  const start = new Set<number>();
  reach(steps, 0, start);
  return (path) => {
    let places = start;
    for (const character of path) {
      places = advance(steps, places, character);
      if (places.size === 0) return false;
    }
    return places.has(steps.length);
  };
}

/** Characters and wildcards, one each; `**` with the slash behind it may be nothing at all, so `maybe` stands before it. */
function stepsOf(pattern: string): string[] {
  const parts = pattern.match(/\*\*\/|\*\*|./gsu) ?? [];
  return parts.flatMap((part) => (part === '**/' ? ['maybe', '**', '/'] : part));
}

/** Adds `place` and the places that follow without a character. */
function reach(steps: readonly string[], place: number, places: Set<number>): void {
  if (places.has(place)) return;
  places.add(place);
  const step = steps[place];
  if (step === '*' || step === '**' || step === 'maybe') reach(steps, place + 1, places);
  if (step === 'maybe') reach(steps, place + 3, places);
}

function advance(steps: readonly string[], places: ReadonlySet<number>, character: string): Set<number> {
  const next = new Set<number>();
  for (const place of places) {
    const step = steps[place];
    if (step === '**' || (step === '*' && character !== '/')) reach(steps, place, next);
    else if (step === character || (step === '?' && character !== '/')) reach(steps, place + 1, next);
  }
  return next;
}
