// A grid of cheap stages as lamina's specs: one axis, each value a data set of two generated records.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const pipeline = `pipeline: grid
summary: one small data set for each cell
params:
  cell: { type: integer, minimum: 0 }
stages:
  data: { use: dataset, with: { generate: dolly, generate_seed: "\${cell}", records: 2 } }
`;

/** Writes `pipeline.yaml` and `experiment.yaml` with `stages` cells into `folder`; returns the experiment's path. */
export function writeGrid(folder: string, stages: number): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'pipeline.yaml'), pipeline);
  const path = join(folder, 'experiment.yaml');
  writeFileSync(path, experiment(stages));
  return path;
}

function experiment(stages: number): string {
  return `experiment: grid
pipeline: pipeline.yaml
targets: [data]
axes:
  cell: [${[...Array(stages).keys()].join(', ')}]
`;
}
