// Sequences in passes: what begins alike is joined into trees, rows of like length are read together, sizes are few.
//
// B rows, T tokens of a row, D hidden, F MLP width.
import type { ModelConfig } from '../architecture/model-config.ts';
import { paddedLength } from '../forward/batches.ts';
import { isChain, type TokenTree, tokenTrees } from './token-trees.ts';

/** Rows that are read together: B trees, padded to T tokens. */
export interface Pass {
  readonly trees: readonly TokenTree[];
  /** True where all of them are single sequences, which need no mask of their own. */
  readonly isPlain: boolean;
  /** B, padded: a power of two. */
  readonly rows: number;
  /** T, padded. */
  readonly length: number;
}

/** By length, so that little is padded, or in the order in which the sequences were given. */
export type ReadingOrder = 'length' | 'given';

export interface PassSettings {
  /** Most rows of a pass. */
  readonly rows: number;
  /** Most tokens of a pass of several rows. */
  readonly tokens: number;
  readonly order: ReadingOrder;
}

/** Masks of trees held at once: 64 MiB of float32. */
const largestMasks = 2 ** 24;
/** Tokens of a tree of several sequences; beyond, the mask costs more than the sharing saves. */
const largestTree = 2048;
/** Few lengths, so that few graphs are compiled, and little padding. */
const steps = { parts: 8, least: 8 } as const;

/** The passes that read `sequences`, each once; the numbers of a tree's paths are their places in the list. */
export function passesOf(
  sequences: readonly (readonly number[])[],
  settings: PassSettings,
  config: ModelConfig,
): Pass[] {
  const place = settings.order === 'length' ? (tree: TokenTree) => -tree.ids.length : firstOf;
  const limits = { most: largestTree, attended: attendedTokens(config) };
  const trees = tokenTrees(sequences, limits).sort((a, b) => place(a) - place(b));
  const groups = [true, false].flatMap((isPlain) => {
    const kind = trees.filter((tree) => isChain(tree) === isPlain);
    return grouped(kind, (longest) => mostRows(longest, isPlain, settings)).map((group) => ({ group, isPlain }));
  });
  const passes = groups.map(({ group, isPlain }) => {
    return { trees: group, isPlain, rows: powerOfTwo(group.length), length: paddedLength(longestOf(group), steps) };
  });
  return settings.order === 'length' ? passes : passes.sort((a, b) => firstPath(a) - firstPath(b));
}

/**
 * Products of a token with a layer's matrices, 4 D^2 + 3 D F, over those with one token that it sees, 2 D, and the passes over
 * the scores, which cost about twice as much again.
 */
function attendedTokens({ hidden_size, intermediate_size }: ModelConfig): number {
  return (4 * hidden_size + 3 * intermediate_size) / 6;
}

/** `trees` in runs of as many rows as `most` allows for the longest of them. */
function grouped(trees: readonly TokenTree[], most: (longest: number) => number): TokenTree[][] {
  const groups: TokenTree[][] = [];
  let longest = 0; // of the last group
  for (const tree of trees) {
    const last = groups.at(-1);
    const joined = Math.max(longest, tree.ids.length);
    const fits = last !== undefined && last.length < most(joined);
    if (fits) last.push(tree);
    else groups.push([tree]);
    longest = fits ? joined : tree.ids.length;
  }
  return groups;
}

function mostRows(length: number, isPlain: boolean, { rows, tokens }: PassSettings): number {
  const masked = isPlain ? rows : Math.floor(largestMasks / length ** 2);
  const read = 2 ** Math.floor(Math.log2(Math.max(1, tokens / length)));
  return Math.max(1, Math.min(rows, masked, read));
}

function longestOf(trees: readonly TokenTree[]): number {
  return Math.max(...trees.map(({ ids }) => ids.length));
}

/** The least number of a tree's sequences. */
function firstOf({ paths }: TokenTree): number {
  return Math.min(...paths.keys());
}

function firstPath({ trees }: Pass): number {
  return Math.min(...trees.map(firstOf));
}

/** Few sizes, so that few graphs are compiled. */
export function powerOfTwo(count: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, count)));
}
