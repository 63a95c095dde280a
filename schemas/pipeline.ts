// The shape of a pipeline file: parameters, and stages with their inputs and parameters.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs
import type { Static } from 'typebox';
import { dottedName, mapOf, plainName } from './map-of.ts';
import { paramDefinitions, paramSchema } from './param-schema.ts';
import { resourcesSchema } from './resources.ts';
import { Type } from './type.ts';

/** A stage's parameters: a mapping, or one interpolation that yields a mapping. */
export const withSchema = Type.Union([mapOf(Type.Unknown()), Type.String()], {
  description: 'parameters of the stage, or one interpolation such as ${data} that gives them all',
});

export const stageSchema = Type.Object(
  {
    use: Type.String({ description: 'the stage definition: see lamina stages' }),
    in: Type.Optional(mapOf(Type.String(), { description: 'where each input comes from: a stage, or stage.output' })),
    with: Type.Optional(withSchema),
    seed: Type.Optional(
      Type.Union([Type.Integer({ minimum: 0 }), Type.String()], {
        description: 'a seed of its own instead of ${seed}, so that what it makes is shared by all seeds',
      }),
    ),
    resources: Type.Optional(resourcesSchema),
  },
  { additionalProperties: false },
);

export const pipelineFile = Type.Object(
  {
    pipeline: Type.Unsafe<string>({ ...dottedName, description: 'the name of the pipeline' }),
    summary: Type.Optional(Type.String({ description: 'what it does, in a sentence or two' })),
    include: Type.Optional(
      Type.Array(Type.String(), { description: 'pipelines whose parameters and stages belong to this one too' }),
    ),
    params: Type.Optional(
      mapOf(paramSchema, { key: plainName, description: 'parameters by name, each a JSON Schema of its value' }),
    ),
    stages: Type.Optional(mapOf(stageSchema, { key: plainName, description: 'stages by name' })),
  },
  { additionalProperties: false, $defs: paramDefinitions },
);

export type PipelineFile = Static<typeof pipelineFile>;
