// A replacement: what stands in for one layer's MLP. Light: planning reads this, so no numeric library is imported here.
import { UserError } from '../../util/errors.ts';
import { type ModelConfig, mlpWidth } from '../architecture/model-config.ts';
import { mlpNames } from '../architecture/tensors.ts';
import { pairs, type ReplacementMap } from './sharing.ts';

/**
 * What stands in for the MLP of layer `target`, complete in itself; layers count from 1. A reference other than the target:
 * that layer's MLP, transformed by `candidate` (shared). The target itself: its own MLP with recovery parameters (LoRA).
 * null: the MLP is pruned, its branch contributes nothing. References always lend their original weights. Rank 0 has
 * no recovery parameters: with a reference it is Direct Sharing.
 */
export interface Replacement {
  readonly target: number;
  readonly reference: number | null;
  readonly candidate: string;
  readonly rank: number;
}

/** A replacement that has an MLP to run. */
export interface RunReplacement extends Replacement {
  readonly reference: number;
}

/** The replacements of a map, targets ascending, all with one candidate and rank. */
export function replacementsOf(map: ReplacementMap, candidate = 'g0', rank = 0): RunReplacement[] {
  return pairs(map).map(({ reference, target }) => ({ target, reference, candidate, rank }));
}

/** LoRA-like recovery of the layers' own MLPs. */
export function ownReplacements(layers: readonly number[], rank: number): RunReplacement[] {
  return layers.map((layer) => ({ target: layer, reference: layer, candidate: 'g0', rank }));
}

/** Layers without their MLPs. */
export function prunedReplacements(layers: readonly number[]): Replacement[] {
  return layers.map((target) => ({ target, reference: null, candidate: 'g0', rank: 0 }));
}

/** True where the target's own MLP is not stored: another's stands in, or none. */
export function dropsMlp({ target, reference }: Replacement): boolean {
  return reference !== target;
}

/** Names of the MLP matrices that are not stored. */
export function droppedMatrices(config: ModelConfig, replacements: readonly Replacement[]): Set<string> {
  const dropped = replacements.filter(dropsMlp);
  return new Set(dropped.flatMap(({ target }) => mlpNames(config, target)));
}

/** The MLP width that a replacement works on: its reference's. */
export function replacementWidth(config: ModelConfig, { target, reference }: Replacement): number {
  return mlpWidth(config, reference ?? target);
}

/**
 * Throws a UserError unless `replacements` go together in a model of `config`: each target once, references whose own MLP is
 * stored, and MLPs of equal width where one stands in for another. `source` begins the message.
 */
export function checkReplacements(config: ModelConfig, replacements: readonly Replacement[], source: string): void {
  const byTarget = new Map<number, Replacement>();
  for (const replacement of replacements) {
    const { target } = replacement;
    if (byTarget.has(target)) throw new UserError(`${source}: target layer ${target} is replaced already`);
    byTarget.set(target, replacement);
  }
  for (const { target, reference } of replacements) {
    if (reference === null || reference === target) continue;
    const own = byTarget.get(reference);
    if (own && dropsMlp(own)) {
      throw new UserError(
        `${source}: layer ${reference} is the reference of layer ${target}, but its own MLP is replaced, expected a layer that keeps it`,
      );
    }
    const [lent, expected] = [mlpWidth(config, reference), mlpWidth(config, target)];
    if (lent === expected) continue;
    throw new UserError(
      `${source}: layer ${target} needs a reference whose MLP is ${expected} wide, got layer ${reference} with ${lent}`,
    );
  }
}

/** Replacements as text: shared groups as in a map, then the layers with recovery of their own and the pruned ones. */
export function formatReplacements(replacements: readonly Replacement[]): string {
  const groups = new Map<string, number[]>();
  for (const { target, reference } of replacements) {
    const key = reference === null ? 'pruned' : reference === target ? 'own' : String(reference);
    groups.set(key, [...(groups.get(key) ?? []), target]);
  }
  const last = (key: string) => ['own', 'pruned'].indexOf(key);
  return [...groups]
    .toSorted(([a], [b]) => last(a) - last(b) || Number(a) - Number(b))
    .map(([key, targets]) => `${key}:${targets.join(',')}`)
    .join('; ');
}
