// The files of a new folder: a first spec, the schemas with which an editor completes it, and what git is to leave alone.
import { type EditorStage, editorSchemas } from '../../schemas/editor.ts';
import type { EditorPipeline } from '../../schemas/editor-experiment.ts';
import { firstSpec } from './first-spec.ts';

/** Where the first spec lies in its folder. */
export const firstSpecPath = 'experiments/first.yaml';

/** The line that keeps the store out of git. */
export const ignoredStore = '.lamina/';

/** Which files are which, for specs whose first line does not say it; paths are from the folder. */
const editorSettings = {
  'yaml.schemas': {
    './schemas/experiment.schema.json': ['experiments/*.yaml'],
    './schemas/fragment.schema.json': ['experiments/common/*.yaml'],
    './schemas/pipeline.schema.json': ['pipelines/*.yaml'],
  },
};

/** The text of each file by its path in the folder, the first spec first. */
export function newFiles(
  stages: ReadonlyMap<string, EditorStage>,
  pipelines: readonly EditorPipeline[],
): ReadonlyMap<string, string> {
  const schemas = Object.entries(editorSchemas(stages, pipelines)).map(
    ([name, schema]) => [`schemas/${name}`, json(schema)] as const,
  );
  return new Map([
    [firstSpecPath, firstSpec],
    ...schemas,
    ['.vscode/settings.json', json(editorSettings)],
    ['.vscode/extensions.json', json({ recommendations: ['redhat.vscode-yaml'] })],
    ['.gitignore', `${ignoredStore}\n`],
  ]);
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}
