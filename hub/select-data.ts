// Which files of a repository or folder are the data: what is named, else the known default, else the one format there is.
import { UserError } from '../util/errors.ts';
import { knownDataset } from './known-datasets.ts';
import { isPattern, matcher } from './pattern.ts';

const formats: readonly string[] = ['.parquet', '.jsonl', '.ndjson', '.csv', '.json'];

/** JSON files that describe a data set and are none. */
const descriptions: readonly string[] = [
  'dataset_infos.json',
  'dataset_info.json',
  'dataset_dict.json',
  'state.json',
  'config.json',
  'index.json',
  'package.json',
];
const evaluationParts = /(^|[^a-z])(test|val|valid|validation|dev|eval|evaluation|holdout)([^a-z]|$)/i;
const trainingParts = /(^|[^a-z])train(ing)?([^a-z]|$)/i;
const shownFiles = 12;

/** What is selected when a hub name gives no path; part of the cache key. */
export function defaultSelection(repo: string): string {
  return knownDataset(repo)?.files ?? '';
}

/**
 * The data files of `paths` that `selection` (a file, a folder, a pattern, or '' for the default) means, in name order.
 * `what` names the repository. Throws UserError when there are none or when it is not clear which.
 */
export function selectHubData(paths: readonly string[], repo: string, selection: string, what: string): string[] {
  if (selection !== '') return named(paths, selection, what);
  const usual = defaultSelection(repo);
  const found = usual === '' ? [] : paths.filter(matcher(usual));
  if (found.length > 0) return found.sort();
  const data = oneFormat(paths.filter(isData), what);
  const training = data.filter((path) => trainingParts.test(path));
  return training.length > 0 ? training : withoutEvaluation(data, what);
}

/** The data files of a folder, in name order: all of them, when they have one format and are no parts of a split. */
export function selectFolderData(paths: readonly string[], what: string): string[] {
  const data = oneFormat(paths.filter(isData), what);
  return data.every((path) => trainingParts.test(path)) ? data : withoutEvaluation(data, what);
}

function named(paths: readonly string[], selection: string, what: string): string[] {
  if (paths.includes(selection)) return [selection];
  const test = isPattern(selection) ? matcher(selection) : (path: string) => path.startsWith(`${selection}/`);
  const found = paths.filter(test);
  if (found.length > 0) return oneFormat(found.filter(isData), `'${selection}' of ${what}`);
  throw new UserError(`${what}: no file fits '${selection}', expected one of ${listed(paths.filter(isData))}`);
}

function oneFormat(paths: readonly string[], what: string): string[] {
  const [first, ...others] = [...new Set(paths.map(formatOf))];
  if (first === undefined) throw new UserError(`${what}: expected data files (${formats.join(', ')}), got none`);
  if (others.length === 0) return [...paths].sort();
  throw new UserError(`${what}: files of several formats, name the ones that are meant: ${listed(paths)}`);
}

function withoutEvaluation(paths: readonly string[], what: string): string[] {
  if (!paths.some((path) => evaluationParts.test(path))) return [...paths];
  if (paths.length === 1) return [...paths];
  throw new UserError(`${what}: some files are for evaluation, name the ones that are meant: ${listed(paths)}`);
}

function isData(path: string): boolean {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const hidden = path.split('/').some((part) => part.startsWith('.'));
  return !hidden && !descriptions.includes(name) && formats.includes(formatOf(path));
}

function formatOf(path: string): string {
  return /\.[a-z]+$/i.exec(path)?.[0].toLowerCase() ?? '';
}

function listed(paths: readonly string[]): string {
  const shown = [...paths]
    .sort()
    .slice(0, shownFiles)
    .map((path) => `'${path}'`);
  const rest = paths.length - shown.length;
  return rest > 0 ? `${shown.join(', ')} and ${rest} more` : shown.join(', ') || 'none';
}
