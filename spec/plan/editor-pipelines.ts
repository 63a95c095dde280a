// What editors are told of pipelines: the names and values that an experiment may write.
import { basename } from 'node:path';
import type { StageDefinition, StageRegistry } from '../../contract/stage.ts';
import { Problems } from '../../located/diagnostic.ts';
import { shippedNames } from '../../located/shipped.ts';
import { type EditorParam, type EditorPipeline, said } from '../../schemas/editor-experiment.ts';
import { isObject } from '../../util/json.ts';
import { linkPipeline } from '../pipeline/link.ts';
import { withOwnStages } from '../pipeline/own-stages.ts';
import type { Pipeline, PipelineStage } from '../pipeline/pipeline.ts';
import { specFiles } from './own-stages.ts';
import { pipelineOf } from './resolve.ts';

/** The pipelines that come with lamina, then those of the user's files and folders (`places`); what cannot be read is passed over. */
export async function editorPipelines(
  registry: StageRegistry,
  places: readonly string[],
  cwd: string,
): Promise<EditorPipeline[]> {
  const found = new Map<string, EditorPipeline>();
  for (const name of shippedNames('pipeline')) {
    const pipeline = await pipelineIn(`lamina:pipelines/${name}`, registry, cwd);
    if (pipeline !== undefined) found.set(name, { ...pipeline, name });
  }
  for (const place of places) {
    for (const file of await specFiles(place, cwd)) {
      const pipeline = await pipelineIn(file, registry, cwd);
      const name = basename(file).replace(/\.ya?ml$/, '');
      if (pipeline !== undefined) found.set(name, { ...pipeline, name });
    }
  }
  return [...found.values()];
}

/** Undefined for files that are no pipelines; of an experiment the pipeline is a file of its own. */
async function pipelineIn(
  file: string,
  registry: StageRegistry,
  cwd: string,
): Promise<Omit<EditorPipeline, 'name'> | undefined> {
  const problems = new Problems();
  const pipeline = await pipelineOf(file, cwd, problems);
  if (pipeline === undefined || problems.count > 0) return undefined;
  const { stages } = linkPipeline(await withOwnStages(pipeline, registry, problems), registry, problems);
  const definitions = [...stages.values()].map(({ name, definition }) => [name, definition] as const);
  return {
    params: paramsOf(pipeline, new Map(definitions)),
    stages: Object.fromEntries(
      definitions.map(([name, definition]) => [name, { use: definition.name, params: definition.params }]),
    ),
    metrics: definitions.flatMap(([name, definition]) => metricsOf(name, definition)),
  };
}

/** Of each parameter the schema of the stage's parameter that takes it as it is, else its own. */
function paramsOf(pipeline: Pipeline, definitions: ReadonlyMap<string, StageDefinition>): Record<string, EditorParam> {
  const params: Record<string, EditorParam> = {};
  for (const [name, { schema }] of pipeline.params) params[name] = { schema };
  for (const stage of pipeline.stages.values()) {
    const definition = definitions.get(stage.name);
    for (const [param, taken] of definition === undefined ? [] : takenBy(stage, definition)) {
      const own = pipeline.params.get(param)?.schema;
      if (own === undefined || params[param]?.schema !== own) continue; // of several stages the first
      params[param] = { ...taken, schema: { ...taken.schema, ...said(own) } };
    }
  }
  return params;
}

/** The pipeline's parameters that a stage takes whole, as one of its own or as all of them. */
function takenBy(stage: PipelineStage, { name: use, params }: StageDefinition): [string, EditorParam][] {
  const given = stage.with;
  if (given?.kind === 'scalar') {
    const name = wholeName(given.value);
    return name === undefined ? [] : [[name, { schema: {}, use }]];
  }
  if (given?.kind !== 'map') return [];
  const { properties } = params as { properties?: Record<string, unknown> };
  return [...given.entries].flatMap(([key, { value }]): [string, EditorParam][] => {
    const name = value.kind === 'scalar' ? wholeName(value.value) : undefined;
    const schema = properties?.[key];
    return name !== undefined && isObject(schema) ? [[name, { schema }]] : [];
  });
}

/** `rank` of `${rank}`. */
function wholeName(value: unknown): string | undefined {
  return typeof value === 'string' ? /^\$\{([\w-]+)\}$/.exec(value)?.[1] : undefined;
}

function metricsOf(stage: string, { outputs }: StageDefinition): string[] {
  const metrics = Object.entries(outputs).filter(([, { kind }]) => kind === 'metrics');
  return metrics.flatMap(([output, { fields = [] }]) =>
    fields.map((field) => (metrics.length > 1 ? `${stage}.${output}.${field}` : `${stage}.${field}`)),
  );
}
