// Names to run: tasks, tags and groups of a folder, and what a group reports of its tasks.
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import type { Located, LocatedEntry, LocatedMap } from '../../located/located.ts';
import { UserError } from '../../util/errors.ts';
import { Fields, lineOf, mistake, plainValue } from './located-fields.ts';
import { readTaskConfig, type TaskConfig } from './task-config.ts';
import type { TaskFolder, TaskTree } from './task-folder.ts';

/** What a group averages. */
export interface GroupMetric {
  metric: string;
  weight_by_size: boolean;
  filters: string[];
}

export interface Group {
  name: string;
  /** Names of tasks, those of groups inside it included. */
  tasks: string[];
  metrics: GroupMetric[];
}

/** The tasks to run, once each, and the groups to report, inner ones first. */
export interface Selection {
  tasks: TaskConfig[];
  groups: Group[];
}

const deepestGroup = 8;

/** Values that a group gives to its tasks. */
type Values = ReadonlyMap<string, LocatedEntry>;
const none: Values = new Map();
/** What a group says of itself. */
const groupKeys = ['group', 'group_alias', 'task', 'aggregate_metric_list', 'metadata'];

/** Finds `names` in the folder. */
export async function selectTasks(folder: TaskFolder, names: readonly string[]): Promise<Selection> {
  const selector = new Selector(folder);
  for (const name of names) await selector.add(name, 0);
  return { tasks: [...selector.tasks.values()], groups: [...selector.groups.values()] };
}

class Selector {
  readonly #folder: TaskFolder;
  readonly tasks = new Map<string, TaskConfig>();
  readonly groups = new Map<string, Group>();

  constructor(folder: TaskFolder) {
    this.#folder = folder;
  }

  /** Adds what `name` stands for, with values of the groups around it, and returns the names of its tasks. */
  async add(name: string, depth: number, from?: Located, values: Values = none): Promise<string[]> {
    const entry = await this.#folder.find(name);
    if (entry === undefined) throw await this.#folder.unknown(name, from === undefined ? '' : `${lineOf(from.span)}: `);
    if (entry.kind !== 'tag') {
      const { kind, tree } = entry;
      return kind === 'group'
        ? this.#addGroup(name, tree, depth, values)
        : this.#addTask(name, withValues(tree, values));
    }
    const tasks: string[] = [];
    for (const task of entry.tasks) tasks.push(...(await this.add(task, depth, from, values)));
    return tasks;
  }

  #addTask(name: string, tree: TaskTree): string[] {
    const config = readTaskConfig(tree, name, this.#folder.functions);
    const known = this.tasks.get(name);
    if (known !== undefined && known.hash !== config.hash) {
      throw new UserError(
        `task '${name}' is asked for twice with different values (${known.where}, ${config.where}): run them in stages of their own`,
      );
    }
    if (known === undefined) this.tasks.set(name, config);
    return [name];
  }

  /** What a group says beside its tasks and metrics holds for all of its tasks; what is said around it wins. */
  async #addGroup(name: string, tree: TaskTree, depth: number, around: Values): Promise<string[]> {
    if (depth > deepestGroup) throw mistake(tree.span, `groups nest more than ${deepestGroup} deep`);
    const values = new Map([...tree.entries].filter(([key]) => !groupKeys.includes(key)).concat([...around]));
    const list = tree.entries.get('task')?.value;
    const tasks: string[] = [];
    for (const item of list?.kind === 'list' ? list.items : []) {
      tasks.push(...(await this.#addMember(item, depth + 1, values)));
    }
    this.groups.set(name, { name, tasks: [...new Set(tasks)], metrics: readGroupMetrics(tree) });
    return tasks;
  }

  /** A member is a name, a mapping that gives what has that name other values, or a group of its own. */
  async #addMember(item: Located, depth: number, around: Values): Promise<string[]> {
    if (item.kind === 'scalar') return this.add(String(plainValue(item)), depth, item, around);
    const task = item.kind === 'map' ? item.entries.get('task')?.value : undefined;
    if (item.kind !== 'map' || task === undefined || task.kind === 'map')
      throw mistake(item.span, "expected a task's name, or a mapping with 'task'");
    const group = item.entries.get('group')?.value;
    if (task.kind === 'list' && group?.kind === 'scalar') {
      return this.#addGroup(String(plainValue(group)), item, depth, around);
    }
    const name = String(plainValue(task));
    const values = new Map([...item.entries, ...around]);
    if ((await this.#folder.find(name)) === undefined) return this.#addTask(name, { ...item, entries: values });
    values.delete('task');
    return this.add(name, depth, item, values);
  }
}

function withValues(tree: LocatedMap, values: Values): LocatedMap {
  return values.size === 0 ? tree : { ...tree, entries: new Map([...tree.entries, ...values]) };
}

function readGroupMetrics(tree: TaskTree): GroupMetric[] {
  const problems = new Problems();
  const fields = new Fields(tree, problems);
  const metrics = (fields.maps('aggregate_metric_list') ?? []).map((entry): GroupMetric => {
    entry.only(['metric', 'aggregation', 'weight_by_size', 'filter_list']);
    entry.one('aggregation', ['mean']);
    const metric = entry.text('metric');
    if (metric === undefined) entry.complain(entry.map.span, "expected 'metric', the name of one");
    return {
      metric: metric ?? '',
      weight_by_size: entry.flag('weight_by_size') ?? false,
      filters: entry.texts('filter_list') ?? ['none'],
    };
  });
  if (problems.count > 0) throw new SpecErrors(problems.list());
  return metrics;
}
