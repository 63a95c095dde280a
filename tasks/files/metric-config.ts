// Which metrics a task reports, how each is averaged, and the options of exact_match.
import { expectedNames } from '../../located/nearest.ts';
import { compileRegex, type PythonRegex } from '../../python/regex.ts';
import { type Fields, isFunction, lineOf, plainValue } from './located-fields.ts';

export const aggregations = ['mean', 'median', 'perplexity', 'weighted_perplexity', 'bits_per_byte'] as const;
export type Aggregation = (typeof aggregations)[number];

/** The options of exact_match. */
export interface MatchOptions {
  regexes_to_ignore: PythonRegex[];
  ignore_case: boolean;
  ignore_punctuation: boolean;
  ignore_numbers: boolean;
}

export interface MetricConfig {
  metric: string;
  aggregation: Aggregation;
  higher_is_better: boolean;
  match: MatchOptions;
}

const defaultAggregation: Record<string, Aggregation> = {
  perplexity: 'perplexity',
  word_perplexity: 'weighted_perplexity',
  byte_perplexity: 'weighted_perplexity',
  bits_per_byte: 'bits_per_byte',
};

/** The metrics of each kind of task; the first ones are reported when the file names none. */
const metricsOf: Record<OutputType, { usual: string[]; more: string[] }> = {
  multiple_choice: { usual: ['acc', 'acc_norm'], more: ['acc_bytes', 'acc_mutual_info', 'exact_match'] },
  loglikelihood: { usual: ['perplexity', 'acc'], more: [] },
  loglikelihood_rolling: { usual: ['word_perplexity', 'byte_perplexity', 'bits_per_byte'], more: [] },
  generate_until: { usual: ['exact_match'], more: [] },
};

/** The metrics of a task; a task with its own `process_results` names what that gives. */
export function readMetrics(fields: Fields, output: OutputType, own: boolean): MetricConfig[] {
  const { usual, more } = metricsOf[output];
  const listed = fields.maps('metric_list');
  if (listed === undefined) return usual.map((metric) => defaults(metric));
  return listed.flatMap((entry) => {
    const metric = entry.text('metric');
    if (metric === undefined) {
      entry.complain(entry.map.span, "expected 'metric', the name of one");
      return [];
    }
    if (!own && !usual.includes(metric) && !more.includes(metric)) {
      const known = expectedNames(metric, [...usual, ...more], 'there is none');
      entry.complain((entry.at('metric') ?? entry.map).span, `unknown metric '${metric}' of a ${output} task${known}`);
    }
    return [{ ...defaults(metric), ...readEntry(entry, metric) }];
  });
}

function readEntry(entry: Fields, metric: string): MetricConfig {
  entry.only([
    ...['metric', 'aggregation', 'higher_is_better', 'hf_evaluate'],
    ...['regexes_to_ignore', 'ignore_case', 'ignore_punctuation', 'ignore_numbers'],
  ]);
  const usual = defaults(metric);
  return {
    metric,
    aggregation: aggregationAt(entry) ?? usual.aggregation,
    higher_is_better: entry.flag('higher_is_better') ?? usual.higher_is_better,
    match: {
      regexes_to_ignore: patternsAt(entry, 'regexes_to_ignore'),
      ignore_case: entry.flag('ignore_case') ?? false,
      ignore_punctuation: entry.flag('ignore_punctuation') ?? false,
      ignore_numbers: entry.flag('ignore_numbers') ?? false,
    },
  };
}

/** The patterns of a list. */
export function patternsAt(fields: Fields, key: string): PythonRegex[] {
  const tree = fields.at(key);
  if (tree === undefined) return [];
  if (tree.kind !== 'list') {
    fields.complain(
      tree.span,
      `'${key}': expected a list of texts: of one text Python takes each character for a pattern`,
    );
    return [];
  }
  return (fields.texts(key) ?? []).map((pattern) => compileRegex(pattern, lineOf(tree.span)));
}

function aggregationAt(entry: Fields): Aggregation | undefined {
  const tree = entry.at('aggregation');
  if (tree === undefined || !isFunction(tree)) return entry.one('aggregation', aggregations);
  entry.complain(
    tree.span,
    `'aggregation': lamina runs no Python, expected ${aggregations.join(', ')}, got '${String(plainValue(tree))}'`,
  );
  return undefined;
}

function defaults(metric: string): MetricConfig {
  const aggregation = defaultAggregation[metric] ?? 'mean';
  const match = { regexes_to_ignore: [], ignore_case: false, ignore_punctuation: false, ignore_numbers: false };
  return { metric, aggregation, higher_is_better: aggregation === 'mean', match };
}

export const outputTypes = ['multiple_choice', 'loglikelihood', 'loglikelihood_rolling', 'generate_until'] as const;

export type OutputType = (typeof outputTypes)[number];
