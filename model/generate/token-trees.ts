// Sequences that begin alike, joined into trees, so that what they share is read once: the choices of one question, the
// records after one set of examples. A tree is one row of a batch; a token sees its ancestors, whatever stands between.
import { MASKED } from '../../tensor/ops.ts';

/** Sequences in one row: their tokens, each once, every parent before its children. */
export interface TokenTree {
  readonly ids: number[];
  /** Of each token: how many stand before it in its sequence. */
  readonly positions: number[];
  /** Of each token: the place of the one before it; -1 for the first. */
  readonly parents: number[];
  /** The sequences by their numbers, each with the places of its tokens. */
  readonly paths: Map<number, Int32Array>;
}

/** When sequences are joined. */
export interface TreeLimits {
  /** Tokens of a tree of several sequences. */
  readonly most: number;
  /** To how many tokens attending costs as much as all else that a token costs. */
  readonly attended: number;
}

/**
 * Joins `sequences` into trees where that is less work: a token saved is worth `attended` pairs of tokens, and a tree of T tokens
 * has T^2 of them. A long sequence, or one like no other, is a tree of its own. Which tree a sequence joins depends on the
 * sequences alone, not on their order.
 */
export function tokenTrees(sequences: readonly (readonly number[])[], { most, attended }: TreeLimits): TokenTree[] {
  const order = [...sequences.keys()].sort((a, b) => compare(sequences[a] ?? [], sequences[b] ?? []));
  const trees: TokenTree[] = [];
  let last: { tree: TokenTree; number: number } | undefined;
  for (const number of order) {
    const ids = sequences[number] as readonly number[];
    // in this order no earlier sequence shares more with it than the one before
    const shared = last === undefined ? 0 : sharedLength(ids, sequences[last.number] as readonly number[]);
    const size = last?.tree.ids.length ?? 0;
    const joined = size + ids.length - shared;
    const joins = joined <= most && shared * attended > joined ** 2 - size ** 2 - ids.length ** 2;
    const tree: TokenTree = joins && last ? last.tree : { ids: [], positions: [], parents: [], paths: new Map() };
    const path = joins && last ? (tree.paths.get(last.number) as Int32Array) : new Int32Array(0);
    grow(tree, number, ids, path.subarray(0, joins ? shared : 0));
    if (!joins) trees.push(tree);
    last = { tree, number };
  }
  return trees;
}

/** Adds what follows the places `path` of a sequence's first tokens. */
function grow(tree: TokenTree, number: number, ids: readonly number[], path: Int32Array): void {
  const places = new Int32Array(ids.length);
  places.set(path);
  for (let t = path.length; t < ids.length; t++) {
    places[t] = tree.ids.length;
    tree.ids.push(ids[t] as number);
    tree.positions.push(t);
    tree.parents.push(t === 0 ? -1 : (places[t - 1] as number));
  }
  tree.paths.set(number, places);
}

/** True where every token follows the one before it: one sequence, or some that are beginnings of it. */
export function isChain({ parents }: TokenTree): boolean {
  return parents.every((parent, place) => parent === place - 1);
}

/**
 * Writes what the tokens of a tree see, [T, T] of `mask` from `at`: 0 for a token itself and those before it in its sequence,
 * `MASKED` elsewhere; `window`: the last tokens of its sequence alone. Places after the tree see themselves alone.
 */
export function writeTreeMask(
  mask: Float32Array,
  at: number,
  length: number,
  parents: readonly number[],
  window = length,
): void {
  mask.fill(MASKED, at, at + length * length);
  for (let place = 0; place < length; place++) {
    const row = at + place * length;
    const parent = parents[place] ?? -1;
    if (parent >= 0) mask.copyWithin(row, at + parent * length, at + (parent + 1) * length);
    mask[row + place] = 0;
    const gone = window < length ? ancestor(parents, place, window) : -1;
    if (gone >= 0) mask[row + gone] = MASKED;
  }
}

/** The token `steps` tokens before `place` in its sequence; -1 where it has not so many. */
function ancestor(parents: readonly number[], place: number, steps: number): number {
  let at = place;
  for (let step = 0; step < steps && at >= 0; step++) at = parents[at] ?? -1;
  return at;
}

function sharedLength(a: readonly number[], b: readonly number[]): number {
  const most = Math.min(a.length, b.length);
  for (let t = 0; t < most; t++) if (a[t] !== b[t]) return t;
  return most;
}

function compare(a: readonly number[], b: readonly number[]): number {
  const t = sharedLength(a, b);
  return t < a.length && t < b.length ? (a[t] as number) - (b[t] as number) : a.length - b.length;
}
