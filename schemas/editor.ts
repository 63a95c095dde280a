// JSON Schemas for editors: the file shapes, with every stage's inputs and parameters filled in, so that `use:`, `in:`
// and `with:` complete and wrong values are underlined while typing.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs
import { type EditorPipeline, pipelineRules } from './editor-experiment.ts';
import { experimentFile, fragmentFile } from './experiment.ts';
import { interpolation, open, plain, type Schema } from './open-schema.ts';
import { pipelineFile, stageSchema } from './pipeline.ts';

/** What the schemas need to know of a stage definition; the stage contract of `spec` fits. */
export interface EditorStage {
  name: string;
  summary: string;
  reference?: string;
  /** A JSON Schema of an object. */
  params: object;
  inputs: Readonly<Record<string, { kind: string; summary: string; optional?: boolean }>>;
  /** There where its inputs have the names that its parameters give them. */
  ports?: unknown;
}

/** A stage that these schemas do not know. */
const ownModule: Schema = {
  type: 'string',
  pattern: '/',
  description: 'a stage of your own: ./my-stage.mjs, or what a package exports (docs/add-a-stage.md)',
};

/** Editors know this dialect best; the schemas use no keyword that differs between it and 2020-12. */
const dialect = 'http://json-schema.org/draft-07/schema#';

/** The schemas by file name, for `schemas/json`; what experiments may name is offered for the pipelines that are given. */
export function editorSchemas(
  stages: ReadonlyMap<string, EditorStage>,
  pipelines: readonly EditorPipeline[] = [],
): Record<string, object> {
  const experiment = { ...plain(experimentFile), ...pipelineRules(pipelines) };
  return {
    'pipeline.schema.json': pipelineSchema([...stages.values()]),
    'experiment.schema.json': { $schema: dialect, title: 'a lamina experiment', ...experiment },
    'fragment.schema.json': { $schema: dialect, title: 'a fragment of lamina experiments', ...plain(fragmentFile) },
  };
}

/** The pipeline schema with one rule for each stage definition. */
export function pipelineSchema(stages: readonly EditorStage[]): object {
  const properties = plain(pipelineFile).properties as Record<string, Schema>;
  return {
    $schema: dialect,
    title: 'a lamina pipeline',
    ...plain(pipelineFile),
    properties: { ...properties, stages: { ...properties.stages, additionalProperties: stageOf(stages) } },
  };
}

function stageOf(stages: readonly EditorStage[]): Schema {
  const base = plain(stageSchema);
  const names: Schema[] = stages.map(({ name, summary }) => ({ const: name, description: summary }));
  names.push(ownModule);
  const use = { ...stageSchema.properties.use, anyOf: names };
  return { ...base, properties: { ...(base.properties as object), use }, allOf: stages.map(stageRule) };
}

/** What `in` and `with` may hold where a stage uses this definition. */
function stageRule({ name, summary, reference, params, inputs, ports: free }: EditorStage): Schema {
  const ports = Object.entries(inputs).map(([port, { kind, summary: what, optional }]) => [
    port,
    { type: 'string', description: `${what} (${kind}${optional === true ? ', optional' : ''})` },
  ]);
  const required = Object.keys(inputs).filter((port) => inputs[port]?.optional !== true);
  return {
    if: { required: ['use'], properties: { use: { const: name } } },
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: {
      description: reference === undefined ? summary : `${summary} (${reference})`,
      ...(required.length === 0 ? {} : { required: ['in'] }),
      properties: {
        in: {
          type: 'object',
          properties: Object.fromEntries(ports),
          required,
          additionalProperties: free !== undefined,
        },
        with: { anyOf: [open(plain(params), true), interpolation] },
      },
    },
  };
}
