// What stages are given to run with: pipeline < experiment < profile < --resources.
import type { Resources } from '../../contract/plan.ts';
import type { Json } from '../../contract/stage.ts';
import type { Problems } from '../../located/diagnostic.ts';
import { compileSchema } from '../../located/json-schema.ts';
import { entriesAt, type Span, toPlain } from '../../located/located.ts';
import { expectedNames } from '../../located/nearest.ts';
import { parseRange } from '../../located/yaml-source.ts';
import { resourcesSchema } from '../../schemas/resources.ts';
import type { KnownNames } from '../pipeline/param-path.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import { resourcesOf } from '../pipeline/resources.ts';
import type { Experiment } from './experiment.ts';
import { flagSource, wholeSpan } from './flags.ts';

/** By stage; one that nobody said anything of is not there. */
export type StageResources = ReadonlyMap<string, Resources>;

/** The resources of each stage under one profile and the flags; reports stages that nothing knows, and flags that say nothing. */
export function readResources(
  { data, tree }: Experiment,
  pipeline: Pipeline,
  known: Pick<KnownNames, 'stages' | 'partial'>,
  { profile, flags, cwd }: { profile: string; flags: readonly string[]; cwd: string },
  problems: Problems,
): StageResources {
  const found = new Map<string, Resources>();
  const lay = (stage: string, own: Resources) => void found.set(stage, { ...found.get(stage), ...own });
  for (const [stage, { resources }] of pipeline.stages) if (resources !== undefined) lay(stage, resources);
  const layers = [
    [[], '', data.resources],
    [['profiles', profile], `profile '${profile}': `, data.profiles?.[profile]?.resources],
  ] as const;
  for (const [path, where, given] of layers) {
    for (const [stage, { key }] of entriesAt(tree, [...path, 'resources'])) {
      const own = given !== undefined && Object.hasOwn(given, stage) ? given[stage] : undefined;
      if (isKnown(stage, known, key, where, problems) && own !== undefined) lay(stage, resourcesOf(own));
    }
  }
  for (const text of flags) {
    const flag = readFlag(text, cwd, known, problems);
    for (const stage of flag?.stage === undefined ? pipeline.stages.keys() : [flag.stage]) {
      if (flag !== undefined) lay(stage, flag.own);
    }
  }
  return found;
}

function isKnown(
  stage: string,
  { stages, partial }: Pick<KnownNames, 'stages' | 'partial'>,
  span: Span,
  where: string,
  problems: Problems,
): boolean {
  if (stages.has(stage)) return true;
  if (partial) return false;
  const hint = expectedNames(stage, [...stages], 'the pipeline has none');
  problems.add(span, `${where}resources: unknown stage '${stage}'${hint}`);
  return false;
}

/** `sft:memory=32GB,time=12h` for one stage, `memory=8GB` for all of them. */
function readFlag(
  text: string,
  cwd: string,
  known: Pick<KnownNames, 'stages' | 'partial'>,
  problems: Problems,
): { stage: string | undefined; own: Resources } | undefined {
  const source = flagSource('--resources', text, cwd);
  const [, named, list = ''] = /^(?:([A-Za-z_][\w-]*):(?=\w+=))?(.*)$/s.exec(text) ?? [];
  const span = wholeSpan(source);
  if (named !== undefined && !isKnown(named, known, span, '', problems)) return undefined;
  const given: Record<string, Json> = {};
  let start = text.length - list.length;
  for (const piece of list.split(',')) {
    const end = start + piece.length;
    const equals = piece.indexOf('=');
    const value = equals <= 0 ? undefined : parseRange(source, start + equals + 1, end, problems);
    if (value === undefined) {
      problems.add({ source, start, end }, `expected 'memory=8GB,cpus=4,time=12h,gpu=1', some of them, got '${text}'`);
      return undefined;
    }
    given[piece.slice(0, equals).trim()] = toPlain(value);
    start = end + 1;
  }
  const [complaint] = compileSchema(resourcesSchema).check(given);
  if (complaint === undefined) return { stage: named, own: resourcesOf(given) };
  const says =
    complaint.kind === 'value'
      ? `'${complaint.path.join('.')}' ${complaint.says}`
      : `unknown resource '${complaint.key}'${complaint.kind === 'unknown' ? complaint.hint : ''}`;
  problems.add(span, says);
  return undefined;
}
