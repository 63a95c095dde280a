// Specs in, plan out: the two entry points of this folder.
import type { Plan } from '../../contract/plan.ts';
import type { Numerics, StageRegistry } from '../../contract/stage.ts';
import type { Diagnostic } from '../../located/diagnostic.ts';
import { Problems, SpecErrors } from '../../located/diagnostic.ts';
import type { Located, Source } from '../../located/located.ts';
import { entriesAt, find, keySpan, valueSpan } from '../../located/located.ts';
import type { SpecOrigin } from '../../located/source-file.ts';
import { SpecFiles } from '../../located/source-file.ts';
import { parseYaml } from '../../located/yaml-source.ts';
import { experimentFile } from '../../schemas/experiment.ts';
import { pipelineFile } from '../../schemas/pipeline.ts';
import { checkColumnNames } from '../experiment/axes.ts';
import { checkAxesDisjoint, checkLayer, checkStageKeys, knownParams, referredParams } from '../experiment/bindings.ts';
import { Evaluator } from '../experiment/evaluator.ts';
import type { Experiment } from '../experiment/experiment.ts';
import { layersOf, profileNames, readExperiment } from '../experiment/experiment.ts';
import { checkFragment, extended } from '../experiment/extend.ts';
import { flagSource, wholeSpan } from '../experiment/flags.ts';
import type { SpecRequest } from '../experiment/request.ts';
import { type Settings, settle } from '../experiment/settings.ts';
import { StageEvaluator } from '../experiment/stage-params.ts';
import type { LinkedPipeline } from '../pipeline/link.ts';
import { linkPipeline } from '../pipeline/link.ts';
import { withOwnStages } from '../pipeline/own-stages.ts';
import { loadPipeline, type Pipeline, readPipeline } from '../pipeline/pipeline.ts';
import { buildPlan } from './plan-builder.ts';

const plainNumerics: Numerics = { backend: 'onnx', provider: 'cpu', precision: 'float32', threads: 1 };

/** Resolves an experiment to its plan. Throws SpecErrors with every mistake of the spec and the flags. */
export async function loadPlan(request: SpecRequest, registry: StageRegistry): Promise<Plan> {
  const problems = new Problems();
  const main = await openSpec(request.file, request.cwd, problems, request.origin);
  if (main !== undefined && isPipelineFile(main.tree)) {
    const span = keySpan(main.tree, ['pipeline']);
    problems.add(span, "this is a pipeline, expected an experiment (a file with the key 'experiment')");
  }
  if (main !== undefined && isFragmentFile(main.tree)) {
    const span = keySpan(main.tree, ['fragment']);
    problems.add(span, "this is a fragment, expected an experiment (a file with the key 'experiment')");
  }
  const loaded = problems.count > 0 ? undefined : await loadExperiment(main, registry, problems);
  const plan = loaded === undefined ? undefined : planOf(loaded, request, problems);
  if (plan === undefined || problems.count > 0) throw new SpecErrors(problems.list());
  return plan;
}

/**
 * Checks a spec, an experiment under each of its profiles or a pipeline by itself; no diagnostics when all is well. `onPlan` is
 * given the plans of an experiment without mistakes.
 */
export async function checkSpec(
  file: string,
  registry: StageRegistry,
  cwd: string = process.cwd(),
  onPlan: (plan: Plan) => void = () => {},
): Promise<Diagnostic[]> {
  const problems = new Problems();
  const main = await openSpec(file, cwd, problems);
  if (main !== undefined && isPipelineFile(main.tree)) {
    const pipeline = await readPipeline(main.path, main.source, main.tree, main.files);
    if (pipeline !== undefined) checkPipeline(await linkedPipeline(pipeline, registry, problems), problems);
  } else if (main !== undefined && isFragmentFile(main.tree)) {
    checkFragment(main.tree, problems);
  } else {
    const loaded = await loadExperiment(main, registry, problems);
    if (loaded !== undefined) checkProfiles(loaded, { file, numerics: plainNumerics, cwd }, onPlan, problems);
  }
  return problems.list();
}

/** Plans under the profile that `run` takes, then under each of the others. */
function checkProfiles(loaded: Loaded, request: SpecRequest, onPlan: (plan: Plan) => void, problems: Problems): void {
  const check = (profile: string | undefined) => {
    const plan = planOf(loaded, { ...request, profile }, problems);
    if (problems.count === 0) onPlan(plan);
    return plan.profile;
  };
  const usual = check(undefined);
  for (const profile of profileNames(loaded.experiment)) if (profile !== usual) check(profile);
}

/** The pipeline of a file, which is one or names one; undefined for other files, and where something is wrong (reported). */
export async function pipelineOf(file: string, cwd: string, problems: Problems): Promise<Pipeline | undefined> {
  const main = await openSpec(file, cwd, problems);
  if (main === undefined || isFragmentFile(main.tree)) return undefined;
  if (isPipelineFile(main.tree)) return readPipeline(main.path, main.source, main.tree, main.files);
  const named = find(main.tree, ['pipeline']);
  if (!entriesAt(main.tree, []).has('experiment') || named?.kind !== 'scalar') return undefined;
  return loadPipeline(String(named.value), main.source.folder, named.span, main.files);
}

interface OpenSpec {
  path: string;
  source: Source;
  tree: Located;
  files: SpecFiles;
}

async function openSpec(
  file: string,
  cwd: string,
  problems: Problems,
  origin?: SpecOrigin,
): Promise<OpenSpec | undefined> {
  const files = new SpecFiles(cwd, problems, origin);
  const from = wholeSpan(flagSource(file, '', cwd));
  const path = files.locate(file, cwd, from, 'the spec', 'spec');
  const source = path === undefined ? undefined : await files.read(path, from, 'the spec', 'spec');
  const tree = source === undefined ? undefined : parseYaml(source, problems);
  if (tree?.kind === 'scalar' && tree.value === null) {
    problems.add(
      tree.span,
      "the spec is empty, expected a mapping that begins with 'experiment: NAME' (lamina init writes one)",
    );
    return undefined;
  }
  return path === undefined || source === undefined || tree === undefined ? undefined : { path, source, tree, files };
}

/** Which of the two kinds of file it is, by the keys that only one of them has. */
function isPipelineFile(tree: Located): boolean {
  if (tree.kind !== 'map' || tree.entries.has('experiment')) return false;
  const keys = [...tree.entries.keys()];
  const inPipeline = keys.filter((key) => key in pipelineFile.properties && !(key in experimentFile.properties));
  const inExperiment = keys.filter((key) => key in experimentFile.properties && !(key in pipelineFile.properties));
  return keys.includes('pipeline') && inPipeline.length >= inExperiment.length;
}

function isFragmentFile(tree: Located): boolean {
  return entriesAt(tree, []).has('fragment');
}

interface Loaded {
  path: string;
  experiment: Experiment;
  linked: LinkedPipeline;
}

async function loadExperiment(
  main: OpenSpec | undefined,
  registry: StageRegistry,
  problems: Problems,
): Promise<Loaded | undefined> {
  if (main === undefined) return undefined;
  const tree = await extended(main.tree, main.files, problems);
  const experiment = tree === undefined ? undefined : readExperiment(main.source, tree, problems);
  if (experiment === undefined) return undefined;
  const span = valueSpan(main.tree, ['pipeline']);
  const pipeline = await loadPipeline(experiment.data.pipeline, main.source.folder, span, main.files);
  if (pipeline === undefined) return undefined;
  const linked = await linkedPipeline(pipeline, registry, problems);
  checkStageParams(linked, problems);
  const layers = layersOf(experiment);
  const referred = referredParams(linked, layers, [find(experiment.tree, ['axes']), find(experiment.tree, ['metric'])]);
  for (const layer of layers) checkLayer(layer, layer.where, main.source, linked, referred, problems);
  return { path: main.path, experiment, linked };
}

async function linkedPipeline(
  pipeline: Pipeline,
  registry: StageRegistry,
  problems: Problems,
): Promise<LinkedPipeline> {
  return linkPipeline(await withOwnStages(pipeline, registry, problems), registry, problems);
}

function planOf({ path, experiment, linked }: Loaded, request: SpecRequest, problems: Problems): Plan {
  const settings = settle(experiment, linked, request, problems);
  checkColumnNames(settings.bindings.axes, entriesAt(experiment.tree, ['table', 'beside']), problems);
  checkAxesDisjoint(settings.bindings.axes, problems);
  const { numerics } = request;
  return buildPlan({ experiment, settings, numerics, file: path, ...flagsOf(request, settings) }, problems);
}

/** The flags that make another plan than the spec says, and those that only say where its models and data lie. */
function flagsOf({ set = [], only = [], seed }: SpecRequest, { copies }: Settings): Pick<Plan, 'overrides' | 'copies'> {
  const words = (some: readonly string[]) => some.map((text) => `--set ${text}`);
  const own = set.filter((text) => !copies.has(text));
  const overrides = [...words(own), ...only.map((text) => `--only ${text}`)];
  return {
    overrides: seed === undefined ? overrides : [...overrides, `--seed ${seed}`],
    copies: words(set.filter((text) => copies.has(text))),
  };
}

function checkStageParams(linked: LinkedPipeline, problems: Problems): void {
  for (const stage of linked.stages.values()) {
    if (stage.with?.kind === 'map') checkStageKeys(stage, stage.with, problems);
  }
}

/** A pipeline by itself: its defaults and all parameters of stages that do not wait for an experiment. */
function checkPipeline(linked: LinkedPipeline, problems: Problems): void {
  checkStageParams(linked, problems);
  const bindings = { linked, layers: [], axes: [], edits: [] };
  const known = knownParams(linked, []);
  const evaluator = new Evaluator(bindings, problems, { home: undefined, known });
  for (const name of linked.pipeline.params.keys()) evaluator.param(name, []);
  const stages = new StageEvaluator(bindings, problems, evaluator);
  for (const stage of linked.stages.values()) {
    stages.stageParams(stage, []);
    stages.seed(stage, []);
  }
}
