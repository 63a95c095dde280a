// A folder of task files in the harness's form: which tasks, groups and tags it has, each file with its includes taken in.
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import type { Located, LocatedEntry, LocatedMap, Source, Span } from '../../located/located.ts';
import { showValue } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import { parseYaml } from '../../located/yaml-source.ts';
import { UserError } from '../../util/errors.ts';
import { functionTag, lineOf, mistake, plainValue } from './located-fields.ts';
import { noFunctions } from './own-functions.ts';
import type { OwnFunctions } from './task-function.ts';

const largestFile_bytes = 2 ** 20;
const mostFiles = 20_000;
const deepestInclude = 16;

/** A task file with its includes. */
export type TaskTree = LocatedMap;

/** What a name stands for. */
export type Entry = { kind: 'task' | 'group'; tree: TaskTree } | { kind: 'tag'; tasks: string[] };

/** The task files below a folder; each is read when it is first asked for. */
export class TaskFolder {
  /** The user's functions, for what the files name with `!function`. */
  readonly functions: OwnFunctions;
  readonly #root: string;
  readonly #files: readonly string[];
  readonly #texts = new Map<string, string>();
  readonly #trees = new Map<string, TaskTree>();
  #names: Map<string, string[]> | undefined;
  readonly #tags = new Map<string, string[]>();

  private constructor(root: string, files: readonly string[], functions: OwnFunctions) {
    this.functions = functions;
    this.#root = root;
    this.#files = files;
  }

  /** Opens the folder at `path`; a single YAML file stands for its folder. */
  static async open(path: string, functions: OwnFunctions = noFunctions): Promise<TaskFolder> {
    let root: string;
    try {
      root = await realpath(path);
      if ((await stat(root)).isFile()) root = dirname(root);
    } catch {
      throw new UserError(`task folder '${path}' cannot be read, expected a folder of task files (*.yaml)`);
    }
    const entries = await readdir(root, { recursive: true, withFileTypes: true });
    const files = entries
      .filter((entry) => entry.isFile() && /ya?ml$/.test(entry.name))
      .map(({ parentPath, name }) => join(parentPath, name));
    if (files.length > mostFiles)
      throw new UserError(`task folder '${path}' has ${files.length} YAML files, expected at most ${mostFiles}`);
    return new TaskFolder(root, files.sort(), functions);
  }

  /** What `name` is here; undefined when it is nothing. */
  async find(name: string): Promise<Entry | undefined> {
    const [file, other] = (await this.#index()).get(name) ?? [];
    if (other !== undefined) {
      throw new UserError(
        `task '${name}' is in '${this.#shown(file as string)}' and in '${this.#shown(other)}', expected one`,
      );
    }
    if (file !== undefined) {
      const tree = await this.tree(file);
      return { kind: isGroup(tree) ? 'group' : 'task', tree };
    }
    const tasks = await this.#tagged(name);
    return tasks.length === 0 ? undefined : { kind: 'tag', tasks };
  }

  /** The UserError for a name that is nothing. */
  async unknown(name: string, asked = ''): Promise<UserError> {
    const names = [...(await this.#index()).keys()];
    return new UserError(
      `${asked}unknown task '${name}'${expectedNames(name, names, `the folder '${this.#root}' has none`)}`,
    );
  }

  /** A file's mapping, includes taken in: own keys win, and of several includes the first. */
  async tree(path: string, from?: Span, chain: readonly string[] = []): Promise<TaskTree> {
    const known = this.#trees.get(path);
    if (known !== undefined) return known;
    if (from !== undefined && chain.includes(path)) {
      const names = [...chain.slice(chain.indexOf(path)), path].map((one) => this.#shown(one));
      throw mistake(from, `'include': a file includes itself: ${names.join(' -> ')}`);
    }
    const own = await this.#parse(path, from);
    const tree = await this.#withIncludes(own, [...chain, path]);
    this.#trees.set(path, tree);
    return tree;
  }

  async #withIncludes(own: LocatedMap, chain: readonly string[]): Promise<TaskTree> {
    const include = own.entries.get('include')?.value;
    if (include === undefined) return own;
    if (chain.length > deepestInclude) throw mistake(include.span, `includes nest more than ${deepestInclude} deep`);
    const entries = new Map<string, LocatedEntry>();
    for (const item of (include.kind === 'list' ? [...include.items] : [include]).reverse()) {
      const included = await this.tree(await this.#included(item), item.span, chain);
      for (const [key, entry] of included.entries) entries.set(key, entry);
    }
    for (const [key, entry] of own.entries) entries.set(key, entry);
    entries.delete('include');
    return { kind: 'map', span: own.span, entries };
  }

  /** The path of an included file, which must lie inside the folder, links followed. */
  async #included(item: Located): Promise<string> {
    const name = plainValue(item);
    if (typeof name !== 'string') throw mistake(item.span, `'include': expected a file name, got ${showValue(name)}`);
    const path = resolve(item.span.source.folder, name);
    const real = await realpath(path).catch(() => undefined);
    if (real === undefined) throw mistake(item.span, `'include': there is no file '${name}'`);
    if (!real.startsWith(this.#root + sep)) {
      throw mistake(item.span, `'include': '${name}' lies outside the task folder '${this.#root}'`);
    }
    return real;
  }

  async #parse(path: string, from?: Span): Promise<LocatedMap> {
    const source: Source = {
      name: this.#shown(path),
      text: await this.#text(path, from),
      folder: dirname(path),
      flag: false,
    };
    const problems = new Problems();
    const tree = parseYaml(source, problems, { tags: [functionTag], lastKeyWins: true, controls: true });
    if (problems.count > 0) throw new SpecErrors(problems.list());
    if (tree?.kind === 'map') return tree;
    throw new UserError(`${source.name}: expected a task file, a mapping with 'task' or 'group'`);
  }

  async #text(path: string, from?: Span): Promise<string> {
    const known = this.#texts.get(path);
    if (known !== undefined) return known;
    const { size } = await stat(path);
    if (size > largestFile_bytes) {
      throw new UserError(
        `${from === undefined ? '' : `${lineOf(from)}: `}task file '${path}' has ${size} bytes, expected at most ${largestFile_bytes}`,
      );
    }
    const text = await readFile(path, 'utf8');
    this.#texts.set(path, text);
    return text;
  }

  /** File by name, from the lines that say `task:` or `group:`; no other file is parsed for it. */
  async #index(): Promise<Map<string, string[]>> {
    if (this.#names !== undefined) return this.#names;
    const names = new Map<string, string[]>();
    for (const file of this.#files) {
      const text = await this.#text(file);
      if (!/\.ya?ml$/.test(file)) continue; // what is only included has no dot
      const task = ownName(text, 'task');
      const name = task ?? (/^(["']?)task\1\s*:/m.test(text) ? ownName(text, 'group') : undefined);
      if (name === undefined) continue;
      names.set(name, [...(names.get(name) ?? []), file]);
    }
    this.#names = names;
    return names;
  }

  /** The tasks with a tag, which may come through includes. A task's `group` is its tag in old files. */
  async #tagged(tag: string): Promise<string[]> {
    const known = this.#tags.get(tag);
    if (known !== undefined) return known;
    const mentioning = this.#mentioning(tag);
    const tagged: string[] = [];
    for (const [name, [file]] of await this.#index()) {
      if (!mentioning.has(file as string)) continue;
      const tree = await this.tree(file as string).catch(unlessMistaken);
      if (tree === undefined || isGroup(tree)) continue;
      if ([...namesAt(tree, 'tag'), ...namesAt(tree, 'group')].includes(tag)) tagged.push(name);
    }
    this.#tags.set(tag, tagged);
    return tagged;
  }

  /** Files that `name` stands in, and files that name such a file: no other can have it as a tag. */
  #mentioning(name: string): Set<string> {
    const found = new Set<string>();
    for (let fresh = [name]; fresh.length > 0; ) {
      const next = this.#files.filter(
        (file) => !found.has(file) && fresh.some((word) => this.#texts.get(file)?.includes(word)),
      );
      for (const file of next) found.add(file);
      fresh = [...new Set(next.map((file) => basename(file)))];
    }
    return found;
  }

  #shown(path: string): string {
    return `${basename(this.#root)}/${relative(this.#root, path)}`;
  }
}

/** A file with mistakes has no tags; they are told to whoever asks for its own name. */
function unlessMistaken(error: unknown): undefined {
  if (!(error instanceof UserError)) throw error;
}

/** A group has `group` and a list of tasks. */
function isGroup(tree: TaskTree): boolean {
  const tasks = tree.entries.get('task')?.value;
  return tree.entries.has('group') && tasks?.kind === 'list';
}

function namesAt(tree: TaskTree, key: string): string[] {
  const value = tree.entries.get(key)?.value;
  if (value === undefined) return [];
  return (value.kind === 'list' ? value.items : [value]).map(plainValue).filter((name) => typeof name === 'string');
}

/** The text after `key:` or `"key":` at the start of a line. */
function ownName(text: string, key: string): string | undefined {
  const [, name] =
    new RegExp(
      `^(?:${key}|"${key}"|'${key}')[ \\t]*:[ \\t]*(?:"([^"\\n]*)"|'([^'\\n]*)'|([^\\s#\\['"{&*!|>%@\`][^\\n#]*?))[ \\t]*(?:#.*)?\\r?$`,
      'm',
    )
      .exec(text)
      ?.filter((part) => part !== undefined) ?? [];
  return name;
}
