// All values that an experiment gives, in layers: pipeline default < experiment < profile < axis value < command line.
import type { Problems } from '../../located/diagnostic.ts';
import type { Located, LocatedMap, Source, Span } from '../../located/located.ts';
import { expectedNames, nearest } from '../../located/nearest.ts';
import type { LinkedPipeline } from '../pipeline/link.ts';
import { isExcused } from '../pipeline/pipeline.ts';
import { referencesIn } from '../pipeline/template.ts';
import type { Axis, Edit } from './axes.ts';
import type { Layer } from './experiment.ts';

/** The name that is always known: the seed of the seeded stages. */
export const seedName = 'seed';

export interface Bindings {
  linked: LinkedPipeline;
  /** The file's layer, then the profile's. */
  layers: readonly Layer[];
  axes: readonly Axis[];
  /** From --set and --seed, in the order given. */
  edits: readonly Edit[];
}

/** Names that parameters may have: the pipeline's, `seed`, and those that only the experiment's layers give. */
export function knownParams(linked: LinkedPipeline, layers: readonly Layer[]): Set<string> {
  const names = new Set(declaredParams(linked));
  for (const layer of layers) for (const name of layer.params.keys()) names.add(name);
  return names.add(seedName);
}

function declaredParams({ pipeline }: LinkedPipeline): string[] {
  const broken = [...pipeline.broken].filter((name) => name.startsWith('params.')).map((name) => name.slice(7));
  return [...pipeline.params.keys(), ...broken];
}

/** The names that some interpolation of the pipeline, of the layers or of `others` (the axes, the metric) refers to. */
export function referredParams(
  linked: LinkedPipeline,
  layers: readonly Layer[],
  others: readonly (Located | undefined)[],
): Set<string> {
  const names = new Set<string>();
  const collect = (tree: Located | undefined) => {
    if (tree !== undefined) for (const { path } of referencesIn(tree)) names.add(path[0] as string);
  };
  for (const tree of others) collect(tree);
  for (const param of linked.pipeline.params.values()) collect(param.fallback);
  for (const stage of linked.pipeline.stages.values()) for (const part of [stage.with, stage.seed]) collect(part);
  for (const layer of layers) {
    for (const { value } of [...layer.params.values(), ...layer.with.values()]) collect(value);
  }
  return names;
}

/**
 * Reports parameters and stages in a layer that nothing knows. `where` is `profile 'tiny': `. What a fragment gives
 * (not `home`) may be for other experiments; there only what looks mistyped is reported.
 */
export function checkLayer(
  layer: Layer,
  where: string,
  home: Source,
  linked: LinkedPipeline,
  referred: ReadonlySet<string>,
  problems: Problems,
): void {
  const declared = [...declaredParams(linked), seedName];
  for (const [name, { key }] of layer.params) {
    if (declared.includes(name) || referred.has(name) || linked.pipeline.partial) continue;
    if (key.source !== home && !looksMistyped(name, declared)) continue;
    const hint = expectedNames(name, declared, 'the pipeline has none');
    problems.add(key, `${where}unknown parameter '${name}'${hint}`);
  }
  const { pipeline, stages } = linked;
  for (const [name, { key, value }] of layer.with) {
    if (!pipeline.stages.has(name) && !isExcused(pipeline, 'stages', name)) {
      if (key.source !== home && !looksMistyped(name, [...pipeline.stages.keys()])) continue;
      const hint = expectedNames(name, [...pipeline.stages.keys()], 'the pipeline has none');
      problems.add(key, `${where}unknown stage '${name}'${hint}`);
    }
    const stage = stages.get(name);
    if (stage !== undefined && value.kind === 'map') checkStageKeys(stage, value, problems);
  }
}

/** True for a name near a known one, but not its plural or its beginning: those are names of their own. */
function looksMistyped(name: string, known: readonly string[]): boolean {
  return (
    nearest(
      name,
      known.filter((other) => !name.startsWith(other) && !other.startsWith(name)),
    ) !== undefined
  );
}

/** Reports parameters that a stage's definition does not have. */
export function checkStageKeys(
  stage: { name: string; definition: { params: object } },
  given: LocatedMap,
  problems: Problems,
): void {
  const { properties, additionalProperties } = stage.definition.params as {
    properties?: Record<string, unknown>;
    additionalProperties?: unknown;
  };
  if (properties === undefined || additionalProperties !== false) return;
  for (const [name, { key }] of given.entries) {
    if (!Object.hasOwn(properties, name)) problems.add(key, unknownStageParam(stage.name, name, properties));
  }
}

/** The sentence about a parameter that a stage does not have. */
export function unknownStageParam(stage: string, name: string, properties: Readonly<Record<string, unknown>>): string {
  return `stage '${stage}': unknown parameter '${name}'${expectedNames(name, Object.keys(properties), 'it has none')}`;
}

/** Reports two axes that set the same thing: which of them wins would be a matter of their order. */
export function checkAxesDisjoint(axes: readonly Axis[], problems: Problems): void {
  const owner = new Map<string, { axis: Axis; span: Span }>();
  for (const axis of axes) {
    // the values of a list all set one parameter
    for (const value of axis.param === undefined ? axis.values : axis.values.slice(0, 1)) {
      for (const [what, span] of settings(value)) {
        const first = owner.get(what);
        if (first === undefined) owner.set(what, { axis, span });
        else if (first.axis !== axis) {
          problems.add(span, `axes '${first.axis.name}' and '${axis.name}' both set ${what}`, [
            { span: first.span, message: 'first set here' },
          ]);
        }
      }
    }
  }
}

function* settings(value: Axis['values'][number]): Generator<[what: string, span: Span]> {
  for (const [name, { key }] of value.params) yield [`parameter '${name}'`, key];
  for (const [stage, { key, value: given }] of value.with) {
    if (given.kind !== 'map') yield [`the parameters of stage '${stage}'`, key];
    else for (const [name, entry] of given.entries) yield [`parameter '${name}' of stage '${stage}'`, entry.key];
  }
  for (const { param, value: given } of value.edits) {
    const of = param.stage === undefined ? '' : ` of stage '${param.stage}'`;
    yield [`parameter '${param.path.join('.')}'${of}`, given.span];
  }
  if (value.metric !== undefined) yield ['the metric', value.metric.span];
}
