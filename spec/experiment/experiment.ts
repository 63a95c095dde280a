// Experiment files, checked in shape, with the layers of values that they lay over a pipeline.
import type { Problems } from '../../located/diagnostic.ts';
import { checkShape } from '../../located/file-shape.ts';
import type { Located, LocatedEntry, Source } from '../../located/located.ts';
import { entriesAt } from '../../located/located.ts';
import type { ExperimentFile } from '../../schemas/experiment.ts';
import { experimentFile } from '../../schemas/experiment.ts';

export interface Experiment {
  data: ExperimentFile;
  tree: Located;
  source: Source;
  /** True when parts of the file were wrong and left out: what seems to be missing may be there, misspelt. */
  partial: boolean;
}

/** Values that one part of a spec gives: parameters by name, and parameters of stages by the name of the stage. */
export interface Layer {
  params: ReadonlyMap<string, LocatedEntry>;
  with: ReadonlyMap<string, LocatedEntry>;
}

/** Checks an experiment file's shape; undefined when nothing of it can be used. */
export function readExperiment(source: Source, tree: Located, problems: Problems): Experiment | undefined {
  const file = checkShape(experimentFile, tree, problems);
  return file === undefined ? undefined : { ...file, partial: file.wrong.size > 0, source };
}

/** The layer at a path: the file's own (`[]`), a profile's, an axis value's. */
export function layerAt(tree: Located, path: readonly string[]): Layer {
  const given = [...entriesAt(tree, [...path, 'with'])].filter(([, { value }]) => isWith(value));
  return { params: entriesAt(tree, [...path, 'params']), with: new Map(given) };
}

/** A mapping or a text; anything else was reported with the file's shape. */
function isWith(value: Located): boolean {
  return value.kind === 'map' || (value.kind === 'scalar' && typeof value.value === 'string');
}

/** A layer of the file and what messages call it. */
export interface NamedLayer extends Layer {
  where: string;
}

/** All layers of a file: its own, every profile's, every axis value's. */
export function layersOf({ tree }: Experiment): NamedLayer[] {
  const layers: NamedLayer[] = [{ ...layerAt(tree, []), where: '' }];
  for (const name of entriesAt(tree, ['profiles']).keys()) {
    layers.push({ ...layerAt(tree, ['profiles', name]), where: `profile '${name}': ` });
  }
  for (const axis of entriesAt(tree, ['axes']).keys()) {
    for (const value of entriesAt(tree, ['axes', axis, 'values']).keys()) {
      const where = `axis '${axis}', value '${value}': `;
      layers.push({ ...layerAt(tree, ['axes', axis, 'values', value]), where });
    }
  }
  return layers;
}

/** The profiles' names, in the order of the file. */
export function profileNames({ tree }: Experiment): string[] {
  return [...entriesAt(tree, ['profiles']).keys()];
}
