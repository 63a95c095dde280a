// Which tensor stands for which: the one description that files, exports, quantisation and counts are made from. Light: planning reads it.
import type { ModelConfig, TensorSizes } from '../architecture/model-config.ts';
import { isBiasRole, type MatrixRole } from '../architecture/roles.ts';
import { layerTensors, tensorName, tensorShapes } from '../architecture/tensors.ts';
import { methodNamed } from '../methods/registry.ts';
import { type Replacement, rolesOf, skipsAttention } from './replacement.ts';

/**
 * What a tensor of the model is: `stored` as it lies in the file, `zeros` where it contributes nothing, `made` by a method of
 * a stored one, or `factored`: the method's parameters alone. `of` is the model's tensor whose values are read
 * (itself, or a reference's), `from` where these lie: equal tensors are stored once.
 */
export type TensorSource =
  | { readonly kind: 'stored'; readonly of: string; readonly from: string }
  | {
      readonly kind: 'made';
      readonly of: string;
      readonly from: string;
      readonly replacement: Replacement;
      readonly role: MatrixRole;
    }
  | { readonly kind: 'factored'; readonly replacement: Replacement; readonly role: MatrixRole }
  | { readonly kind: 'zeros' };

/** The source of every tensor of `config` with `replacements` on top; `storedAs` names the tensor that stands for another in the file. */
export function tensorSources(
  config: ModelConfig,
  replacements: readonly Replacement[],
  storedAs: (name: string) => string = (name) => name,
): Map<string, TensorSource> {
  const sources = new Map<string, TensorSource>();
  for (const name of tensorShapes(config).keys()) sources.set(name, { kind: 'stored', of: name, from: storedAs(name) });
  for (const replacement of replacements) {
    for (const role of rolesOf(replacement)) {
      sources.set(tensorName(config, replacement.target, role), sourceOf(config, replacement, role, storedAs));
    }
    for (const name of silentBiases(config, replacement)) sources.set(name, { kind: 'zeros' });
  }
  return sources;
}

/** The biases that go with skipped attention: with matrices of zeros they would still add something. */
export function silentBiases(config: TensorSizes, replacement: Replacement): string[] {
  if (!skipsAttention(replacement)) return [];
  const biases = layerTensors(config, replacement.target).filter(({ role }) => isBiasRole(role));
  return biases.map(({ name }) => name);
}

function sourceOf(
  config: ModelConfig,
  replacement: Replacement,
  role: MatrixRole,
  storedAs: (name: string) => string,
): TensorSource {
  const { reference, rank } = replacement;
  if (reference === null) return { kind: 'zeros' };
  if (rank > 0 && methodNamed(replacement.candidate).standsAlone) return { kind: 'factored', replacement, role };
  const of = tensorName(config, reference, role);
  const lies = { of, from: storedAs(of) };
  return rank === 0 ? { kind: 'stored', ...lies } : { kind: 'made', ...lies, replacement, role };
}

/** The names of the tensors that a pass reads: not those that another stands in for, or that contribute nothing. */
export function neededTensors(config: ModelConfig, replacements: readonly Replacement[]): Set<string> {
  const needed = new Set<string>();
  for (const source of tensorSources(config, replacements).values()) {
    if (hasTensor(source)) needed.add(source.of);
  }
  return needed;
}

/** True where tensor `name` of the model is stored for itself: no other's values stand in for it, and it is not without effect. */
export function isOwn(name: string, source: TensorSource): boolean {
  return hasTensor(source) && source.of === name;
}

/** True where some stored tensor is behind it. */
export function hasTensor(source: TensorSource): source is Extract<TensorSource, { readonly of: string }> {
  return source.kind === 'stored' || source.kind === 'made';
}

/** The names of the tensors that are stored for themselves, in the model's order. */
export function ownTensors(sources: ReadonlyMap<string, TensorSource>): string[] {
  return [...sources].filter(([name, source]) => isOwn(name, source)).map(([name]) => name);
}

/** For each tensor that has no place of its own in a file, the one in whose place it lies: of equal tensors the first that is its own. */
export function standIns(sources: ReadonlyMap<string, TensorSource>): Map<string, string> {
  const first = new Map<string, string>();
  for (const name of ownTensors(sources)) {
    const from = fromOf(sources, name);
    if (!first.has(from)) first.set(from, name);
  }
  const present = [...sources].filter(([, source]) => hasTensor(source));
  const [own, lent] = [
    present.filter(([name, source]) => isOwn(name, source)),
    present.filter(([name, source]) => !isOwn(name, source)),
  ];
  const places = [...lent, ...own].map(([name]) => [name, first.get(fromOf(sources, name)) ?? name] as const);
  return new Map(places.filter(([name, place]) => place !== name));
}

function fromOf(sources: ReadonlyMap<string, TensorSource>, name: string): string {
  const source = sources.get(name);
  return source !== undefined && hasTensor(source) ? source.from : name;
}
