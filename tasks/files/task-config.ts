// One task file as typed configuration: every key of the harness's form that lamina knows, checked at its line.
import { createHash } from 'node:crypto';
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import { type Located, type LocatedMap, showValue } from '../../located/located.ts';
import { compileTemplate, type Template } from '../../python/jinja/jinja.ts';
import { type Doc, isMapping, numberOf } from '../../python/value.ts';
import { canonicalJson, type Json } from '../../util/json.ts';
import { type FilterPipeline, readFilters } from './filters.ts';
import { findFunction } from './functions.ts';
import { Fields, functionTag, isFunction, lineOf, plainValue } from './located-fields.ts';
import { type MetricConfig, type OutputType, outputTypes, readMetrics } from './metric-config.ts';
import { empty, nameOf, needed, type Source, sourceAt } from './source.ts';
import type { OwnFunctions, ProcessDocs, ResultsFunction } from './task-function.ts';

/** How few-shot examples are chosen and written. */
export interface FewshotConfig {
  sampler: 'default' | 'first_n';
  samples: Doc[] | undefined;
  doc_to_text: Source | undefined;
  doc_to_target: Source | undefined;
  doc_to_choice: Source | undefined;
}

/** What ends a generation. */
export interface GenerationConfig {
  until: string[];
  max_gen_toks: number;
}

export interface TaskConfig {
  task: string;
  dataset_path: string | undefined;
  dataset_name: string | undefined;
  training_split: string | undefined;
  validation_split: string | undefined;
  test_split: string | undefined;
  fewshot_split: string | undefined;
  output_type: OutputType;
  doc_to_text: Source;
  doc_to_target: Source;
  doc_to_choice: Source | undefined;
  process_docs: ProcessDocs | undefined;
  process_results: ResultsFunction | undefined;
  description: Template | undefined;
  target_delimiter: string;
  fewshot_delimiter: string;
  fewshot_config: FewshotConfig;
  /** Undefined where the file does not say. */
  num_fewshot: number | undefined;
  metrics: MetricConfig[];
  filters: FilterPipeline[];
  generation: GenerationConfig;
  repeats: number;
  version: number | string | null;
  /** `file:line` of the task, for messages. */
  where: string;
  /** SHA-256 of all keys with their values: tells two forms of a task apart. */
  hash: string;
}

/** Keys that change no number. */
const ignoredKeys = [
  ...['tag', 'group', 'task_alias', 'group_alias', 'alias', 'metadata', 'dataset_kwargs', 'unsafe_code'],
  ...['should_decontaminate', 'doc_to_decontamination_query'],
];
const knownKeys = [
  ...['task', 'dataset_path', 'dataset_name', 'training_split', 'validation_split', 'test_split', 'fewshot_split'],
  ...['output_type', 'doc_to_text', 'doc_to_target', 'doc_to_choice', 'process_docs', 'process_results', 'description'],
  ...['target_delimiter', 'fewshot_delimiter', 'fewshot_config', 'num_fewshot', 'metric_list', 'filter_list'],
  ...['generation_kwargs', 'repeats', ...ignoredKeys],
];

/** Reads a task file with its includes taken in; all its mistakes at once are a SpecErrors. */
export function readTaskConfig(tree: LocatedMap, task: string, own: OwnFunctions): TaskConfig {
  const problems = new Problems();
  const fields = new Fields(tree, problems, own);
  fields.only(knownKeys);
  const config = read(fields, task);
  if (problems.count > 0 || config === undefined) throw new SpecErrors(problems.list());
  return config;
}

function read(fields: Fields, task: string): TaskConfig | undefined {
  const where = lineOf(fields.map.span);
  const output_type = fields.one('output_type', outputTypes) ?? 'generate_until';
  const process_results = functionAt(fields, 'process_results', 'process_results');
  const process_docs = functionAt(fields, 'process_docs', 'process_docs');
  const fewshot_delimiter = delimiterAt(fields, 'fewshot_delimiter', '\n\n');
  const doc_to_target = needed(fields, 'doc_to_target');
  const doc_to_text =
    output_type === 'loglikelihood_rolling'
      ? (sourceAt(fields, 'doc_to_text') ?? empty)
      : needed(fields, 'doc_to_text');
  const doc_to_choice = sourceAt(fields, 'doc_to_choice');
  const repeats = fields.count('repeats', 1) ?? 1;
  if (output_type === 'multiple_choice' && doc_to_choice === undefined) {
    fields.complain(fields.map.span, `task '${task}': expected 'doc_to_choice', as its output_type is multiple_choice`);
  }
  return {
    task,
    dataset_path: fields.text('dataset_path'),
    dataset_name: fields.label('dataset_name'),
    training_split: fields.text('training_split'),
    validation_split: fields.text('validation_split'),
    test_split: fields.text('test_split'),
    fewshot_split: fields.text('fewshot_split'),
    output_type,
    doc_to_text,
    doc_to_target,
    doc_to_choice,
    process_docs: process_docs?.kind === 'process_docs' ? process_docs.call : undefined,
    process_results: process_results?.kind === 'process_results' ? process_results.call : undefined,
    description: descriptionAt(fields),
    target_delimiter: delimiterAt(fields, 'target_delimiter', ' '),
    fewshot_delimiter,
    fewshot_config: readFewshot(fields),
    num_fewshot: fields.count('num_fewshot', 0),
    metrics: readMetrics(fields, output_type, process_results !== undefined),
    filters: readFilters(fields, { generates: output_type === 'generate_until', repeats }),
    generation: readGeneration(fields, fewshot_delimiter),
    repeats,
    version: versionOf(fields),
    where,
    hash: createHash('sha256')
      .update(canonicalJson(taskJson(fields.map)))
      .digest('hex'),
  };
}

/** Python prints `None` for a delimiter that is null; a key that is left out has the usual one. */
function delimiterAt(fields: Fields, key: string, usual: string): string {
  const entry = fields.map.entries.get(key);
  if (entry !== undefined && fields.at(key) === undefined) {
    fields.complain(entry.key, `'${key}': expected text, got null (leave the key out for the usual one)`);
  }
  return fields.text(key) ?? usual;
}

function descriptionAt(fields: Fields): Template | undefined {
  const text = fields.text('description');
  if (text === undefined || text === '') return undefined;
  return compileTemplate(text, lineOf((fields.at('description') as Located).span));
}

function functionAt(fields: Fields, key: string, kind: 'process_docs' | 'process_results') {
  const tree = fields.at(key);
  if (tree === undefined) return undefined;
  if (isFunction(tree)) return findFunction(nameOf(tree), tree.span, kind, fields.own);
  fields.complain(
    tree.span,
    `'${key}': expected a function (!function module.name), got ${showValue(plainValue(tree))}`,
  );
  return undefined;
}

function readFewshot(fields: Fields): FewshotConfig {
  const [own] = fields.maps('fewshot_config') ?? [];
  if (own === undefined) {
    return {
      sampler: 'default',
      samples: undefined,
      doc_to_text: undefined,
      doc_to_target: undefined,
      doc_to_choice: undefined,
    };
  }
  own.only(['sampler', 'samples', 'doc_to_text', 'doc_to_target', 'doc_to_choice']);
  return {
    sampler: own.one('sampler', ['default', 'first_n']) ?? 'default',
    samples: samplesAt(own),
    doc_to_text: sourceAt(own, 'doc_to_text'),
    doc_to_target: sourceAt(own, 'doc_to_target'),
    doc_to_choice: sourceAt(own, 'doc_to_choice'),
  };
}

function samplesAt(fields: Fields): Doc[] | undefined {
  const tree = fields.at('samples');
  if (tree === undefined) return undefined;
  const samples = plainValue(tree);
  if (!isFunction(tree) && Array.isArray(samples) && samples.every(isMapping)) return samples;
  fields.complain(tree.span, "'samples': expected a list of records");
  return undefined;
}

const defaultMaxTokens = 256;

/** Sampling is refused: its tokens would depend on another library's random numbers. */
function readGeneration(fields: Fields, fewshot_delimiter: string): GenerationConfig {
  const [own] = fields.maps('generation_kwargs') ?? [];
  const until = own?.texts('until') ?? [fewshot_delimiter];
  const max_gen_toks = own?.count('max_gen_toks', 1) ?? own?.count('max_new_tokens', 1) ?? defaultMaxTokens;
  if (own !== undefined) {
    own.only(['until', 'max_gen_toks', 'max_new_tokens', 'do_sample', 'temperature', 'top_p', 'top_k']);
    const sampling = own.at('do_sample');
    const temperature = own.at('temperature');
    if (
      sampling !== undefined &&
      plainValue(sampling) === true &&
      !(temperature !== undefined && Number(plainValue(temperature)) === 0)
    ) {
      own.complain(sampling.span, "'do_sample': only greedy generation is supported (do_sample: false)");
    }
  }
  return { until, max_gen_toks };
}

function versionOf(fields: Fields): number | string | null {
  const tree = fields.at('metadata');
  const metadata = tree === undefined ? null : plainValue(tree);
  const version = isMapping(metadata) ? (metadata.version ?? null) : null;
  return typeof version === 'string' ? version : (numberOf(version) ?? null);
}

/** The file's values as JSON, functions by name. */
function taskJson(tree: Located): Json {
  if (tree.kind === 'map')
    return Object.fromEntries([...tree.entries].map(([key, entry]) => [key, taskJson(entry.value)]));
  if (tree.kind === 'list') return tree.items.map(taskJson);
  if (isFunction(tree)) return { [functionTag]: nameOf(tree) };
  const value = plainValue(tree);
  return typeof value === 'boolean' ? value : (numberOf(value) ?? (value as Json));
}
