// MLPs cut into experts, and a router that chooses some of them for each token (FactorLLM, arXiv 2408.11855). Light: planning reads this.
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { shown } from '../../util/shown.ts';
import { type MlpSizes, mlpWidth } from '../architecture/model-config.ts';
import type { ParallelLayers } from './parallel-layers.ts';
import { type Replacement, rolesOf } from './replacement.ts';

/** The MLPs of `layers` (from 1, ascending) are `experts` runs of neighbouring channels each, of which a token passes `active`. */
export interface Routing {
  readonly layers: readonly number[];
  readonly experts: number;
  readonly active: number;
}

/** A routing and its routers, by the names of {@link routerShapes}. */
export interface Routed<V> extends Routing {
  readonly routers: ReadonlyMap<string, V>;
}

/** As many as there is any use for; and a bound on what a file of anybody may ask for. */
export const mostExperts = 4096;

/** The name of a router's tensor: `weight` [E, D] or `bias` [E] of layer `layer` (from 1). */
export function routerName(layer: number, tensor: 'weight' | 'bias'): string {
  return `layers.${layer}.mlp.router.${tensor}`;
}

/** Names and shapes of the routers, layer by layer; E experts, D hidden. */
export function routerShapes(
  { hidden_size }: Pick<MlpSizes, 'hidden_size'>,
  { layers, experts }: Routing,
): Map<string, number[]> {
  const ofLayer = (layer: number): [string, number[]][] => [
    [routerName(layer, 'weight'), [experts, hidden_size]],
    [routerName(layer, 'bias'), [experts]],
  ];
  return new Map(layers.flatMap(ofLayer));
}

/** Numbers of all routers; none without a routing. */
export function routerParameters({ hidden_size }: Pick<MlpSizes, 'hidden_size'>, routing: Routing | undefined): number {
  return routing === undefined ? 0 : routing.layers.length * routing.experts * (hidden_size + 1);
}

/** Throws a UserError where more experts would be active than there are; `source` begins the message. */
export function checkActive({ experts, active }: Pick<Routing, 'experts' | 'active'>, source: string): void {
  if (active <= experts) return;
  throw new UserError(
    `${source}: a token can pass ${experts} of ${experts} experts at most, got active: ${active}: lower it, or raise 'experts'`,
  );
}

/** Throws a UserError where the experts do not divide the width of a layer's MLP. */
export function checkWidths(sizes: MlpSizes, { layers, experts }: Routing, source: string): void {
  for (const layer of layers) {
    const width = mlpWidth(sizes, layer);
    if (width % experts === 0) continue;
    throw new UserError(
      `${source}: ${experts} experts must be of one width, but the MLP of layer ${layer} has ${width} channels, which ${experts} does not divide: expected ${divisorsText(width)}`,
    );
  }
}

/** Throws a UserError unless the routing fits the model and what else stands in for its layers. */
export function checkRouting(
  sizes: MlpSizes,
  routing: Routing,
  beside: { readonly replacements: readonly Replacement[]; readonly parallel?: ParallelLayers | undefined },
  source: string,
): void {
  checkActive(routing, source);
  checkWidths(sizes, routing, source);
  const { replacements, parallel } = beside;
  const without = routing.layers.find((layer) => replacements.some((each) => each.target === layer && skipsMlp(each)));
  if (without !== undefined) {
    throw new UserError(
      `${source}: the MLP of layer ${without} is skipped, so it has no experts: leave one of them out`,
    );
  }
  if (parallel?.variant !== 'released') return;
  const beneath = routing.layers.find((layer) => layer >= parallel.first && layer <= parallel.last);
  if (beneath === undefined) return;
  throw new UserError(
    `${source}: the MLP of layer ${beneath} is halved by variant: released of layers ${parallel.first}-${parallel.last} side by side, so it has no experts: expected variant: paper or par`,
  );
}

/** The same from parsed JSON of a file, checked for a model of `layers` layers. */
export function routingFrom(json: unknown, layers: number, source: string): Routing {
  const { layers: listed, experts, active } = isObject(json) ? json : {};
  const isCount = (value: unknown, most: number) =>
    Number.isInteger(value) && Number(value) >= 1 && Number(value) <= most;
  const known = Array.isArray(listed) && listed.length > 0 && listed.length <= layers ? listed : [];
  const ascends = known.every((layer, i) => isCount(layer, layers) && (i === 0 || layer > known[i - 1]));
  if (known.length === 0 || !ascends || !isCount(experts, mostExperts) || !isCount(active, mostExperts)) {
    throw new UserError(
      `${source}: 'routing' must hold 'layers' from 1 to ${layers}, ascending, and 'experts' and 'active', counts up to ${mostExperts}, got ${shown(json)}`,
    );
  }
  const routing = { layers: known as number[], experts: experts as number, active: active as number };
  checkActive(routing, `${source}: 'routing'`);
  return routing;
}

/** The one routing of several parts of a recovery; a UserError where two parts have some. */
export function joinRouting<R extends Routing>(
  parts: readonly { readonly routing?: R | undefined }[],
  source: string,
): R | undefined {
  const [one, more] = parts.flatMap(({ routing }) => routing ?? []);
  if (more === undefined || one === undefined || more === one) return one;
  throw new UserError(
    `${source}: the MLPs of ${layersText(one)} are cut into experts already, expected one routing, got ${layersText(more)} beside it`,
  );
}

/** `layer 3`, `layers 3, 4 and 2 more`. */
function layersText({ layers }: Pick<Routing, 'layers'>): string {
  const [first, second] = layers;
  if (second === undefined) return `layer ${first}`;
  return layers.length > 3
    ? `${layers.length} layers from ${first} to ${layers.at(-1)}`
    : `layers ${layers.join(', ')}`;
}

function skipsMlp(replacement: Replacement): boolean {
  return replacement.reference === null && rolesOf(replacement).includes('gate');
}

/** The numbers of experts up to 64 that divide `width`. */
function divisorsText(width: number): string {
  const divisors = Array.from({ length: 63 }, (_, i) => i + 2).filter((count) => width % count === 0);
  return divisors.length === 0 ? 'another model' : `one of ${divisors.join(', ')}`;
}
