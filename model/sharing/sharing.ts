// Replacement types: which layer's MLP stands in for which others (methods A.2, paper Table 8).
import { UserError } from '../../util/errors.ts';

/** One group: the targets use the reference's MLP. Layers count from 1, as in the paper. */
export interface Group {
  readonly reference: number;
  readonly targets: readonly number[];
}

/** Groups in ascending order; a layer outside every group keeps its own MLP. */
export type ReplacementMap = readonly Group[];

/** One unit of sharing: a target layer and the reference whose MLP it uses. */
export interface Pair {
  readonly reference: number;
  readonly target: number;
}

/** How a type tiles the layers between the `kept` ones at each end; the sizes are those for 32 layers. */
interface Tiling {
  readonly kept?: number;
  /** Groups of this size while they fit; a remainder stays stored. */
  readonly every?: number;
  /** Group sizes for 32 layers; other depths get the same shape. */
  readonly sizes?: readonly number[];
}

// T_more as printed leaves layer 12 in no group and stores 9 MLPs, where the paper's tau and s are those of 8 (methods A.2):
// T_more is the printed map, T_more_8 the one that the paper's numbers belong to.
const tilings: Readonly<Record<string, Tiling>> = {
  T_next: { every: 2 },
  T_next2: { every: 3 },
  T_back: { sizes: [2, 2, 2, 2, 2, 3, 7, 8] },
  T_front: { sizes: [8, 7, 3, 2, 2, 2, 2, 2] },
  T_more: { sizes: [4, 5, 1, 10, 8] },
  T_more_8: { sizes: [4, 6, 10, 8] },
  T_max: { kept: 1, sizes: [9, 10, 11] },
};

const depthOfTypes = 32;

/** Names of the replacement types. */
export const replacementTypes: readonly string[] = Object.keys(tilings);

/**
 * The map of the type `name` for a model of `layers` layers: the paper's for 32, else one of the same shape.
 * Throws a UserError when there is no such type or the model is too shallow for it.
 */
export function replacementMap(name: string, layers: number): ReplacementMap {
  const tiling = Object.hasOwn(tilings, name) ? tilings[name] : undefined;
  if (!tiling) {
    throw new UserError(
      `replacement type '${name}' is unknown, expected one of ${replacementTypes.join(', ')} or a map such as '3:4; 5:6'`,
    );
  }
  const kept = keptLayers(name, tiling, layers);
  const interior = layers - 2 * kept;
  const map = groupsOf(groupSizes(tiling, interior), kept + 1);
  if (map.length === 0)
    throw new UserError(
      `replacement type '${name}' shares nothing in a model of ${layers} layers, give one of at least 4`,
    );
  return map;
}

/** Layers kept whole at each end. The 28-layer T_next of Table 10 fits its printed s = 62 % only as (2:3) ... (26:27). */
function keptLayers(name: string, tiling: Tiling, layers: number): number {
  if (name === 'T_next' && layers === 28) return 1;
  return layers >= 16 ? (tiling.kept ?? 2) : 1;
}

function groupSizes({ every, sizes = [], kept = 2 }: Tiling, interior: number): number[] {
  if (every) return Array.from({ length: Math.max(0, Math.floor(interior / every)) }, () => every);
  return scaledSizes(sizes, interior / (depthOfTypes - 2 * kept));
}

/**
 * `sizes` for an interior of another depth: as many groups as keep the stored ratio, their sizes read off the same curve of
 * group boundaries. Scaling the boundaries alone would make single layers of the pairs, and share much less.
 */
function scaledSizes(sizes: readonly number[], scale: number): number[] {
  const groups = Math.max(1, Math.round(sizes.length * scale));
  const boundary = (position: number): number => {
    const whole = Math.floor(position);
    const before = sizes.slice(0, whole).reduce((a, b) => a + b, 0);
    return before + (position - whole) * (sizes[whole] ?? 0);
  };
  const ends = Array.from({ length: groups }, (_, k) => {
    return Math.round(boundary(((k + 1) * sizes.length) / groups) * scale);
  });
  return ends.map((end, k) => end - (ends[k - 1] ?? 0)).filter((size) => size > 0);
}

/** Consecutive groups from layer `first` on: each one's first layer is the reference; a group of 1 is an ordinary layer. */
function groupsOf(sizes: number[], first: number): ReplacementMap {
  const map: Group[] = [];
  let reference = first;
  for (const size of sizes) {
    const start = reference;
    if (size > 1) map.push({ reference, targets: Array.from({ length: size - 1 }, (_, i) => start + 1 + i) });
    reference += size;
  }
  return map;
}

/** The pairs of a map, targets ascending. */
export function pairs(map: ReplacementMap): Pair[] {
  return map.flatMap(({ reference, targets }) => targets.map((target) => ({ reference, target })));
}

/** The layers from `first` to `last`. */
export function consecutive(first: number, last: number): number[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => first + i);
}
