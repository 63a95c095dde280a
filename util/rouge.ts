// Overlap of two texts by their words, as the package rouge-score counts it: lower case, ASCII letters and digits, no stemming.

/** The words of a text. */
export function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z0-9]+/g) ?? [];
}

/** ROUGE-L, the F-measure of the longest common subsequence of words; 0 where either text has none. */
export function rougeL(target: string, text: string): number {
  const [a, b] = [wordsOf(target), wordsOf(text)];
  return fMeasure(commonLength(a, b), a.length, b.length);
}

/** The F-measure of the runs of `n` words that two texts have in common, each as often as it stands in both; 0 where either text has none. */
export function ngramOverlap(target: string, text: string, n: number): number {
  const [a, b] = [ngrams(wordsOf(target), n), ngrams(wordsOf(text), n)];
  const left = new Map<string, number>();
  for (const gram of a) left.set(gram, (left.get(gram) ?? 0) + 1);
  const shared = b.filter((gram) => {
    const count = left.get(gram) ?? 0;
    left.set(gram, count - 1);
    return count > 0;
  });
  return fMeasure(shared.length, a.length, b.length);
}

function ngrams(words: readonly string[], n: number): string[] {
  return words.slice(0, Math.max(0, words.length - n + 1)).map((_, i) => words.slice(i, i + n).join(' '));
}

function fMeasure(shared: number, a: number, b: number): number {
  return shared === 0 ? 0 : (2 * shared) / (a + b);
}

/** Length of the longest common subsequence. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1);
  for (const word of a) {
    const next = new Uint32Array(b.length + 1);
    for (let j = 1; j <= b.length; j++) {
      next[j] = word === b[j - 1] ? (row[j - 1] as number) + 1 : Math.max(row[j] as number, next[j - 1] as number);
    }
    row = next;
  }
  return row[b.length] as number;
}
