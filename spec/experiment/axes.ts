// Axes: what varies between the cells of an experiment, from the file and from --set.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, LocatedEntry, LocatedScalar, Span } from '../../located/located.ts';
import { entriesAt, find } from '../../located/located.ts';
import { expectedNames, nearest } from '../../located/nearest.ts';
import type { ExperimentAxisValue } from '../../schemas/experiment.ts';
import { isObject } from '../../util/json.ts';
import type { KnownNames, ParamPath } from '../pipeline/param-path.ts';
import { parseParamPath } from '../pipeline/param-path.ts';
import { parseTemplate } from '../pipeline/template.ts';
import type { Experiment, Layer } from './experiment.ts';
import { layerAt } from './experiment.ts';

/** One value, and the parameter that it is set at. */
export interface Edit {
  param: ParamPath;
  value: Located;
}

export interface AxisValue extends Layer {
  name: string;
  label: string;
  edits: readonly Edit[];
  metric: LocatedScalar | undefined;
  /** Metric references of the columns beside the numbers, by column name. */
  beside: ReadonlyMap<string, LocatedEntry>;
  span: Span;
  /** True when it is declared but wrong (already reported): its cells are left out. */
  broken: boolean;
}

export interface Axis {
  name: string;
  label: string;
  values: readonly AxisValue[];
  key: Span;
  /** Set when each value is one value of one parameter: `rank: [5, 20]`. */
  param: ParamPath | undefined;
  /** True when it is declared but wrong (already reported): there are no cells then. */
  broken: boolean;
}

/** The axes of an experiment file under its layers of values; wrong ones are reported and marked. */
export function readAxes(
  experiment: Experiment,
  layers: readonly Layer[],
  known: KnownNames,
  problems: Problems,
): Axis[] {
  const axes: Axis[] = [];
  for (const [name, entry] of entriesAt(experiment.tree, ['axes'])) {
    const data = experiment.data.axes?.[name];
    if (data === undefined) {
      axes.push(brokenAxis(name, entry));
      continue;
    }
    const given = find(entry.value, ['values']) ?? entry.value;
    const values = given.kind === 'scalar' ? namedList(name, given, layers, problems) : given;
    if (values === undefined) {
      axes.push(brokenAxis(name, entry));
      continue;
    }
    const label = !Array.isArray(data) && isObject(data) && typeof data.label === 'string' ? data.label : name;
    const axis =
      values.kind === 'list'
        ? listAxis(name, label, entry, values.items, known, problems)
        : mapAxis(name, label, entry, experiment, known, problems);
    axes.push(axis);
  }
  return axes;
}

/** The list that `${name}` stands for: how deep a model is, say, differs between profiles. */
function namedList(
  axis: string,
  text: LocatedScalar,
  layers: readonly Layer[],
  problems: Problems,
): Located | undefined {
  const [part] = parseTemplate(text) ?? [];
  const name = part?.kind === 'reference' ? part.path.join('.') : '';
  const list = layers.findLast((layer) => layer.params.has(name))?.params.get(name)?.value;
  if (list?.kind === 'list' && list.items.length > 0 && list.items.every((item) => item.kind === 'scalar')) return list;
  problems.add(text.span, `axis '${axis}': expected '${name}' to be a list of values, in 'params' of the profile`);
  return undefined;
}

function brokenAxis(name: string, { key }: LocatedEntry): Axis {
  return { name, label: name, values: [], key, param: undefined, broken: true };
}

function listAxis(
  name: string,
  label: string,
  entry: LocatedEntry,
  items: readonly Located[],
  known: KnownNames,
  problems: Problems,
): Axis {
  const param = parseParamPath(name, known);
  if (typeof param === 'string') {
    problems.add(entry.key, `axis '${name}': ${param}`);
    return brokenAxis(name, entry);
  }
  const named = items.map((value) => ({ value, name: value.kind === 'scalar' ? `${value.value}` : '' }));
  return { name, label, key: entry.key, param, values: editValues(name, param, named, problems), broken: false };
}

/** The values of an axis that sets one parameter; a name that occurs twice is reported. */
export function editValues(
  axis: string,
  param: ParamPath,
  values: readonly { name: string; value: Located }[],
  problems: Problems,
): AxisValue[] {
  const first = new Map<string, Span>();
  for (const { name, value } of values) {
    const before = first.get(name);
    if (before === undefined) first.set(name, value.span);
    else {
      problems.add(value.span, `axis '${axis}': two values have the same name '${name}'`, [
        { span: before, message: 'first given here' },
      ]);
    }
  }
  const none = new Map<string, LocatedEntry>();
  return values.map(({ name, value }) => ({
    name,
    label: name,
    params: none,
    with: none,
    edits: [{ param, value }],
    metric: undefined,
    beside: none,
    span: value.span,
    broken: false,
  }));
}

function mapAxis(
  name: string,
  label: string,
  entry: LocatedEntry,
  experiment: Experiment,
  known: KnownNames,
  problems: Problems,
): Axis {
  const path = ['axes', name, 'values'];
  const values: AxisValue[] = [];
  const given = experiment.data.axes?.[name] as { values?: Record<string, ExperimentAxisValue> } | undefined;
  const data = given?.values ?? {};
  for (const [value, { key }] of entriesAt(experiment.tree, path)) {
    const valid = Object.hasOwn(data, value) ? data[value] : undefined;
    const at = [...path, value];
    const metric = find(experiment.tree, [...at, 'metric']);
    values.push({
      name: value,
      label: valid?.label ?? value,
      ...layerAt(experiment.tree, at),
      edits: ownValue(name, find(experiment.tree, [...at, 'value']), known, problems),
      metric: metric?.kind === 'scalar' ? metric : undefined,
      beside: entriesAt(experiment.tree, [...at, 'beside']),
      span: key,
      broken: valid === undefined,
    });
  }
  if (values.length === 0) problems.add(entry.key, `axis '${name}' has no values`);
  return { name, label, values, key: entry.key, param: undefined, broken: values.length === 0 };
}

function ownValue(axis: string, value: Located | undefined, known: KnownNames, problems: Problems): Edit[] {
  if (value === undefined) return [];
  const param = parseParamPath(axis, known);
  if (typeof param !== 'string') return [{ param, value }];
  problems.add(value.span, `axis '${axis}': 'value' needs an axis that is named after a parameter: ${param}`);
  return [];
}

/** Columns of the results that every experiment has. */
const columnNames = new Set(['metric', 'value', 'stderr', 'n', 'paper', 'key', 'digest', 'name', 'error']);

/** Reports axes, and numbers `beside` the table's own, whose name is also that of another column of the results: one of the two would be lost there. */
export function checkColumnNames(
  axes: readonly Axis[],
  beside: ReadonlyMap<string, LocatedEntry>,
  problems: Problems,
): void {
  const taken = new Set(columnNames);
  const complain = (what: string, { key }: Pick<LocatedEntry, 'key'>) =>
    problems.add(key, `${what}: the results have a column of this name already, choose another`);
  for (const axis of axes) if (columnNames.has(axis.name)) complain(`axis '${axis.name}'`, axis);
  for (const { name } of axes) taken.add(name);
  for (const [name, entry] of beside) if (taken.has(name)) complain(`column '${name}' beside the numbers`, entry);
}

/** The index of a value by its name; reports an unknown one. */
export function valueIndex(axis: Axis, name: string, span: Span, where: string, problems: Problems): number {
  const index = axis.values.findIndex((value) => value.name === name);
  if (index < 0 && !axis.broken) {
    const names = axis.values.map((value) => value.name);
    problems.add(
      span,
      `${where}unknown value '${name}' of axis '${axis.name}'${expectedNames(name, names, 'it has none')}`,
    );
  }
  return index;
}

/** The index of an axis by its name; reports an unknown one. */
export function axisIndex(axes: readonly Axis[], name: string, span: Span, where: string, problems: Problems): number {
  const index = axes.findIndex((axis) => axis.name === name);
  const broken = axes.filter((axis) => axis.broken).map((axis) => axis.name);
  if (index < 0 && nearest(name, broken) === undefined) {
    const hint = expectedNames(
      name,
      axes.map((axis) => axis.name),
      'the experiment has none',
    );
    problems.add(span, `${where}unknown axis '${name}'${hint}`);
  }
  return index;
}
