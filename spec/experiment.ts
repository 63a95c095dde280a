// Experiment files, checked in shape, with the layers of values that they lay over a pipeline.
import type { ExperimentFile } from '../schemas/experiment.ts';
import { experimentFile } from '../schemas/experiment.ts';
import type { Problems } from './diagnostic.ts';
import { checkShape } from './file-shape.ts';
import type { Located, LocatedEntry, Source } from './located.ts';
import { entriesAt } from './located.ts';

export interface Experiment {
  data: ExperimentFile;
  tree: Located;
  source: Source;
  /** True when parts of the file were wrong and left out. */
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
  return file === undefined ? undefined : { ...file, source };
}

/** The layer at a path: the file's own (`[]`), a profile's, an axis value's. */
export function layerAt(tree: Located, path: readonly string[]): Layer {
  return { params: entriesAt(tree, [...path, 'params']), with: entriesAt(tree, [...path, 'with']) };
}
