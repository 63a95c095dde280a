// Unigram (Kudo 2018): the pieces whose scores sum to the most.
import { UserError } from '../../util/errors.ts';
import { shown } from '../../util/shown.ts';
import { byteIds } from './bpe.ts';
import type { TokenModel } from './model.ts';
import type { Options } from './options.ts';
import { Trie } from './trie.ts';

/** What an unknown character costs more than the worst piece. */
const unknownPenalty = 10;

export function readUnigram(model: Options): TokenModel {
  const pieces = model.list('vocab') as [string, number][];
  const unknown = model.raw('unk_id');
  if (unknown !== undefined && !(Number.isInteger(unknown) && pieces[unknown as number] !== undefined)) {
    throw model.wrong(`expected 'unk_id' to be a place in the vocabulary, got ${shown(unknown)}`);
  }
  const vocabulary = new Map(pieces.map(([token], id) => [token, id]));
  const bytes = model.flag('byte_fallback', false) ? byteIds(vocabulary) : undefined;
  const paths = new BestPaths(pieces, vocabulary, unknown as number | undefined);
  const idsOf = (piece: string): number[] => {
    const id = vocabulary.get(piece);
    if (id !== undefined) return [id];
    return bytes?.(piece) ?? [known(model, unknown as number | undefined)];
  };
  return { vocabulary, encode: (text) => paths.piecesOf(text, model).flatMap(idsOf) };
}

function known(model: Options, unknown: number | undefined): number {
  if (unknown !== undefined) return unknown;
  throw new UserError(
    `${model.where}: no token for a part of the text, and no unknown token to stand for it (there is no 'unk_id')`,
  );
}

class BestPaths {
  readonly #trie = new Trie();
  readonly #scores: readonly number[];
  readonly #unknown: number | undefined;
  readonly #unknownScore: number;

  constructor(pieces: readonly [string, number][], ids: ReadonlyMap<string, number>, unknown: number | undefined) {
    this.#scores = pieces.map(([, score]) => score);
    this.#unknown = unknown;
    this.#unknownScore = this.#scores.reduce((least, score) => Math.min(least, score), Infinity) - unknownPenalty;
    for (const [piece, id] of ids) this.#trie.add(piece, id);
  }

  /** The pieces of the best path; neighbours that are unknown are one. */
  piecesOf(text: string, model: Options): string[] {
    const { starts, ids } = this.#best(text, model);
    const pieces: string[] = [];
    let unknownEnd = 0; // where a run of unknown pieces ends, 0 for none
    for (let end = text.length; end > 0; end = starts[end] as number) {
      const isUnknown = ids[end] === this.#unknown;
      if (isUnknown && unknownEnd === 0) unknownEnd = end;
      if (!isUnknown && unknownEnd > 0) pieces.push(text.slice(end, unknownEnd));
      if (!isUnknown) pieces.push(text.slice(starts[end], end));
      if (!isUnknown) unknownEnd = 0;
    }
    if (unknownEnd > 0) pieces.push(text.slice(0, unknownEnd));
    return pieces.reverse();
  }

  /** For each place, where the last piece of the best path to it begins, and its id. */
  #best(text: string, model: Options): { starts: Int32Array; ids: Int32Array } {
    const scores = new Float64Array(text.length + 1);
    const starts = new Int32Array(text.length + 1).fill(-1);
    const ids = new Int32Array(text.length + 1);
    const offer = (start: number, end: number, id: number, score: number) => {
      const sum = score + (scores[start] as number);
      if ((starts[end] as number) >= 0 && sum <= (scores[end] as number)) return;
      scores[end] = sum;
      starts[end] = start;
      ids[end] = id;
    };
    for (let start = 0; start < text.length; ) {
      const next = start + ((text.codePointAt(start) as number) > 0xffff ? 2 : 1);
      let single = false;
      for (let end = start, node = 0; end < text.length; ) {
        node = this.#trie.step(node, text.charCodeAt(end++));
        if (node < 0) break;
        const id = this.#trie.valueAt(node);
        if (id >= 0) offer(start, end, id, this.#scores[id] as number);
        if (id >= 0 && end === next) single = true;
      }
      if (!single) offer(start, next, this.#unknown ?? -1, this.#unknownScore);
      if (ids[next] === -1) known(model, this.#unknown);
      start = next;
    }
    return { starts, ids };
  }
}
