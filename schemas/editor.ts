// JSON Schemas for editors: the file shapes, with every stage's inputs and parameters filled in, so that `use:`, `in:`
// and `with:` complete and wrong values are underlined while typing.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the dollar signs are the interpolations of specs
import { experimentFile, fragmentFile } from './experiment.ts';
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

type Schema = Readonly<Record<string, unknown>>;

/** A stage that these schemas do not know. */
const ownModule: Schema = {
  type: 'string',
  pattern: '/',
  description: 'a stage of your own: ./my-stage.mjs, or what a package exports (docs/add-a-stage.md)',
};

/** Editors know this dialect best; the schemas use no keyword that differs between it and 2020-12. */
const dialect = 'http://json-schema.org/draft-07/schema#';

/** Text with an interpolation, which may stand for a value of any type. */
const interpolation: Schema = { type: 'string', pattern: '\\$\\{', description: 'an interpolation: ${name}' };

/** The schemas by file name, for `schemas/json`. */
export function editorSchemas(stages: ReadonlyMap<string, EditorStage>): Record<string, object> {
  return {
    'pipeline.schema.json': pipelineSchema([...stages.values()]),
    'experiment.schema.json': { $schema: dialect, title: 'a lamina experiment', ...plain(experimentFile) },
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

/** A schema in which every value may be an interpolation, at any depth, and no key is required: others may give it. */
function open(schema: Schema, top = false): Schema {
  const result: Record<string, unknown> = { ...schema };
  delete result.required;
  if (isSchema(schema.properties)) {
    const properties = Object.entries(schema.properties).map(([key, value]) => [key, open(value as Schema)]);
    result.properties = Object.fromEntries(properties);
  }
  for (const key of ['items', 'additionalProperties'])
    if (isSchema(schema[key])) result[key] = open(schema[key] as Schema);
  if (top || isFreeText(schema)) return result;
  const { description, default: preset, ...rest } = result;
  return {
    ...(description === undefined ? {} : { description }),
    ...(preset === undefined ? {} : { default: preset }),
    anyOf: [rest, interpolation],
  };
}

/** True when any text is allowed anyway. */
function isFreeText(schema: Schema): boolean {
  const keywords = ['enum', 'const', 'pattern', 'maxLength'];
  return schema.type === 'string' && !keywords.some((keyword) => keyword in schema);
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The JSON that a schema is, without what typebox keeps beside it. */
function plain(schema: object): Schema {
  return JSON.parse(JSON.stringify(schema)) as Schema;
}
