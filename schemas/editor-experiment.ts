// What an editor offers in an experiment, by the pipeline that it names: parameters, stages with theirs, axes and metrics. It offers and
// underlines nothing: another file may have the same name, and `lamina check` knows which one is meant.
import { open, plain, type Schema } from './open-schema.ts';

/** A parameter: the JSON Schema of its value, that of the stage's parameter which takes it where there is one. */
export interface EditorParam {
  schema: { description?: string };
  /** The stage definition whose parameters it holds, all of them, where it does. */
  use?: string;
}

/** What an experiment may name of a pipeline. */
export interface EditorPipeline {
  /** The name of its file, without `.yaml`. */
  name: string;
  params: Readonly<Record<string, EditorParam>>;
  /** The stages: which definition each uses, and the JSON Schema of that one's parameters. */
  stages: Readonly<Record<string, { use: string; params: object }>>;
  /** `stage.field`. */
  metrics: readonly string[];
}

/** The keywords that are added to the schema of an experiment: a rule for each pipeline, and what the rules have in common. */
export function pipelineRules(pipelines: readonly EditorPipeline[]): Schema {
  if (pipelines.length === 0) return {};
  const definitions: Record<string, Schema> = {};
  for (const pipeline of pipelines) Object.assign(definitions, definitionsOf(pipeline));
  return { definitions, allOf: pipelines.map(rule) };
}

function rule({ name, params }: EditorPipeline): Schema {
  const values = reference(name, 'params');
  const stages = reference(name, 'stages');
  const axis = reference(name, 'axis');
  const axes = Object.entries(withSeed(params)).map(([param, { schema }]) => {
    const items = { $ref: `#/definitions/${name} params/properties/${param}` };
    return [param, { ...said(schema), anyOf: [{ type: 'array', items }, {}], allOf: [axis] }];
  });
  return {
    if: { required: ['pipeline'], properties: { pipeline: { type: 'string', pattern: patternOf(name) } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      properties: {
        params: values,
        with: stages,
        metric: reference(name, 'metric'),
        profiles: { additionalProperties: { properties: { params: values, with: stages } } },
        axes: { properties: Object.fromEntries(axes), additionalProperties: axis },
      },
    },
  };
}

/** The seed is no parameter of a pipeline, and set like one. */
function withSeed(params: EditorPipeline['params']): EditorPipeline['params'] {
  const schema = { type: 'integer', minimum: 0, description: 'the seed of all stages that draw numbers' };
  return { ...params, seed: { schema } };
}

function definitionsOf({ name, params, stages, metrics }: EditorPipeline): Record<string, Schema> {
  const uses = Object.values(stages).map(({ use, params }) => [`with ${use}`, open(plain(params), true)]);
  const value = {
    metric: reference(name, 'metric'),
    params: reference(name, 'params'),
    with: reference(name, 'stages'),
  };
  return {
    ...Object.fromEntries(uses),
    [`${name} params`]: { properties: mapped(withSeed(params), offered) },
    [`${name} stages`]: {
      properties: mapped(stages, ({ use }) => ({ anyOf: [{ $ref: `#/definitions/with ${use}` }, {}] })),
    },
    [`${name} metric`]: { anyOf: [{ enum: metrics }, { type: 'string' }] },
    [`${name} axis`]: { properties: { values: { additionalProperties: { properties: value } } } },
  };
}

/** A schema whose values are offered, while others are right too. */
function offered({ schema, use }: EditorParam): Schema {
  const known = use === undefined ? open(plain(schema), true) : { $ref: `#/definitions/with ${use}` };
  return { ...said(schema), anyOf: [known, {}] };
}

/** What a schema says of itself. */
export function said(schema: { description?: string }): { description?: string } {
  return schema.description === undefined ? {} : { description: schema.description };
}

function reference(name: string, part: string): Schema {
  return { $ref: `#/definitions/${name} ${part}` };
}

/** `lamina:sharp`, `../pipelines/sharp.yaml` and `sharp.yaml`. */
function patternOf(name: string): string {
  return `(^|[/:])${name.replaceAll('.', '\\.')}(\\.ya?ml)?$`;
}

function mapped<In>(entries: Readonly<Record<string, In>>, how: (entry: In) => Schema): Record<string, Schema> {
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, how(entry)]));
}
