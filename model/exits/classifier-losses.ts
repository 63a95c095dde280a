// What an exit classifier is trained for (CALM, arXiv 2207.07061, and its code, google-research/t5x@cc342d4 t5x/contrib/calm/models.py). Light: planning reads this.
//
// E exits, R rows (tokens that count).

/**
 * independent: at each exit the binary cross-entropy of "the last layer says the same token"; geometric: of the depth at which a token stops, the first exit that
 * says it.
 */
export const classifierLosses = ['independent', 'geometric'] as const;
export type ClassifierLossName = (typeof classifierLosses)[number];

/**
 * Where paper and code differ. released: of independent, tokens of both answers weigh alike at each exit; of geometric, the last layer's state is classified too, and what
 * all depths get is divided by its sum.
 */
export const classifierVariants = ['paper', 'released'] as const;
export type ClassifierVariant = (typeof classifierVariants)[number];

/** Which loss. */
export interface ClassifierLoss {
  readonly loss: ClassifierLossName;
  readonly variant: ClassifierVariant;
}

/** True where the last layer's state is classified as well. */
export function classifiesLast({ loss, variant }: ClassifierLoss): boolean {
  return loss === 'geometric' && variant === 'released';
}

/** By row of `consistent` [E, R], each 1 where that exit says what the last layer says: the first exit that does, E where none does. */
export function firstConsistent(consistent: Float32Array, rows: number): Int32Array {
  const exits = consistent.length / rows;
  return Int32Array.from({ length: rows }, (_, row) => {
    const first = Array.from({ length: exits }, (_, e) => consistent[e * rows + row]).indexOf(1);
    return first < 0 ? exits : first;
  });
}

/** Of each exit, the share of the tokens that count in `parts` at which it says what the last layer says. */
export function consistentShares(
  parts: readonly { readonly consistent: Float32Array; readonly weights: Float32Array }[],
  exits: number,
): number[] {
  return Array.from({ length: exits }, (_, e) => {
    let [same, all] = [0, 0];
    for (const { consistent, weights } of parts) {
      weights.forEach((weight, row) => {
        all += weight;
        same += weight * (consistent[e * weights.length + row] as number);
      });
    }
    return same / all;
  });
}
