// From a settled experiment to the plan: cells, nodes, table, claims.
import type { MetricRef, Plan, PlanCell } from '../../contract/plan.ts';
import type { Numerics } from '../../contract/stage.ts';
import type { Problems } from '../../located/diagnostic.ts';
import type { LocatedScalar } from '../../located/located.ts';
import { entriesAt, find, valueSpan } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import type { Choice } from '../experiment/evaluator.ts';
import { Evaluator } from '../experiment/evaluator.ts';
import type { Experiment } from '../experiment/experiment.ts';
import { cellName } from '../experiment/names.ts';
import type { Selection } from '../experiment/selector.ts';
import { matches, readSelection } from '../experiment/selector.ts';
import type { Settings } from '../experiment/settings.ts';
import { StageEvaluator } from '../experiment/stage-params.ts';
import { readConditions } from '../experiment/where.ts';
import { isExcused } from '../pipeline/pipeline.ts';
import { readNotes } from './cell-notes.ts';
import { readNumbers } from './cell-numbers.ts';
import { checkable, missingCells, readClaims } from './claims.ts';
import { type Control, readControl } from './control.ts';
import { readFigures } from './figures.ts';
import { cellsOf, combinations, mostCells } from './grid.ts';
import { reportIdleAxes } from './idle-axes.ts';
import { Instances } from './instances.ts';
import type { MetricPlace } from './metric.ts';
import { readMetric } from './metric.ts';
import { readTable } from './table.ts';

/** A number that some node makes. */
interface FoundMetric {
  metric: MetricPlace;
  node: number;
}

interface Cell extends FoundMetric {
  choice: Choice;
  /** By column name. */
  beside: readonly (readonly [string, FoundMetric])[];
}

/** What a plan is built from. */
export interface PlanParts {
  experiment: Experiment;
  settings: Settings;
  numerics: Numerics;
  /** The spec's absolute path, and the flags that shaped the plan. */
  file: string;
  overrides: readonly string[];
  copies: readonly string[];
}

/** Builds the plan; when something is wrong it is reported and the plan must not be used. */
export function buildPlan(parts: PlanParts, problems: Problems): Plan {
  return new PlanBuilder(parts, problems).build();
}

class PlanBuilder {
  readonly #parts: PlanParts;
  readonly #problems: Problems;
  readonly #instances: Instances;
  readonly #evaluator: Evaluator;
  /** By reference; a reference with interpolations stands for several. */
  readonly #metrics = new Map<string, MetricPlace | undefined>();

  constructor(parts: PlanParts, problems: Problems) {
    this.#parts = parts;
    this.#problems = problems;
    const { bindings, home, known, force, resources } = parts.settings;
    this.#evaluator = new Evaluator(bindings, problems, { home: parts.experiment.partial ? undefined : home, known });
    const stages = new StageEvaluator(bindings, problems, this.#evaluator);
    this.#instances = new Instances(bindings.linked, bindings.axes, stages, parts.numerics, { force, resources });
  }

  build(): Plan {
    const { experiment, settings } = this.#parts;
    const { axes } = settings.bindings;
    const choices = this.#choices();
    this.#checkParams(choices);
    const paper = readNumbers(find(experiment.tree, ['paper', 'values']), axes, 'paper: ', this.#problems);
    const control = this.#control(choices, (choice) => paper.of(choice));
    const cells = this.#cells(choices);
    const roots = this.#targets(choices);
    if (!experiment.partial && this.#problems.count === 0) {
      this.#checkAxes(choices, cells, roots);
      paper.checkUsed(choices, this.#problems);
    }
    const kept = cells.filter(({ choice }) => matches(settings.only, choice));
    const { nodes, ids } = this.#instances.finish([
      ...kept.flatMap(({ node, beside }) => [node, ...beside.map(([, found]) => found.node)]),
      ...roots.filter(({ choice }) => matches(settings.only, choice)).map(({ node }) => node),
    ]);
    const refOf = ({ metric, node }: FoundMetric): MetricRef => ({
      node: ids[node] as string,
      output: metric.output,
      field: metric.field,
    });
    const toPlanCell = ({ choice, beside, ...found }: Cell): PlanCell => ({
      axes: Object.fromEntries(axes.map((axis, i) => [axis.name, this.#valueName(choice, i)])),
      name: cellName(axes.map((_, i) => this.#valueName(choice, i))),
      metric: refOf(found),
      beside: Object.fromEntries(beside.map(([column, other]) => [column, refOf(other)])),
      paper: paper.of(choice),
      expected: control?.expected(choice) ?? null,
    });
    const { data } = experiment;
    const table = readTable(experiment, axes, settings.added, cells[0]?.metric.field ?? '', this.#problems);
    return {
      experiment: data.experiment,
      title: data.title ?? data.experiment,
      profile: settings.profile,
      file: this.#parts.file,
      overrides: this.#parts.overrides,
      copies: this.#parts.copies,
      nodes,
      cells: kept.map(toPlanCell),
      axes: axes.map(({ name, label, values }) => ({
        name,
        label,
        values: values.map((value) => ({ name: value.name, label: value.label })),
      })),
      table,
      control: control === undefined ? null : { within: control.within },
      claims: this.#claims(choices, new Set(table.mean_over)),
      ...readNotes(experiment, settings.profile, axes, choices, this.#problems),
      figures: readFigures({ experiment, axes, added: settings.added, choices, table }, this.#problems),
    };
  }

  #control(choices: readonly Choice[], paper: (choice: Choice) => number | null): Control | undefined {
    const { experiment, settings } = this.#parts;
    return readControl(experiment, settings.profile, settings.bindings.axes, choices, paper, this.#problems);
  }

  #valueName(choice: Choice, axis: number): string {
    return this.#parts.settings.bindings.axes[axis]?.values[choice[axis] as number]?.name ?? '';
  }

  #choices(): Choice[] {
    const { experiment, settings } = this.#parts;
    const { axes } = settings.bindings;
    const span = valueSpan(experiment.tree, ['experiment']);
    if (combinations(axes) > mostCells) {
      this.#problems.add(span, `the axes span ${combinations(axes)} cells, expected at most ${mostCells}`);
      return [];
    }
    const where = readConditions(find(experiment.tree, ['where']), axes, this.#problems);
    const choices = cellsOf(axes, this.#selections('exclude'), this.#selections('include'), where);
    const clean = !experiment.partial && this.#problems.count === 0;
    if (clean && choices.length === 0) {
      this.#problems.add(valueSpan(experiment.tree, ['axes']), 'no cell is left: every combination is left out');
    } else if (clean && !choices.some((choice) => matches(settings.only, choice))) {
      this.#problems.add(span, this.#nothingChosen());
    }
    return choices;
  }

  #nothingChosen(): string {
    const { overrides, settings } = this.#parts;
    const chooser = overrides.some((flag) => flag.startsWith('--only '))
      ? '--only'
      : `'only' of profile '${settings.profile}'`;
    return `no cell is left: ${chooser} chooses combinations that are excluded`;
  }

  #selections(key: 'exclude' | 'include'): Selection[] {
    const { experiment, settings } = this.#parts;
    const list = find(experiment.tree, [key]);
    const items = list?.kind === 'list' ? list.items : [];
    return items.flatMap((item) => readSelection(item, settings.bindings.axes, `${key}: `, this.#problems) ?? []);
  }

  /** Checks the values of all parameters, also of those that no stage of this experiment takes. */
  #checkParams(choices: readonly Choice[]): void {
    for (const name of this.#parts.settings.known) {
      const varies = this.#evaluator.paramAxes(name).length > 0;
      for (const choice of varies ? choices : choices.slice(0, 1)) this.#evaluator.param(name, choice);
    }
  }

  #cells(choices: readonly Choice[]): Cell[] {
    const cells: Cell[] = [];
    for (const choice of choices) {
      const scalar = this.#metricScalar(choice);
      if (scalar === undefined) {
        this.#reportNoMetric(choice);
        continue;
      }
      const found = this.#findMetric(scalar, choice);
      if (found !== undefined) cells.push({ choice, ...found, beside: this.#beside(choice) });
    }
    return cells;
  }

  #findMetric(reference: LocatedScalar, choice: Choice): FoundMetric | undefined {
    const scalar = this.#evaluator.evaluate(reference, choice, 'metric: ');
    if (scalar?.kind !== 'scalar') return undefined;
    const key = `${reference.span.start}:${scalar.value}`;
    if (!this.#metrics.has(key)) {
      this.#metrics.set(key, readMetric(scalar, this.#parts.settings.bindings.linked, this.#problems));
    }
    const metric = this.#metrics.get(key);
    const node = metric === undefined ? undefined : this.#instances.node(metric.stage, choice);
    return metric === undefined || node === undefined ? undefined : { metric, node };
  }

  /** The numbers beside a cell's own; the first axis value that names a column wins, as for the metric itself. */
  #beside(choice: Choice): Cell['beside'] {
    const { experiment, settings } = this.#parts;
    const columns = Object.keys(experiment.data.table?.beside ?? {});
    const found = new Map<string, FoundMetric>();
    for (const [i, axis] of settings.bindings.axes.entries()) {
      for (const [column, { key, value }] of axis.values[choice[i] as number]?.beside ?? []) {
        if (!columns.includes(column)) {
          const hint = expectedNames(column, columns, "give it under 'beside' of 'table'");
          this.#problems.add(key, `beside: unknown column '${column}'${hint}`);
        } else if (value.kind === 'scalar' && !found.has(column)) {
          const metric = this.#findMetric(value, choice);
          if (metric !== undefined) found.set(column, metric);
        }
      }
    }
    return [...found];
  }

  #metricScalar(choice: Choice): LocatedScalar | undefined {
    const { experiment, settings } = this.#parts;
    for (const [i, axis] of settings.bindings.axes.entries()) {
      const metric = axis.values[choice[i] as number]?.metric;
      if (metric !== undefined) return metric;
    }
    const common = find(experiment.tree, ['metric']);
    return common?.kind === 'scalar' ? common : undefined;
  }

  #reportNoMetric(choice: Choice): void {
    const { experiment, settings } = this.#parts;
    if (experiment.data.targets !== undefined || experiment.partial) return;
    const { axes } = settings.bindings;
    const named = axes.findIndex((axis) => axis.values.some((value) => value.metric !== undefined));
    const way = "give 'metric: stage.field'";
    if (named < 0) {
      const span = valueSpan(experiment.tree, ['experiment']);
      this.#problems.add(span, `the experiment has no metric: ${way}, or 'targets' to run stages without a table`);
    } else {
      const value = axes[named]?.values[choice[named] as number];
      const where = `axis '${axes[named]?.name}', value '${value?.name}'`;
      if (value !== undefined) this.#problems.add(value.span, `${where}: no metric: ${way} here or for the experiment`);
    }
  }

  #targets(choices: readonly Choice[]): { choice: Choice; node: number }[] {
    const { experiment, settings } = this.#parts;
    const { pipeline } = settings.bindings.linked;
    const roots: { choice: Choice; node: number }[] = [];
    for (const [i, stage] of (experiment.data.targets ?? []).entries()) {
      if (!pipeline.stages.has(stage) && !isExcused(pipeline, 'stages', stage)) {
        const hint = expectedNames(stage, [...pipeline.stages.keys()], 'the pipeline has none');
        this.#problems.add(
          valueSpan(experiment.tree, ['targets', String(i)]),
          `targets: unknown stage '${stage}'${hint}`,
        );
      }
      for (const choice of choices) {
        const node = this.#instances.node(stage, choice);
        if (node !== undefined) roots.push({ choice, node });
      }
    }
    return roots;
  }

  /** Says which axes are for nothing; of the file's own where no flag may have made them so. */
  #checkAxes(choices: readonly Choice[], cells: readonly Cell[], roots: readonly { choice: Choice; node: number }[]) {
    const reads = new Map<Choice, unknown[]>(choices.map((choice) => [choice, []]));
    for (const { choice, metric, node, beside } of cells) reads.get(choice)?.push(node, metric, beside);
    for (const { choice, node } of roots) reads.get(choice)?.push(node);
    const { settings, overrides } = this.#parts;
    const suspects = (name: string) => overrides.length === 0 || settings.added.has(name);
    const text = (choice: Choice) => JSON.stringify(reads.get(choice));
    reportIdleAxes(settings.bindings.axes, suspects, choices, text, this.#problems);
  }

  /** The claims that can be checked on the cells that --only, or the profile's `only`, keeps. */
  #claims(choices: readonly Choice[], meanOver: ReadonlySet<string>): Plan['claims'] {
    const { experiment, settings } = this.#parts;
    const { axes } = settings.bindings;
    const averaged = new Set([...axes.keys()].filter((i) => meanOver.has(axes[i]?.name ?? '')));
    const kept = choices.filter((choice) => matches(settings.only, choice));
    const all = readClaims(experiment, axes, this.#problems);
    const intact =
      !experiment.partial && entriesAt(experiment.tree, ['axes']).size === axes.length - settings.added.size;
    for (const claim of all) {
      if (checkable(claim, choices, axes, averaged, this.#problems) > 0 || !intact || choices.length === 0) continue;
      const gone = missingCells(claim, choices, axes);
      const which = gone === undefined ? '' : `: there is no cell with ${gone}`;
      const says = `no combination of axis values has all the cells that it compares${which}`;
      this.#problems.add(claim.span, `${claim.name}${says}`);
    }
    return all.filter((claim) => checkable(claim, kept, axes, averaged) > 0).map((claim) => claim.plan);
  }
}
