// Evaluates interpolations: the value of a parameter in one cell, through all layers.
import type { Problems } from '../../located/diagnostic.ts';
import { withAbsolutePaths, withValueAt } from '../../located/edit-value.ts';
import { compileSchema } from '../../located/json-schema.ts';
import type { Located, LocatedEntry, Span } from '../../located/located.ts';
import { child, keySpan, showValue, sizeOf, toPlain, valueSpan } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import type { Complaint } from '../../located/schema-complaints.ts';
import { parseTemplate, referencesIn } from '../pipeline/template.ts';
import type { AxisValue, Edit } from './axes.ts';
import type { Bindings } from './bindings.ts';
import { seedName } from './bindings.ts';

/** The index of a value for each axis: one cell. */
export type Choice = readonly number[];

export interface EvaluatorOptions {
  /** Where a parameter without a value is reported; when undefined it is not, and what needs it is left unchecked. */
  home: Span | undefined;
  /** All names that interpolations may use. */
  known: ReadonlySet<string>;
}

const mostValues = 100_000;
const longestText = 65_536;
/** What a seed may be. */
export const seedSchema = { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } as const;

const defaultSource = { name: '--seed', text: '0', folder: '', flag: true };
const defaultSeed: Located = { kind: 'scalar', span: { source: defaultSource, start: 0, end: 1 }, value: 0 };

/** What gives a parameter its value, in all cells. */
interface Given {
  /** The last of the layers of values that has one, and the pipeline's default. */
  base: Located | undefined;
  /** The axes of which some value sets it or a part of it. */
  axes: readonly number[];
  /** From --set and --seed. */
  edits: readonly Edit[];
}

export class Evaluator {
  readonly #bindings: Bindings;
  readonly #problems: Problems;
  readonly #options: EvaluatorOptions;
  readonly #params = new Map<string, Located | undefined>();
  readonly #paramAxes = new Map<string, readonly number[]>();
  readonly #given = new Map<string, Given>();
  readonly #running: string[] = [];
  readonly #cycles = new Set<string>();
  readonly #unbound = new Set<string>();

  constructor(bindings: Bindings, problems: Problems, options: EvaluatorOptions) {
    this.#bindings = bindings;
    this.#problems = problems;
    this.#options = options;
  }

  /** The axes on which a parameter depends, in order. */
  paramAxes(name: string): readonly number[] {
    const known = this.#paramAxes.get(name);
    if (known !== undefined) return known;
    this.#paramAxes.set(name, []);
    const { layers, axes, edits, linked } = this.#bindings;
    const axesFound = new Set<number>();
    const trees = [linked.pipeline.params.get(name)?.fallback, ...layers.map((layer) => layer.params.get(name)?.value)];
    for (const [i, axis] of axes.entries()) {
      const set = axis.values.flatMap((value) => paramSettings(value, name));
      if (set.length > 0) axesFound.add(i);
      trees.push(...set);
    }
    for (const edit of edits) if (isEditOf(edit, name)) trees.push(edit.value);
    for (const tree of trees) this.addAxesOf(tree, axesFound);
    const sorted = [...axesFound].sort((a, b) => a - b);
    this.#paramAxes.set(name, sorted);
    return sorted;
  }

  /** Adds the axes on which the interpolations of a value depend. */
  addAxesOf(tree: Located | undefined, axes: Set<number>): void {
    if (tree === undefined) return;
    for (const { path } of referencesIn(tree)) for (const i of this.paramAxes(path[0] as string)) axes.add(i);
  }

  /** A parameter's value; undefined when it has none or is wrong (then reported). */
  param(name: string, choice: Choice): Located | undefined {
    const key = `${name}:${projection(this.paramAxes(name), choice)}`;
    if (this.#params.has(key)) return this.#params.get(key);
    this.#running.push(name);
    const value = this.#checkedParam(name, this.#rawParam(name, choice));
    this.#running.pop();
    this.#params.set(key, value);
    return value;
  }

  #rawParam(name: string, choice: Choice): Located | undefined {
    const { base, axes, edits } = this.#givenTo(name);
    const chosen = axes.map((i) => this.#bindings.axes[i]?.values[choice[i] as number] as AxisValue);
    const set = chosen.findLast((value) => value.params.has(name))?.params.get(name)?.value;
    const raw = set ?? base;
    const where = `parameter '${name}': `;
    const own = [...chosen.flatMap((value) => value.edits.filter((edit) => isEditOf(edit, name))), ...edits];
    const replaced = own.findLastIndex(({ param }) => param.path.length === 1);
    let value = replaced >= 0 || raw === undefined ? undefined : this.evaluate(raw, choice, where);
    if (raw !== undefined && value === undefined && replaced < 0) return undefined;
    for (const edit of own.slice(Math.max(0, replaced))) {
      const part = this.evaluate(edit.value, choice, where);
      if (part === undefined) return undefined;
      const changed = withValueAt(value, edit.param.path.slice(1), part);
      if (typeof changed === 'string') {
        this.#problems.add(edit.value.span, `${where}${changed}`);
        return undefined;
      }
      value = changed;
    }
    if (value === undefined && name === seedName) return defaultSeed;
    if (value === undefined) this.#unbound.add(name);
    return value;
  }

  #givenTo(name: string): Given {
    let given = this.#given.get(name);
    if (given === undefined) {
      const { layers, axes, edits, linked } = this.#bindings;
      const layer = layers.findLast(({ params }) => params.has(name));
      const base = layer?.params.get(name)?.value ?? linked.pipeline.params.get(name)?.fallback;
      const setting = [...axes.keys()].filter((i) =>
        axes[i]?.values.some((value) => value.params.has(name) || value.edits.some((edit) => isEditOf(edit, name))),
      );
      given = { base, axes: setting, edits: edits.filter((edit) => isEditOf(edit, name)) };
      this.#given.set(name, given);
    }
    return given;
  }

  #reportUnbound(name: string): void {
    const { home } = this.#options;
    const param = this.#bindings.linked.pipeline.params.get(name);
    if (home === undefined || this.#bindings.linked.pipeline.broken.has(`params.${name}`)) return;
    this.#problems.add(
      home,
      `parameter '${name}' has no value: give it under 'params', in the profile, or with --set ${name}=...`,
      param === undefined ? [] : [{ span: param.key, message: `'${name}' is declared here, without a default` }],
    );
  }

  #checkedParam(name: string, value: Located | undefined): Located | undefined {
    const schema =
      this.#bindings.linked.pipeline.params.get(name)?.schema ?? (name === seedName ? seedSchema : undefined);
    if (value === undefined || schema === undefined) return value;
    const complaints = compileSchema(schema).check(toPlain(value));
    for (const complaint of complaints) {
      const { span, says } = paramSentence(`parameter '${name}'`, complaint, value);
      this.#problems.add(span, says);
    }
    return complaints.length > 0 ? undefined : withAbsolutePaths(schema, value);
  }

  /** The value with its interpolations replaced; undefined when one of them is wrong (reported). */
  evaluate(tree: Located, choice: Choice, where: string): Located | undefined {
    if (!hasTemplates(tree)) return tree;
    const value = this.#evaluate(tree, choice, where);
    if (value !== undefined && sizeOf(value) > mostValues) {
      this.#problems.add(tree.span, `${where}interpolation makes more than ${mostValues} values of this`);
      return undefined;
    }
    return value;
  }

  #evaluate(tree: Located, choice: Choice, where: string): Located | undefined {
    if (tree.kind === 'scalar') return this.#text(tree, choice, where);
    if (tree.kind === 'list') {
      const items = tree.items.map((item) => this.#evaluate(item, choice, where));
      return items.includes(undefined) ? undefined : { ...tree, items: items as Located[] };
    }
    const entries = new Map<string, LocatedEntry>();
    for (const [key, entry] of tree.entries) {
      const value = this.#evaluate(entry.value, choice, where);
      if (value !== undefined) entries.set(key, { key: entry.key, value });
    }
    return entries.size < tree.entries.size ? undefined : { ...tree, entries };
  }

  #text(tree: Located & { kind: 'scalar' }, choice: Choice, where: string): Located | undefined {
    const parts = parseTemplate(tree);
    if (parts === undefined) return tree;
    const [only] = parts;
    if (parts.length === 1 && only?.kind === 'reference') return this.#reference(only.path, only.span, choice, where);
    let [text, wrong] = ['', false];
    for (const part of parts) {
      if (part.kind === 'text') text += part.text;
      else if (part.kind === 'mistake') {
        this.#problems.add(part.span, `${where}${part.message}`);
        wrong = true;
      } else {
        const value = this.#reference(part.path, part.span, choice, where);
        if (value?.kind === 'scalar') text += `${value.value}`;
        else wrong = true;
        if (value !== undefined && value.kind !== 'scalar') {
          const kind = showValue(toPlain(value));
          this.#problems.add(part.span, `${where}'${part.path.join('.')}' is ${kind}, which cannot be part of a text`);
        }
      }
      if (text.length > longestText) {
        this.#problems.add(tree.span, `${where}interpolation makes more than ${longestText} characters of this`);
        return undefined;
      }
    }
    return wrong ? undefined : { kind: 'scalar', span: tree.span, value: text };
  }

  #reference(path: readonly string[], span: Span, choice: Choice, where: string): Located | undefined {
    const [name = '', ...keys] = path;
    if (!this.#options.known.has(name)) {
      const hint = expectedNames(name, [...this.#options.known], 'there are none');
      if (!this.#bindings.linked.pipeline.partial)
        this.#problems.add(span, `${where}unknown parameter '${name}'${hint}`);
      return undefined;
    }
    if (this.#running.includes(name)) {
      this.#reportCycle(name, span);
      return undefined;
    }
    let value = this.param(name, choice);
    if (value === undefined && this.#unbound.has(name)) this.#reportUnbound(name);
    for (const [i, key] of keys.entries()) {
      if (value === undefined) return undefined;
      const inner = child(value, key);
      if (inner === undefined) {
        const holder = [name, ...keys.slice(0, i)].join('.');
        const hint =
          value.kind === 'map'
            ? expectedNames(key, [...value.entries.keys()], 'it is empty')
            : `, it is ${showValue(toPlain(value))}`;
        this.#problems.add(span, `${where}'${holder}' has no '${key}'${hint}`);
      }
      value = inner;
    }
    return value;
  }

  #reportCycle(name: string, span: Span): void {
    const cycle = this.#running.slice(this.#running.indexOf(name));
    const id = [...cycle].sort().join(' ');
    if (this.#cycles.has(id)) return;
    this.#cycles.add(id);
    this.#problems.add(span, `parameter cycle: ${[...cycle, name].join(' -> ')}`);
  }
}

/** The axis values of a cell. */
export function chosenValues({ axes }: Bindings, choice: Choice): AxisValue[] {
  return axes.map((axis, i) => axis.values[choice[i] as number] as AxisValue);
}

/** The values that matter of a cell, as a key. */
export function projection(axes: readonly number[], choice: Choice): string {
  return axes.map((i) => choice[i]).join(',');
}

function isEditOf({ param }: Edit, name: string): boolean {
  return param.stage === undefined && param.path[0] === name;
}

function paramSettings(value: AxisValue, name: string): Located[] {
  const given = value.params.get(name)?.value;
  const edits = value.edits.filter((edit) => isEditOf(edit, name));
  return given === undefined ? edits.map((edit) => edit.value) : [given, ...edits.map((edit) => edit.value)];
}

/** The sentence about a wrong value, and where it is. `subject` is `parameter 'rank'`. */
export function paramSentence(subject: string, complaint: Complaint, value: Located): { span: Span; says: string } {
  const { path } = complaint;
  const inner = path.length === 0 ? subject : subject.replace(/'$/, `.${path.join('.')}'`);
  if (complaint.kind === 'value') return { span: valueSpan(value, path), says: `${inner} ${complaint.says}` };
  if (complaint.kind === 'missing')
    return { span: valueSpan(value, path), says: `${inner}: key '${complaint.key}' is missing` };
  const hint = complaint.kind === 'unknown' ? complaint.hint : `, ${complaint.says}`;
  return { span: keySpan(value, [...path, complaint.key]), says: `${inner}: unknown key '${complaint.key}'${hint}` };
}

const templates = new WeakMap<Located, boolean>();

function hasTemplates(tree: Located): boolean {
  if (tree.kind === 'scalar') return parseTemplate(tree) !== undefined;
  let has = templates.get(tree);
  if (has === undefined) {
    const parts = tree.kind === 'list' ? tree.items : [...tree.entries.values()].map((entry) => entry.value);
    has = parts.some(hasTemplates);
    templates.set(tree, has);
  }
  return has;
}
