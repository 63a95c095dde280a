// What one layer multiplies with, read from the checkpoint when its turn comes.
import type { ReplayInput } from '../../tensor/backend/replay.ts';
import { layerTensors } from '../architecture/tensors.ts';
import { recoveryShapes } from '../sharing/recovery-shapes.ts';
import { routerShapes } from '../sharing/routing.ts';
import { tensorSources } from '../sharing/sources.ts';
import type { StoredModel } from './stored-model.ts';

/** The arrays of one layer, float32. Two layers of one kind have theirs in the same order, whatever they are called. */
export interface LayerArrays {
  /** From 1. */
  readonly layer: number;
  /** Its tensors, by the names under which a forward pass asks for them: of a replaced matrix, its reference's. */
  readonly tensors: ReadonlyMap<string, ReplayInput>;
  /** Its recovery parameters, by `parameterName`, and its router. */
  readonly parameters: ReadonlyMap<string, ReplayInput>;
}

/** A tensor that a layer needs: under which name, and where its values lie. */
interface Place {
  readonly name: string;
  readonly shape: readonly number[];
  /** Equal for tensors of equal values; another for each role, since a recording tells its inputs apart by their arrays. */
  readonly key: string;
}

/**
 * Reads layers (from 1), one after the other. What the layer before has in common with the next is kept, the rest is let go before anything
 * is read; a matrix that another stands in for, or that contributes nothing, is not read at all.
 */
export function createLayerReader(model: StoredModel): (layer: number) => Promise<LayerArrays> {
  const placesOf = placesIn(model);
  let held = new Map<string, ReplayInput>();
  return async (layer) => {
    const places = placesOf(layer);
    held = new Map(places.flatMap(({ key }) => (held.has(key) ? [[key, held.get(key) as ReplayInput]] : [])));
    const tensors = new Map<string, ReplayInput>();
    for (const { name, shape, key } of places) {
      const input = held.get(key) ?? { data: await model.checkpoint.readFloat32(name), shape };
      held.set(key, input);
      tensors.set(name, input);
    }
    return { layer, tensors, parameters: parametersOf(model, layer) };
  };
}

function placesIn({ checkpoint, recovery }: StoredModel): (layer: number) => Place[] {
  const { config, tensors, storedAs } = checkpoint;
  const sources = tensorSources(config, recovery?.replacements ?? [], storedAs);
  return (layer) =>
    layerTensors(config, layer).flatMap(({ name, role }) => {
      const source = sources.get(name);
      if (source === undefined || source.kind === 'zeros' || source.kind === 'factored') return [];
      const shape = tensors.get(source.of)?.shape ?? [];
      return [{ name: source.of, shape, key: `${role} ${source.from} ${shape}` }];
    });
}

function parametersOf({ checkpoint, recovery }: StoredModel, layer: number): Map<string, ReplayInput> {
  const own = recovery?.replacements.filter(({ target }) => target === layer) ?? [];
  const inputs = new Map<string, ReplayInput>();
  const { routing } = recovery ?? {};
  const router = routing?.layers.includes(layer)
    ? routerShapes(checkpoint.config, { ...routing, layers: [layer] })
    : [];
  for (const [name, shape] of [...recoveryShapes(checkpoint.config, own), ...router]) {
    const variable = recovery?.parameters.get(name) ?? routing?.routers.get(name);
    if (variable === undefined) throw new Error(`the recovery has no tensor '${name}'`);
    inputs.set(name, { data: variable.dataSync() as Float32Array, shape });
  }
  return inputs;
}
