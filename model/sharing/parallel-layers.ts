// Layers that run side by side, two by two ("Leveraging the true depth of LLMs", arXiv 2502.02790). Light: planning reads this.
import { UserError } from '../../util/errors.ts';
import { isObject } from '../../util/json.ts';
import { shown } from '../../util/shown.ts';
import { consecutive } from './sharing.ts';

/** How the two layers of a pair become one step: the paper's sum, what its release computes, and whole layers beside each other. */
export const parallelVariants = ['paper', 'released', 'par'] as const;
export type ParallelVariant = (typeof parallelVariants)[number];

/** The layers `first` to `last` (from 1), an even number of them, run in pairs: first and first + 1, and so on. */
export interface ParallelLayers {
  readonly first: number;
  readonly last: number;
  readonly variant: ParallelVariant;
}

/** The layers (from 1) of each step from the embeddings to the final norm: one layer, or two that run side by side. */
export function layerSteps(layers: number, parallel?: ParallelLayers): readonly number[][] {
  const { first, last } = parallel ?? { first: 1, last: 0 };
  return consecutive(1, layers).flatMap((layer) => {
    if (layer < first || layer > last) return [[layer]];
    return (layer - first) % 2 === 0 ? [[layer, layer + 1]] : [];
  });
}

/** The step that layer `layer` (from 1) is in. */
export function stepOf(layer: number, parallel?: ParallelLayers): readonly number[] {
  if (parallel === undefined || layer < parallel.first || layer > parallel.last) return [layer];
  const first = layer - ((layer - parallel.first) % 2);
  return [first, first + 1];
}

/** The range of a text such as '5-8', which `source` names in the message; a UserError unless it is one range of pairs. */
export function parseParallel(text: string, variant: ParallelVariant, source: string): ParallelLayers {
  const match = /^\s*(\d{1,5})\s*-\s*(\d{1,5})\s*$/.exec(text);
  const range = `expected one range of layers such as '5-8'`;
  if (match === null) throw new UserError(`${source}: ${range}, got '${text}'`);
  const parallel = { first: Number(match[1]), last: Number(match[2]), variant };
  const count = parallel.last - parallel.first + 1;
  if (parallel.first < 1 || count < 1) {
    throw new UserError(`${source}: ${range} that counts from 1 and goes up, got '${text}'`);
  }
  if (count % 2 === 0) return parallel;
  throw new UserError(
    `${source}: expected an even number of layers, two for each pair, got the ${count} of '${text}': take one more or one less`,
  );
}

/** Throws a UserError unless the layers are in a model of `layers` layers. */
export function checkParallel({ first, last }: ParallelLayers, layers: number, source: string): void {
  if (last <= layers) return;
  throw new UserError(`${source}: expected layers from 1 to ${layers}, the model's, got ${first}-${last}`);
}

/** The same from parsed JSON of a file, checked for a model of `layers` layers. */
export function parallelFrom(json: unknown, layers: number, source: string): ParallelLayers {
  const { first, last, variant } = isObject(json) ? json : {};
  const known = parallelVariants.find((each) => each === variant);
  if (known === undefined || !Number.isInteger(first) || !Number.isInteger(last)) {
    throw new UserError(
      `${source}: 'parallel' must hold 'first' and 'last', layers, and a 'variant' of ${parallelVariants.join(', ')}, got ${shown(json)}`,
    );
  }
  const parallel = parseParallel(`${first}-${last}`, known, `${source}: 'parallel'`);
  checkParallel(parallel, layers, `${source}: 'parallel'`);
  return parallel;
}

/** The parallel layers of several parts of a recovery; a UserError where two parts have some. */
export function joinParallel(
  parts: readonly { readonly parallel?: ParallelLayers | undefined }[],
  source: string,
): ParallelLayers | undefined {
  const [one, more] = parts.flatMap(({ parallel }) => parallel ?? []);
  if (more === undefined || one === undefined) return one;
  const same = one.first === more.first && one.last === more.last && one.variant === more.variant;
  if (same) return one;
  throw new UserError(
    `${source}: layers ${one.first}-${one.last} run in parallel already, expected one range, got ${more.first}-${more.last} beside it`,
  );
}
