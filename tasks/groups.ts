// Names to run: tasks, tags and groups of a folder, and what a group reports of its tasks.
import { Problems, SpecErrors } from '../spec/diagnostic.ts';
import type { Located, LocatedEntry, LocatedMap } from '../spec/located.ts';
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

  /** Adds what `name` stands for and returns the names of its tasks. */
  async add(name: string, depth: number, from?: Located): Promise<string[]> {
    const entry = await this.#folder.find(name);
    if (entry === undefined) throw await this.#folder.unknown(name, from === undefined ? '' : `${lineOf(from.span)}: `);
    if (entry.kind === 'tag') return (await Promise.all(entry.tasks.map((task) => this.add(task, depth)))).flat();
    return entry.kind === 'group' ? this.#addGroup(name, entry.tree, depth) : this.#addTask(name, entry.tree);
  }

  #addTask(name: string, tree: TaskTree): string[] {
    if (!this.tasks.has(name)) this.tasks.set(name, readTaskConfig(tree, name));
    return [name];
  }

  async #addGroup(name: string, tree: TaskTree, depth: number): Promise<string[]> {
    if (depth > deepestGroup) throw mistake(tree.span, `groups nest more than ${deepestGroup} deep`);
    const list = tree.entries.get('task')?.value;
    const tasks: string[] = [];
    for (const item of list?.kind === 'list' ? list.items : []) tasks.push(...(await this.#addMember(item, depth + 1)));
    this.groups.set(name, { name, tasks: [...new Set(tasks)], metrics: readGroupMetrics(tree) });
    return tasks;
  }

  /** A member is a name, or a mapping that gives a task of that name other values. */
  async #addMember(item: Located, depth: number): Promise<string[]> {
    if (item.kind === 'scalar') return this.add(String(plainValue(item)), depth, item);
    const name = item.kind === 'map' ? item.entries.get('task')?.value : undefined;
    if (item.kind !== 'map' || name?.kind !== 'scalar')
      throw mistake(item.span, "expected a task's name, or a mapping with 'task'");
    const task = String(plainValue(name));
    const known = await this.#folder.find(task);
    if (known?.kind === 'group') throw mistake(item.span, `'${task}' is a group, whose values cannot be changed here`);
    const own = item.entries;
    return this.#addTask(task, known?.kind === 'task' ? merge(known.tree, own) : { ...item, entries: own });
  }
}

function merge(tree: LocatedMap, own: ReadonlyMap<string, LocatedEntry>): LocatedMap {
  return { ...tree, entries: new Map([...tree.entries, ...own]) };
}

function readGroupMetrics(tree: TaskTree): GroupMetric[] {
  const problems = new Problems();
  const fields = new Fields(tree, problems);
  const metrics = (fields.maps('aggregate_metric_list') ?? []).map((entry): GroupMetric => {
    entry.only(['metric', 'aggregation', 'weight_by_size', 'filter_list']);
    entry.one('aggregation', ['mean']);
    return {
      metric: entry.text('metric') ?? 'acc',
      weight_by_size: entry.flag('weight_by_size') ?? false,
      filters: entry.texts('filter_list') ?? ['none'],
    };
  });
  if (problems.count > 0) throw new SpecErrors(problems.list());
  return metrics;
}
