// The stages of a user's own that a pipeline uses: found, loaded, and put into the registry by the paths of their modules.
import type { StageDefinition, StageRegistry } from '../../contract/stage.ts';
import type { Problems } from '../../located/diagnostic.ts';
import { isUserError, UserError } from '../../util/errors.ts';
import { loadStage } from '../own/load-stage.ts';
import { isModuleName, resolveUse } from '../own/resolve-use.ts';
import type { Pipeline, PipelineStage } from './pipeline.ts';

/** The pipeline with the modules of its stages; what cannot be used is reported where it is named, and left as it is. */
export async function withOwnStages(
  pipeline: Pipeline,
  registry: StageRegistry,
  problems: Problems,
): Promise<Pipeline> {
  const stages = new Map<string, PipelineStage>();
  const broken = new Set(pipeline.broken);
  const names = new Map<string, string>();
  for (const stage of pipeline.stages.values()) {
    if (!isModuleName(stage.use)) {
      stages.set(stage.name, stage);
      continue;
    }
    try {
      const module = resolveUse(stage.use, stage.useSpan.source.folder);
      const definition = await definitionAt(module, stage.use, registry);
      refuseName(definition, stage.use, module, registry, names);
      stages.set(stage.name, { ...stage, use: definition.name, module });
    } catch (error) {
      if (!isUserError(error)) throw error;
      problems.add(stage.useSpan, `stage '${stage.name}': ${error.message}`);
      broken.add(`stages.${stage.name}`);
    }
  }
  return { ...pipeline, stages, broken };
}

async function definitionAt(module: string, use: string, registry: StageRegistry): Promise<StageDefinition> {
  const known = registry.get(module);
  if (known !== undefined) return known;
  try {
    const definition = await loadStage(module);
    registry.set(module, definition);
    return definition;
  } catch (error) {
    if (!isUserError(error)) throw error;
    throw new UserError(`'${use}' ${error.message}`, { cause: error });
  }
}

/** Two stages of one name could not be told apart, in what is printed and in what is cached. */
function refuseName(
  { name }: StageDefinition,
  use: string,
  module: string,
  registry: StageRegistry,
  names: Map<string, string>,
): void {
  const other = names.get(name) ?? module;
  if (registry.has(name))
    throw new UserError(`'${use}' is named '${name}', as one of lamina's stages is: expected another name`);
  if (other !== module) throw new UserError(`'${use}' is named '${name}', as '${other}' is: expected another name`);
  names.set(name, module);
}
