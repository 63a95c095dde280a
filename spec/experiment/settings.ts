// One experiment under one profile and the command line's flags: which axes it has and which values are bound.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, Span } from '../../located/located.ts';
import { entriesAt, find, keySpan, valueSpan } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import type { LinkedPipeline } from '../pipeline/link.ts';
import type { KnownNames } from '../pipeline/param-path.ts';
import { parseParamPath } from '../pipeline/param-path.ts';
import type { Axis, Edit } from './axes.ts';
import { axisIndex, editValues, readAxes, valueIndex } from './axes.ts';
import type { Bindings } from './bindings.ts';
import { knownParams, seedName } from './bindings.ts';
import { isCopy, readCopies } from './copies.ts';
import type { Experiment } from './experiment.ts';
import { layerAt, layersOf, profileNames } from './experiment.ts';
import type { SetFlag } from './flags.ts';
import { flagSource, parseOnlyFlag, parseSetFlag, wholeSpan } from './flags.ts';
import { escapeName } from './names.ts';
import type { SpecRequest } from './request.ts';
import { readResources, type StageResources } from './resources.ts';
import type { Selection } from './selector.ts';
import { readSelection } from './selector.ts';

export interface Settings {
  profile: string;
  bindings: Bindings;
  known: ReadonlySet<string>;
  /** Where a parameter without a value is reported. */
  home: Span;
  /** Names of the axes that --set added. */
  added: ReadonlySet<string>;
  /** The --set flags, as they were given, that name a copy of what the spec names: of parameters that the profile's `copies` lists. */
  copies: ReadonlySet<string>;
  /** The cells that are kept: of each axis the values that --only names, else those that the profile's `only` names. */
  only: Selection;
  force: ReadonlySet<string>;
  resources: StageResources;
}

type Flags = Pick<SpecRequest, 'profile' | 'set' | 'only' | 'force' | 'seed' | 'resources' | 'cwd'>;

/** Lays the profile and the flags over the experiment; reports what they name and nothing knows. */
export function settle(experiment: Experiment, linked: LinkedPipeline, flags: Flags, problems: Problems): Settings {
  const profile = chooseProfile(experiment, flags, problems);
  const params = knownParams(linked, layersOf(experiment));
  const broken = [...linked.pipeline.broken].flatMap((name) => (name.startsWith('stages.') ? [name.slice(7)] : []));
  const known = {
    params,
    stages: new Set([...linked.pipeline.stages.keys(), ...broken]),
    partial: linked.pipeline.partial,
  };
  const { tree } = experiment;
  const hasProfile = profileNames(experiment).includes(profile);
  const layers = [layerAt(tree, []), ...(hasProfile ? [layerAt(tree, ['profiles', profile])] : [])];
  const places = readCopies(experiment, profile, params, problems);
  const changes = readSetFlags(flags, readAxes(experiment, layers, known, problems), { known, places }, problems);
  const axes = withLabels(changes.axes, experiment, profile, problems);
  return {
    profile,
    bindings: { linked, layers, axes, edits: changes.edits },
    known: params,
    home: hasProfile ? keySpan(tree, ['profiles', profile]) : valueSpan(tree, ['pipeline']),
    added: changes.added,
    copies: changes.copies,
    only: new Map([...readOwnOnly(experiment, profile, axes, problems), ...readOnlyFlags(flags, axes, problems)]),
    force: readForceFlags(flags, known, problems),
    resources: readResources(
      experiment,
      linked.pipeline,
      known,
      { profile, flags: flags.resources ?? [], cwd: flags.cwd },
      problems,
    ),
  };
}

function chooseProfile(experiment: Experiment, flags: Flags, problems: Problems): string {
  const names = profileNames(experiment);
  if (flags.profile !== undefined) {
    if (!names.includes(flags.profile)) {
      const hint = expectedNames(flags.profile, names, 'the experiment has none');
      problems.add(
        wholeSpan(flagSource('--profile', flags.profile, flags.cwd)),
        `unknown profile '${flags.profile}'${hint}`,
      );
    } else return flags.profile;
  }
  const defaults = names.filter((name) => experiment.data.profiles?.[name]?.default === true);
  for (const name of defaults.slice(1)) {
    const span = keySpan(experiment.tree, ['profiles', name, 'default']);
    problems.add(span, `profile '${name}': '${defaults[0]}' is the default already`);
  }
  return defaults[0] ?? names[0] ?? 'default';
}

interface Changes {
  axes: Axis[];
  edits: Edit[];
  added: Set<string>;
  copies: Set<string>;
}

interface Settable {
  known: KnownNames;
  /** Paths of parameters that say where something lies. */
  places: ReadonlySet<string>;
}

function readSetFlags(flags: Flags, fileAxes: Axis[], { known, places }: Settable, problems: Problems): Changes {
  const changes: Changes = { axes: [...fileAxes], edits: [], added: new Set(), copies: new Set() };
  for (const text of flags.set ?? []) {
    const flag = parseSetFlag(flagSource('--set', text, flags.cwd), problems);
    if (flag === undefined) continue;
    applySet(flag, changes, known, problems);
    if (isCopy(flag, places)) changes.copies.add(text);
  }
  if (flags.seed !== undefined) applySeed(flags.seed, flags.cwd, changes, problems);
  return changes;
}

function applySet(flag: SetFlag, changes: Changes, known: KnownNames, problems: Problems): void {
  const { path, pathSpan, values } = flag;
  const index = changes.axes.findIndex((axis) => axis.name === path);
  const axis = changes.axes[index];
  const param = axis?.param ?? parseParamPath(path, known);
  if (axis !== undefined && axis.param === undefined && (typeof param === 'string' || setsParam(axis, path))) {
    problems.add(pathSpan, `axis '${path}' of the experiment sets this: choose its values with --only ${path}=...`);
  } else if (typeof param === 'string') problems.add(pathSpan, param);
  else if (axis?.param !== undefined)
    changes.axes[index] = { ...axis, values: editValues(path, param, values, problems) };
  else if (values.length > 1 && axis !== undefined) {
    problems.add(
      pathSpan,
      `several values are an axis, and the experiment has another of the name '${path}': give one`,
    );
  } else if (values.length > 1) {
    const read = editValues(path, param, values, problems);
    changes.axes.push({ name: path, label: path, values: read, key: pathSpan, param, broken: false });
    changes.added.add(path);
  } else for (const { value } of values) changes.edits.push({ param, value });
}

/** True where a value of the axis gives the parameter of this name; an axis may also have a parameter's name alone. */
function setsParam(axis: Axis, name: string): boolean {
  return axis.values.some(({ params, edits }) => params.has(name) || edits.length > 0);
}

function applySeed(seed: number, cwd: string, changes: Changes, problems: Problems): void {
  const source = flagSource('--seed', String(seed), cwd);
  const span = wholeSpan(source);
  if (changes.axes.some((axis) => axis.name === seedName)) {
    problems.add(span, "axis 'seed' of the experiment sets the seed: choose its values with --only seed=...");
    return;
  }
  const value: Located = { kind: 'scalar', span, value: seed };
  changes.edits.push({ param: { stage: undefined, path: [seedName] }, value });
}

/** What the profile has models and data for, by axis. */
function readOwnOnly(
  { tree }: Experiment,
  profile: string,
  axes: readonly Axis[],
  problems: Problems,
): Selection | readonly never[] {
  const own = find(tree, ['profiles', profile, 'only']);
  return readSelection(own, axes, `profile '${profile}': only: `, problems) ?? [];
}

function readOnlyFlags(flags: Flags, axes: readonly Axis[], problems: Problems): Selection {
  const selection = new Map<number, Set<number>>();
  for (const text of flags.only ?? []) {
    for (const { axis: name, axisSpan, value, valueSpan: span } of parseOnlyFlag(
      flagSource('--only', text, flags.cwd),
      problems,
    )) {
      const index = axisIndex(axes, name, axisSpan, '', problems);
      const axis = axes[index];
      if (axis === undefined) continue;
      const escaped = axis.values.find((candidate) => escapeName(candidate.name) === value)?.name;
      const chosen = valueIndex(axis, escaped ?? value, span, '', problems);
      const values = selection.get(index) ?? new Set<number>();
      selection.set(index, values.add(chosen));
    }
  }
  return selection;
}

function readForceFlags(flags: Flags, known: KnownNames, problems: Problems): Set<string> {
  for (const name of flags.force ?? []) {
    if (known.stages.has(name)) continue;
    const hint = expectedNames(name, [...known.stages], 'the pipeline has none');
    problems.add(wholeSpan(flagSource('--force', name, flags.cwd)), `unknown stage '${name}'${hint}`);
  }
  return new Set(flags.force);
}

/** The labels that a profile gives to axis values. */
function withLabels(axes: readonly Axis[], experiment: Experiment, profile: string, problems: Problems): Axis[] {
  const path = ['profiles', profile, 'labels'];
  const where = `profile '${profile}': labels: `;
  const labelled = [...axes];
  for (const [name, { key }] of entriesAt(experiment.tree, path)) {
    const index = axisIndex(axes, name, key, where, problems);
    const axis = axes[index];
    if (axis === undefined) continue;
    const values = [...axis.values];
    for (const [value, entry] of entriesAt(experiment.tree, [...path, name])) {
      const at = valueIndex(axis, value, entry.key, where, problems);
      const label = find(entry.value, []);
      const before = values[at];
      if (before !== undefined && label?.kind === 'scalar') values[at] = { ...before, label: String(label.value) };
    }
    labelled[index] = { ...axis, values };
  }
  return labelled;
}
