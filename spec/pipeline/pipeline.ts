// Pipeline files, with what they include, as parameters and stages that know their places.
import type { Resources } from '../../contract/plan.ts';
import type { Problems } from '../../located/diagnostic.ts';
import type { Shaped } from '../../located/file-shape.ts';
import { checkShape } from '../../located/file-shape.ts';
import { compileSchema } from '../../located/json-schema.ts';
import type { Located, Source, Span } from '../../located/located.ts';
import { entriesAt, find, keySpan, place, valueSpan } from '../../located/located.ts';
import type { SpecFiles } from '../../located/source-file.ts';
import { parseYaml } from '../../located/yaml-source.ts';
import type { ParamSchema, ValueSchema } from '../../schemas/param-schema.ts';
import type { PipelineFile } from '../../schemas/pipeline.ts';
import { pipelineFile } from '../../schemas/pipeline.ts';
import { resourcesOf } from './resources.ts';

export interface PipelineParam {
  name: string;
  schema: ValueSchema;
  /** The default. */
  fallback: Located | undefined;
  key: Span;
}

export interface PipelineStage {
  name: string;
  /** The name of the stage definition; as it is written, until a module is loaded. */
  use: string;
  /** The module of the definition, absolute, where it is a stage of the user's own. */
  module?: string | undefined;
  useSpan: Span;
  /** Where each input comes from, by the name of the input. */
  inputs: ReadonlyMap<string, { key: Span; from: string; span: Span }>;
  with: Located | undefined;
  seed: Located | undefined;
  resources: Resources | undefined;
  key: Span;
  /** True when parts of it were wrong and left out: what seems to be missing may be there, misspelt. */
  partial: boolean;
}

export interface Pipeline {
  name: string;
  params: ReadonlyMap<string, PipelineParam>;
  stages: ReadonlyMap<string, PipelineStage>;
  /** `stages.warm`, `params.rank`: declared but wrong, so that nothing more is said about what uses them. */
  broken: ReadonlySet<string>;
  /** True when the file has unknown or wrong sections: an unknown name may be declared in one of them. */
  partial: boolean;
}

/** True when an unknown name must not be reported, since its declaration was. */
export function isExcused(pipeline: Pipeline, section: 'params' | 'stages', name: string): boolean {
  return pipeline.partial || pipeline.broken.has(`${section}.${name}`);
}

interface Parts {
  params: Map<string, PipelineParam>;
  stages: Map<string, PipelineStage>;
  broken: Set<string>;
  partial: boolean;
}

/** Reads the pipeline that a file of `folder` names, and its includes; undefined when the file itself cannot be used. */
export async function loadPipeline(
  name: string,
  folder: string,
  from: Span,
  files: SpecFiles,
): Promise<Pipeline | undefined> {
  const path = files.locate(name, folder, from, 'the pipeline', 'pipeline');
  const source = path === undefined ? undefined : await files.read(path, from, 'the pipeline', 'pipeline');
  const tree = source === undefined ? undefined : parseYaml(source, files.problems);
  if (path === undefined || source === undefined || tree === undefined) return undefined;
  return readPipeline(path, source, tree, files);
}

/** A pipeline from an already parsed file. */
export async function readPipeline(
  path: string,
  source: Source,
  tree: Located,
  files: SpecFiles,
): Promise<Pipeline | undefined> {
  const file = checkShape(pipelineFile, tree, files.problems);
  if (file === undefined) return undefined;
  const parts: Parts = { params: new Map(), stages: new Map(), broken: new Set(), partial: false };
  collect(file, parts, files.problems);
  await include(file, source, [path], new Set([path]), parts, files);
  return { name: file.data.pipeline, ...parts };
}

async function include(
  file: Shaped<PipelineFile>,
  source: Source,
  chain: readonly string[],
  seen: Set<string>,
  parts: Parts,
  files: SpecFiles,
): Promise<void> {
  for (const [i, name] of (file.data.include ?? []).entries()) {
    const span = valueSpan(file.tree, ['include', String(i)]);
    const path = files.locate(name, source.folder, span, 'the included pipeline', 'pipeline');
    if (path === undefined) continue;
    if (chain.includes(path)) {
      const cycle = [...chain.slice(chain.indexOf(path)), path].map((part) => files.shown(part));
      files.problems.add(span, `include cycle: ${cycle.join(' -> ')}`);
    }
    if (seen.has(path)) continue;
    seen.add(path);
    const other = await files.read(path, span, 'the included pipeline', 'pipeline');
    const tree = other === undefined ? undefined : parseYaml(other, files.problems);
    const shaped = tree === undefined ? undefined : checkShape(pipelineFile, tree, files.problems);
    if (other === undefined || shaped === undefined) continue;
    collect(shaped, parts, files.problems);
    await include(shaped, other, [...chain, path], seen, parts, files);
  }
}

function collect(file: Shaped<PipelineFile>, parts: Parts, problems: Problems): void {
  parts.partial ||= file.wrong.has('');
  for (const [name, entry] of entriesAt(file.tree, ['params'])) {
    const schema = valueSchemaOf(own(file.data.params, name));
    if (isDuplicate('parameter', name, entry.key, parts.params, problems)) continue;
    if (schema === undefined || !isSchema(name, schema, file.tree, problems)) parts.broken.add(`params.${name}`);
    else parts.params.set(name, readParam(name, schema, file.tree));
  }
  for (const [name, entry] of entriesAt(file.tree, ['stages'])) {
    const stage = own(file.data.stages, name);
    if (isDuplicate('stage', name, entry.key, parts.stages, problems)) continue;
    if (stage === undefined) parts.broken.add(`stages.${name}`);
    else
      parts.stages.set(name, {
        ...readStage(name, stage.use, file.tree),
        resources: stage.resources && resourcesOf(stage.resources),
        partial: file.wrong.has(`stages.${name}`),
      });
  }
}

/** Without the default, which is a value and may be interpolated. */
function valueSchemaOf(param: ParamSchema | undefined): ValueSchema | undefined {
  if (param === undefined) return undefined;
  const { default: _, ...schema } = param;
  return schema;
}

function own<T>(record: Record<string, T> | undefined, key: string): T | undefined {
  return record !== undefined && Object.hasOwn(record, key) ? record[key] : undefined;
}

function isDuplicate(
  what: string,
  name: string,
  key: Span,
  known: ReadonlyMap<string, { key: Span }>,
  problems: Problems,
): boolean {
  const first = known.get(name);
  if (first === undefined) return false;
  const { file, line } = place(first.key);
  problems.add(key, `${what} '${name}' is already declared at ${file}:${line}`, [
    { span: first.key, message: 'first declared here' },
  ]);
  return true;
}

/** True when ajv can compile the schema. */
function isSchema(name: string, schema: ValueSchema, tree: Located, problems: Problems): boolean {
  try {
    compileSchema(schema);
    return true;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    problems.add(keySpan(tree, ['params', name]), `parameter '${name}': not a usable JSON Schema: ${reason}`);
    return false;
  }
}

function readParam(name: string, schema: ValueSchema, tree: Located): PipelineParam {
  const path = ['params', name];
  return { name, schema, fallback: find(tree, [...path, 'default']), key: keySpan(tree, path) };
}

function readStage(name: string, use: string, tree: Located): Omit<PipelineStage, 'partial' | 'resources'> {
  const path = ['stages', name];
  const inputs = new Map<string, { key: Span; from: string; span: Span }>();
  for (const [input, { key, value }] of entriesAt(tree, [...path, 'in'])) {
    if (value.kind === 'scalar' && typeof value.value === 'string') {
      inputs.set(input, { key, from: value.value, span: value.span });
    }
  }
  return {
    name,
    use,
    useSpan: valueSpan(tree, [...path, 'use']),
    inputs,
    with: find(tree, [...path, 'with']),
    seed: find(tree, [...path, 'seed']),
    key: keySpan(tree, path),
  };
}
