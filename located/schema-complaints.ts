// From ajv's error objects to one plain sentence per mistake.
import type { ErrorObject } from 'ajv/dist/2020.js';
import { isObject } from '../util/json.ts';
import { showValue } from './located.ts';
import { didYouMean, expectedNames, orList } from './nearest.ts';
import { valueMeant } from './value-meant.ts';

/** One mistake in a value, without its place in a file. */
export type Complaint =
  | { kind: 'value'; path: readonly string[]; says: string }
  /** `path` is the mapping, `key` the key in it. `hint` is `, expected 'a' or 'b'` or ` (did you mean 'a'?)`. */
  | { kind: 'unknown'; path: readonly string[]; key: string; hint: string }
  | { kind: 'missing'; path: readonly string[]; key: string }
  | { kind: 'key'; path: readonly string[]; key: string; says: string };

/** Keywords whose errors only repeat that some other error was found. */
const summaries = new Set(['if', 'propertyNames']);

interface Mistake extends ErrorObject {
  path: readonly string[];
  /** Of words in a union: the numbers that would do as well. */
  orTypes?: readonly string[];
}

/** The complaints of a failed validation; of a union's branches only the one that was meant. */
export function complaintsOf(errors: readonly ErrorObject[]): Complaint[] {
  const mistakes = errors.map((error) => ({ ...error, path: pathOf(error.instancePath) }));
  const complaints = withoutUnions(mistakes).map(complaintOf);
  const seen = new Set<string>();
  return complaints.filter((complaint) => {
    const id = JSON.stringify([complaint.kind, complaint.path, complaint.kind === 'value' ? '' : complaint.key]);
    return !seen.has(id) && seen.add(id);
  });
}

function pathOf(pointer: string): string[] {
  const keys = pointer.split('/').slice(1);
  return keys.map((key) => key.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Replaces each failed union, outermost first, by the mistakes of the branch that was meant. */
function withoutUnions(mistakes: readonly Mistake[]): Mistake[] {
  const union = mistakes.find((mistake) => mistake.keyword === 'anyOf' || mistake.keyword === 'oneOf');
  if (union === undefined) return mistakes.filter((mistake) => !summaries.has(mistake.keyword));
  const outermost = mistakes
    .filter((mistake) => mistake.keyword === union.keyword)
    .reduce((a, b) => (b.schemaPath.length < a.schemaPath.length ? b : a));
  const isBranch = (mistake: Mistake) =>
    mistake.schemaPath.startsWith(`${outermost.schemaPath}/`) && startsWith(mistake.path, outermost.path);
  const others = mistakes.filter((mistake) => mistake !== outermost && !isBranch(mistake));
  return withoutUnions([...others, ...branchMeant(outermost, mistakes.filter(isBranch))]);
}

function startsWith(path: readonly string[], start: readonly string[]): boolean {
  return start.every((key, i) => path[i] === key);
}

function branchMeant(union: Mistake, mistakes: readonly Mistake[]): Mistake[] {
  const branches = new Map<string, Mistake[]>();
  for (const mistake of mistakes) {
    const branch = mistake.schemaPath.slice(union.schemaPath.length + 1).split('/', 1)[0] as string;
    branches.set(branch, [...(branches.get(branch) ?? []), mistake]);
  }
  const atTop = (mistake: Mistake) => mistake.path.length === union.path.length;
  const wrongType = (branch: Mistake[]) => branch.some((mistake) => mistake.keyword === 'type' && atTop(mistake));
  const constants = mistakes.filter((mistake) => mistake.keyword === 'const' && atTop(mistake));
  const fitting = [...branches.values()].filter((branch) => !wrongType(branch));
  const first = mistakes[0] ?? union;
  if (constants.length > 0 && fitting.every((branch) => branch.some((mistake) => constants.includes(mistake)))) {
    const allowedValues = constants.map((mistake) => (mistake.params as { allowedValue: unknown }).allowedValue);
    return [{ ...constants[0], ...pick(union), keyword: 'enum', params: { allowedValues } } as Mistake];
  }
  const types = mistakes.flatMap((mistake) => (mistake.keyword === 'type' && atTop(mistake) ? typesOf(mistake) : []));
  if (fitting.length > 0) {
    const meant = fitting.reduce((a, b) => (b.length < a.length ? b : a));
    const orTypes = types.filter((type) => type === 'integer' || type === 'number');
    return meant.map((mistake) => (mistake.keyword === 'enum' && atTop(mistake) ? { ...mistake, orTypes } : mistake));
  }
  return [{ ...first, ...pick(union), keyword: 'type', params: { type: [...new Set(types)] } }];
}

function pick(union: Mistake): Pick<Mistake, 'path' | 'data' | 'schemaPath'> {
  return { path: union.path, data: union.data, schemaPath: '' };
}

function typesOf(mistake: Mistake): string[] {
  const type = (mistake.params as { type: string | string[] }).type;
  return typeof type === 'string' ? type.split(',') : type;
}

function complaintOf(mistake: Mistake): Complaint {
  const { path, keyword, params } = mistake;
  if (keyword === 'additionalProperties') {
    const key = (params as { additionalProperty: string }).additionalProperty;
    return { kind: 'unknown', path, key, hint: keyHint(key, mistake) };
  }
  if (keyword === 'required') {
    return { kind: 'missing', path, key: (params as { missingProperty: string }).missingProperty };
  }
  if (mistake.propertyName !== undefined) {
    return { kind: 'key', path, key: mistake.propertyName, says: `expected ${titleOf(mistake) ?? 'another name'}` };
  }
  return { kind: 'value', path, says: `expects ${expectation(mistake)}, got ${got(mistake)}${wayOut(mistake)}` };
}

function keyHint(key: string, mistake: Mistake): string {
  const properties = isObject(mistake.parentSchema) ? mistake.parentSchema.properties : undefined;
  return expectedNames(key, isObject(properties) ? Object.keys(properties) : [], 'expected none');
}

function titleOf(mistake: Mistake): string | undefined {
  const title = isObject(mistake.parentSchema) ? mistake.parentSchema.title : undefined;
  return typeof title === 'string' ? title : undefined;
}

function got(mistake: Mistake): string {
  const { keyword, data, params } = mistake;
  if (keyword === 'enum' && typeof data === 'string') {
    const allowed = (params as { allowedValues: unknown[] }).allowedValues.filter((value) => typeof value === 'string');
    return `${showValue(data)}${didYouMean(data, allowed)}`;
  }
  if (keyword === 'minItems' || keyword === 'maxItems') return `${(data as unknown[]).length}`;
  if (keyword === 'uniqueItems') return `${showValue((data as unknown[])[Number(mistake.params.i)])} twice`;
  return showValue(data);
}

/** ` (type 16, without quotes)`: what to type in the place of a value of another type, where that can be told. */
function wayOut(mistake: Mistake): string {
  const types = mistake.keyword === 'type' ? typesOf(mistake) : (mistake.orTypes ?? []);
  const meant = types.length === 0 ? undefined : valueMeant(mistake.data, types, mistake.path);
  return meant === undefined ? '' : ` (type ${meant})`;
}

const typeWords: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  integer: 'an integer',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  null: 'null',
};

const typeInWords = (type: string) => typeWords[type] ?? type;

function expectation(mistake: Mistake): string {
  const { keyword } = mistake;
  const params = mistake.params as Record<string, unknown>;
  const limit = `${params.limit}`;
  switch (keyword) {
    case 'type':
      return alternatives(typesOf(mistake).map(typeInWords));
    case 'enum':
      return alternatives([
        ...(mistake.orTypes ?? []).map(typeInWords),
        ...(params.allowedValues as unknown[]).map(showValue),
      ]);
    case 'const':
      return showValue(params.allowedValue);
    case 'minimum':
      return `at least ${limit}`;
    case 'maximum':
      return `at most ${limit}`;
    case 'exclusiveMinimum':
      return `more than ${limit}`;
    case 'exclusiveMaximum':
      return `less than ${limit}`;
    case 'multipleOf':
      return `a multiple of ${params.multipleOf}`;
    case 'minItems':
      return `at least ${limit} ${limit === '1' ? 'item' : 'items'}`;
    case 'maxItems':
      return `at most ${limit} ${limit === '1' ? 'item' : 'items'}`;
    case 'uniqueItems':
      return 'each item once';
    case 'minLength':
      return limit === '1' ? 'text that is not empty' : `at least ${limit} characters`;
    case 'maxLength':
      return `at most ${limit} characters`;
    case 'format':
      return params.format === 'path' ? 'a path' : `text of the form '${params.format}'`;
    case 'pattern':
      return titleOf(mistake) ?? `text that matches /${params.pattern}/`;
    default:
      return titleOf(mistake) ?? `what its schema says (${mistake.message ?? keyword})`;
  }
}

function alternatives(words: readonly string[]): string {
  if (words.length > 12) return `one of ${orList(words.map((word) => word.replaceAll("'", '')))}`;
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
