// Layers made of a model's layers: one of them, or one whose matrices are weighted sums of several. Light: no numeric library.

/** A layer that stands in the place of layer `base`: each matrix is the sum of weight times that of layer, over `terms`. Layers count from 1. */
export interface LayerMix {
  readonly base: number;
  readonly terms: readonly LayerTerm[];
  /** Of which norms and biases are the sum in the same way; left out: those of `base`. */
  readonly vectors?: readonly LayerTerm[] | undefined;
}

export interface LayerTerm {
  readonly layer: number;
  readonly weight: number;
}

/** How LaCo's layers become one: its paper's sum of differences; what its release computes; and the base alone. */
export const mergeVariants = ['paper', 'released', 'drop'] as const;
export type MergeVariant = (typeof mergeVariants)[number];

/** Layer `layer` as it is. */
export function plainMix(layer: number): LayerMix {
  return { base: layer, terms: [{ layer, weight: 1 }] };
}

/** True where the mix is the layer `base` itself. */
export function isPlain({ base, terms, vectors = [] }: LayerMix): boolean {
  return isLayer(terms, base) && (vectors.length === 0 || isLayer(vectors, base));
}

function isLayer([only, ...more]: readonly LayerTerm[], layer: number): boolean {
  return more.length === 0 && only?.layer === layer && only.weight === 1;
}

/** The mean of some layers. */
export function meanTerms(layers: readonly number[]): LayerTerm[] {
  return layers.map((layer) => ({ layer, weight: 1 / layers.length }));
}

/**
 * `layers` with `count` layers above place `at` (from 0) merged into the one there. paper: theta + sum over k of (theta_k - theta), LaCo
 * (arXiv 2402.11187), equation 1. released: its notebook adds each difference to what the sum has become, so that all but the last cancel
 * and the highest layer's matrices are left. drop: the layers above go.
 */
export function mergeLayers(layers: readonly LayerMix[], at: number, count: number, variant: MergeVariant): LayerMix[] {
  const [base, ...above] = layers.slice(at, at + count + 1) as [LayerMix, ...LayerMix[]];
  const merged = { base: base.base, terms: mergedTerms(base, above, variant) };
  return [...layers.slice(0, at), merged, ...layers.slice(at + count + 1)];
}

function mergedTerms(base: LayerMix, above: readonly LayerMix[], variant: MergeVariant): readonly LayerTerm[] {
  if (variant === 'drop') return base.terms;
  if (variant === 'released') return (above.at(-1) ?? base).terms;
  const weights = new Map<number, number>();
  const add = ({ terms }: LayerMix, by: number) => {
    for (const { layer, weight } of terms) weights.set(layer, (weights.get(layer) ?? 0) + by * weight);
  };
  add(base, 1 - above.length);
  for (const mix of above) add(mix, 1);
  return [...weights]
    .filter(([, weight]) => weight !== 0)
    .sort(([a], [b]) => a - b)
    .map(([layer, weight]) => ({ layer, weight }));
}
