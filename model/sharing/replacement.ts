// A replacement: what stands at some matrices of one layer. Light: planning reads this, so no numeric library is imported here.
import { UserError } from '../../util/errors.ts';
import { type ModelConfig, mlpWidth } from '../architecture/model-config.ts';
import { attentionRoles, isProjection, type MatrixRole, projections, writesHidden } from '../architecture/roles.ts';
import { type MatrixSizes, matrixShapeOf } from '../architecture/tensors.ts';
import { methodNamed } from '../methods/registry.ts';
import { pairs, type ReplacementMap } from './sharing.ts';

/**
 * What stands at matrices of layer `target`, complete in itself; layers count from 1. A reference other than the target: that layer's
 * matrices, as `candidate` makes them (shared). The target itself: its own matrices with recovery parameters (LoRA). null: the sublayer is
 * skipped, the MLP or (with all its matrices in `roles`) attention: its branch contributes nothing. References always lend their original weights. Rank 0 has no recovery parameters: with a
 * reference it is Direct Sharing.
 */
export interface Replacement {
  readonly target: number;
  readonly reference: number | null;
  /** The method's name. */
  readonly candidate: string;
  readonly rank: number;
  /** The matrices that it stands at; the MLP's where it is left out. */
  readonly roles?: readonly MatrixRole[] | undefined;
}

/** A replacement that has an MLP to run. */
export interface RunReplacement extends Replacement {
  readonly reference: number;
}

/** The replacements of a map, targets ascending, all with one candidate and rank. */
export function replacementsOf(map: ReplacementMap, candidate = 'g0', rank = 0): RunReplacement[] {
  return pairs(map).map(({ reference, target }) => ({ target, reference, candidate, rank }));
}

/** Recovery of the layers' own MLPs, or of their matrices `roles` by method `candidate`. */
export function ownReplacements(
  layers: readonly number[],
  rank: number,
  { candidate = 'g0', roles }: Partial<Pick<Replacement, 'candidate' | 'roles'>> = {},
): RunReplacement[] {
  return layers.map((layer) => ({ target: layer, reference: layer, candidate, rank, ...(roles && { roles }) }));
}

/** Layers without their MLPs. */
export function prunedReplacements(layers: readonly number[]): Replacement[] {
  return layers.map((target) => ({ target, reference: null, candidate: 'g0', rank: 0 }));
}

/** What of a layer is skipped: a sublayer, or both. */
export const skippedParts = ['block', 'attention', 'mlp'] as const;
export type SkippedPart = (typeof skippedParts)[number];

/** Layers that skip `part`: it is the identity on the residual stream; targets ascending. */
export function skippedReplacements(layers: readonly number[], part: SkippedPart): Replacement[] {
  return layers.flatMap((layer) => {
    const [mlp] = prunedReplacements([layer]) as [Replacement];
    const attention = { ...mlp, roles: attentionRoles };
    return part === 'block' ? [attention, mlp] : [part === 'mlp' ? mlp : attention];
  });
}

/** True where the target's own matrices are not stored: another's stand in, or none. */
export function dropsOwn({ target, reference }: Pick<Replacement, 'target' | 'reference'>): boolean {
  return reference !== target;
}

/** True where these are matrices of the MLP. */
export function dropsMlp(replacement: Replacement): boolean {
  return dropsOwn(replacement) && rolesOf(replacement).some(isProjection);
}

/** True where the target's attention is skipped. */
export function skipsAttention({ reference, roles }: Pick<Replacement, 'reference' | 'roles'>): boolean {
  return reference === null && roles !== undefined;
}

/** The matrices that a replacement stands at, in the order in which a layer uses them. */
export function rolesOf({ roles = projections }: Pick<Replacement, 'roles'>): readonly MatrixRole[] {
  return roles;
}

/** The sizes of matrix `role` of a replacement by the paper's convention: d at the residual stream, f at the other side. */
export function matrixSize(
  config: MatrixSizes,
  { target, reference }: Pick<Replacement, 'target' | 'reference'>,
  role: MatrixRole,
): { d: number; f: number } {
  const [out, input] = matrixShapeOf(config, reference ?? target, role);
  return writesHidden(role) ? { d: out, f: input } : { d: input, f: out };
}

/**
 * Throws a UserError unless `replacements` go together in a model of `config`: each matrix once, methods where they may stand, references
 * whose own matrices are stored, and MLPs of equal width where one stands in for another. `source` begins the message.
 */
export function checkReplacements(config: ModelConfig, replacements: readonly Replacement[], source: string): void {
  const owners = new Map<string, Replacement>();
  for (const replacement of replacements) {
    const { target } = replacement;
    checkRoles(replacement, source);
    for (const role of rolesOf(replacement)) {
      const place = `${target} ${role}`;
      if (owners.has(place)) throw new UserError(`${source}: target layer ${target} is replaced already`);
      owners.set(place, replacement);
    }
  }
  for (const replacement of replacements) checkReference(config, replacement, owners, source);
  checkGroups(replacements, source);
}

/** Targets that have parameters of a matrix in common need one rank there. */
function checkGroups(replacements: readonly Replacement[], source: string): void {
  const ranks = new Map<string, Replacement>();
  for (const replacement of replacements) {
    const { target, reference, candidate, rank } = replacement;
    const { grouped } = methodNamed(candidate);
    if (grouped === undefined || rank === 0) continue;
    for (const role of rolesOf(replacement).filter((each) => grouped(each).length > 0)) {
      const first = ranks.get(`${reference} ${candidate} ${role}`) ?? replacement;
      ranks.set(`${reference} ${candidate} ${role}`, first);
      if (first.rank === rank) continue;
      throw new UserError(
        `${source}: layers ${first.target} and ${target} have parameters of candidate '${candidate}' in common, expected one rank, got ${first.rank} and ${rank}`,
      );
    }
  }
}

function checkRoles({ target, reference, candidate, roles }: Replacement, source: string): void {
  if (roles === undefined) return;
  if (reference === null) {
    if (roles.join() === attentionRoles.join()) return;
    throw new UserError(
      `${source}: layer ${target} can skip its whole MLP (no 'roles') or its whole attention (${attentionRoles.join(', ')}), got ${roles.join(', ')}`,
    );
  }
  const { roles: allowed } = methodNamed(candidate);
  const wrong = roles.find((role) => !allowed.includes(role));
  if (wrong === undefined) return;
  throw new UserError(
    `${source}: candidate '${candidate}' may stand at ${allowed.join(', ')}, got '${wrong}' at layer ${target}; 'lora' may stand at every matrix`,
  );
}

function checkReference(
  config: ModelConfig,
  replacement: Replacement,
  owners: ReadonlyMap<string, Replacement>,
  source: string,
): void {
  const { target, reference } = replacement;
  if (reference === null || reference === target) return;
  const own = rolesOf(replacement).map((role) => owners.get(`${reference} ${role}`));
  if (own.some((each) => each && dropsOwn(each))) {
    throw new UserError(
      `${source}: layer ${reference} is the reference of layer ${target}, but its own MLP is replaced, expected a layer that keeps it`,
    );
  }
  const [lent, expected] = [mlpWidth(config, reference), mlpWidth(config, target)];
  if (lent === expected) return;
  throw new UserError(
    `${source}: layer ${target} needs a reference whose MLP is ${expected} wide, got layer ${reference} with ${lent}`,
  );
}

/** Replacements as text: shared groups as in a map, then the layers with recovery of their own, the pruned ones and those that skip attention. */
export function formatReplacements(replacements: readonly Replacement[]): string {
  const groups = new Map<string, number[]>();
  for (const { target, reference, roles } of replacements) {
    const kind = reference === null ? 'pruned' : reference === target ? 'own' : String(reference);
    const key = roles === undefined ? kind : reference === null ? 'pruned attention' : `${kind} ${roles.join('+')}`;
    groups.set(key, [...(groups.get(key) ?? []), target]);
  }
  const last = (key: string) => ['own', 'pruned'].indexOf(key.split(' ')[0] as string);
  return [...groups]
    .toSorted(([a], [b]) => last(a) - last(b) || Number.parseInt(a, 10) - Number.parseInt(b, 10))
    .map(([key, targets]) => `${key}:${targets.join(',')}`)
    .join('; ');
}
