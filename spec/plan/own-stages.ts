// Which stages of a user's own the pipelines of a file or a folder use, for lists and for the schemas of editors.
import { readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import { withOwnStages } from '../pipeline/own-stages.ts';
import { pipelineOf } from './resolve.ts';

/** A stage of a user's own, and how pipelines name it. */
export interface OwnStage {
  /** `./my-metric.mjs`, as it is written. */
  readonly use: string;
  readonly definition: StageDefinition;
}

/** Folders that hold no specs, and may hold much. */
const passedOver: ReadonlySet<string> = new Set(['node_modules', 'results']);

/**
 * The stages of the user's own in a spec, or in all pipelines below a folder; each is loaded, which runs its module. Throws SpecErrors for
 * modules that cannot be used; files in a folder that are no pipelines are passed over.
 */
export async function ownStages(place: string, registry: StageRegistry, cwd: string): Promise<OwnStage[]> {
  const isFolder = await isFolderAt(resolve(cwd, place));
  const files = await specFiles(place, cwd);
  const problems = new Problems();
  const found = new Map<string, OwnStage>();
  for (const file of files) {
    const ofFile = isFolder ? new Problems() : problems;
    const pipeline = await pipelineOf(file, cwd, ofFile);
    if (pipeline === undefined) continue;
    const loaded = await withOwnStages(pipeline, registry, problems);
    for (const { name, use } of pipeline.stages.values()) {
      const { module } = loaded.stages.get(name) ?? {};
      const definition = module === undefined ? undefined : registry.get(module);
      if (definition !== undefined) found.set(`${use} ${module}`, { use, definition });
    }
  }
  if (problems.count > 0) throw new SpecErrors(problems.list());
  return [...found.values()];
}

/** A file itself, or the YAML files below a folder. */
export async function specFiles(place: string, cwd: string): Promise<string[]> {
  const path = resolve(cwd, place);
  return (await isFolderAt(path)) ? yamlFiles(path) : [place];
}

async function isFolderAt(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() ?? false;
}

async function yamlFiles(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.name.startsWith('.') || passedOver.has(entry.name)) continue;
    if (entry.isDirectory()) files.push(...(await yamlFiles(path)));
    else if (/\.ya?ml$/.test(entry.name)) files.push(path);
  }
  return files.sort();
}
