// The JSON Schemas with which an editor completes and checks specs, made from the file shapes and the stages.
import { experimentFile } from '../schemas/experiment.ts';
import { pipelineFile, stageSchema } from '../schemas/pipeline.ts';
import type { StageDefinition, StageRegistry } from '../spec/stage.ts';
import { isObject } from '../util/json.ts';

const dialect = 'https://json-schema.org/draft/2020-12/schema';
/** What may stand for any value: text with an interpolation. */
const interpolation = { type: 'string', pattern: '\\$\\{' };

/** The schemas by file name. */
export function editorSchemas(registry: StageRegistry): Record<string, object> {
  const stages = [...registry.values()];
  const use = { ...stageSchema.properties.use, enum: stages.map((stage) => stage.name) };
  const stage = { ...stageSchema, properties: { ...stageSchema.properties, use }, allOf: stages.map(stageRule) };
  const properties = {
    ...pipelineFile.properties,
    stages: { ...pipelineFile.properties.stages, additionalProperties: stage },
  };
  return {
    'pipeline.schema.json': { $schema: dialect, title: 'lamina pipeline', ...pipelineFile, properties },
    'experiment.schema.json': { $schema: dialect, title: 'lamina experiment', ...experimentFile },
  };
}

/** What `in` and `with` may hold where a stage uses this definition. */
function stageRule({ name, summary, params, inputs }: StageDefinition): object {
  const ports = Object.entries(inputs).map(([port, { kind, summary }]) => [
    port,
    { type: 'string', description: `${kind}: ${summary}` },
  ]);
  const given = isObject(params) && isObject(params.properties) ? params.properties : {};
  const parameters = Object.entries(given).map(([parameter, schema]) => [parameter, orInterpolation(schema)]);
  return {
    if: { properties: { use: { const: name } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      description: summary,
      properties: {
        in: { properties: Object.fromEntries(ports), additionalProperties: false },
        with: {
          anyOf: [
            { type: 'object', properties: Object.fromEntries(parameters), additionalProperties: false },
            interpolation,
          ],
        },
      },
    },
  };
}

function orInterpolation(schema: unknown): object {
  const { description, default: preset, ...rest } = isObject(schema) ? schema : {};
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, interpolation],
  };
}
