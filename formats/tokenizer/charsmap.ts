// SentencePiece's own normalization, as a tokenizer.json has it: a table of replacements in the step `Precompiled`.
import type { Options } from './options.ts';
import type { Part, Rewrite } from './part.ts';

/** Clusters of fewer bytes are looked up whole. */
const wholeBelow = 6;

/** The step `Precompiled`: `precompiled_charsmap` holds the table in base64. */
export function precompiled(step: Options): Rewrite {
  const bytes = Buffer.from(step.text('precompiled_charsmap'), 'base64');
  const size = bytes.length < 4 ? -1 : bytes.readUInt32LE(0);
  if (size < 4 || size % 4 !== 0 || size > bytes.length - 4) {
    throw step.wrong("expected 'precompiled_charsmap' to be a table of SentencePiece in base64");
  }
  const units = Uint32Array.from({ length: size / 4 }, (_, i) => bytes.readUInt32LE(4 + 4 * i));
  const table = new Charsmap(units, bytes.subarray(4 + size));
  return (part) => rewriteWith(table, part);
}

/** A double array of the keys' bytes (Darts): where each key's replacement begins among texts that end with a zero. */
class Charsmap {
  readonly #units: Uint32Array;
  readonly #texts: Uint8Array;

  constructor(units: Uint32Array, texts: Uint8Array) {
    this.#units = units;
    this.#texts = texts;
  }

  /** What stands for the shortest key that `text` begins with; all of `text` gives way to it. */
  replacementOf(text: string): string | undefined {
    const start = this.#shortestKey(Buffer.from(text));
    if (start === undefined) return undefined;
    const end = this.#texts.indexOf(0, start);
    return Buffer.from(this.#texts.subarray(start, end < 0 ? undefined : end)).toString('utf8');
  }

  #shortestKey(key: Uint8Array): number | undefined {
    let place = offsetOf(this.#unit(0));
    for (const byte of key) {
      if (byte === 0) return undefined;
      place ^= byte;
      const unit = this.#unit(place);
      if ((unit & 0x800000ff) >>> 0 !== byte) return undefined;
      place ^= offsetOf(unit);
      if ((unit >>> 8) & 1) return this.#unit(place) & 0x7fffffff;
    }
    return undefined;
  }

  /** Damaged tables lead anywhere: there is nothing. */
  #unit(place: number): number {
    return this.#units[place] ?? 0;
  }
}

function offsetOf(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

/** A character of the new text: 1 where it is one more, otherwise what it replaces, with as many more as it is below 0. */
type Change = [character: string, change: number];

function rewriteWith(table: Charsmap, part: Part): Part {
  const changes: Change[] = [];
  let changed = false;
  const look = (old: string): boolean => {
    const found = table.replacementOf(old);
    if (found === undefined) return false;
    changed = true;
    addChanges(changes, Array.from(old).length, Array.from(found));
    return true;
  };
  for (const cluster of clusters(part.text)) {
    if (Buffer.byteLength(cluster) < wholeBelow && look(cluster)) continue;
    for (const character of cluster) if (!look(character)) changes.push([character, 0]);
  }
  if (!changed) return part;
  return { text: changes.map(([character]) => character).join(''), head: headAfter(changes, part) };
}

/** As the original counts: what is more stands at the end, what is gone goes with the last character there is. */
function addChanges(changes: Change[], old: number, characters: readonly string[]): void {
  const more = Math.max(0, characters.length - old);
  for (const character of characters) changes.push([character, 0]);
  for (const change of changes.slice(changes.length - more)) change[1] = 1;
  const last = changes.at(-1);
  if (last !== undefined && characters.length < old) last[1] += characters.length - old;
}

/** How much of the new text is counted for the old head. */
function headAfter(changes: readonly Change[], { text, head }: Part): number {
  let [place, length] = [0, 0];
  for (const [character, change] of changes) {
    const from = change > 0 ? place - 1 : place;
    if (from >= head) break;
    length += character.length;
    for (let left = 1 - change; left > 0; left--) place += (text.codePointAt(place) ?? 0) > 0xffff ? 2 : 1;
  }
  return head === 0 ? 0 : length;
}

const segmenter = new Intl.Segmenter('und', { granularity: 'grapheme' });

/** The user-perceived characters of `text`, which are looked for only where it is not plain ASCII. */
function* clusters(text: string): Generator<string> {
  let at = 0;
  while (at < text.length) {
    let end = at;
    while (end < text.length && !parts(text, end)) end++;
    end++;
    const run = text.slice(at, end);
    if (run.length === 1) yield run;
    else for (const { segment } of segmenter.segment(run)) yield segment;
    at = end;
  }
}

/** True where an ASCII character stands before another: they are one only as carriage return and line feed. */
function parts(text: string, at: number): boolean {
  const [one, other] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
  return one < 128 && other < 128 && !(one === 13 && other === 10);
}
