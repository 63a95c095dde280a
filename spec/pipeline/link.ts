// Joins the stages of a pipeline: definitions, inputs with the outputs that feed them, and the order.
import { withPorts } from '../../contract/registry.ts';
import type { InputPort, JsonObject, OutputPort, StageDefinition, StageRegistry } from '../../contract/stage.ts';
import type { Problems } from '../../located/diagnostic.ts';
import { type Span, toPlain } from '../../located/located.ts';
import { didYouMean, editDistance, expectedNames, nearest, orList } from '../../located/nearest.ts';
import { isObject } from '../../util/json.ts';
import { isModuleName } from '../own/resolve-use.ts';
import type { Pipeline, PipelineStage } from './pipeline.ts';
import { isExcused } from './pipeline.ts';

export interface Link {
  input: string;
  /** The stage that makes it, and which of its outputs. */
  stage: string;
  output: string;
  span: Span;
}

export interface LinkedStage extends PipelineStage {
  definition: StageDefinition;
  /** By the name of the input, so that their order in the file does not matter. */
  links: readonly Link[];
  /** True when an input is wrong: its parameters are still checked, but it makes no node. */
  broken: boolean;
}

/** A pipeline whose stages are joined. */
export interface LinkedPipeline {
  pipeline: Pipeline;
  stages: ReadonlyMap<string, LinkedStage>;
  /** Stages after those that feed them; the ones on or behind a cycle or a broken stage are left out. */
  order: readonly string[];
}

/** Reports unknown stages and inputs, kinds that do not fit, missing inputs and cycles. */
export function linkPipeline(pipeline: Pipeline, registry: StageRegistry, problems: Problems): LinkedPipeline {
  const linker = new Linker(pipeline, registry, problems);
  const stages = new Map<string, LinkedStage>();
  for (const [name, definition] of linker.definitions) {
    stages.set(name, linker.link(pipeline.stages.get(name) as PipelineStage, definition));
  }
  return { pipeline, stages, order: orderOf(stages, problems) };
}

class Linker {
  readonly pipeline: Pipeline;
  readonly registry: StageRegistry;
  readonly problems: Problems;
  /** Of the stages that have one, each with its ports. */
  readonly definitions = new Map<string, StageDefinition>();

  constructor(pipeline: Pipeline, registry: StageRegistry, problems: Problems) {
    this.pipeline = pipeline;
    this.registry = registry;
    this.problems = problems;
    for (const stage of pipeline.stages.values()) {
      const definition = this.#definition(stage);
      if (definition !== undefined) this.definitions.set(stage.name, this.#withPorts(stage, definition));
    }
  }

  #definition(stage: PipelineStage): StageDefinition | undefined {
    const definition = this.registry.get(stage.module ?? stage.use);
    if (definition === undefined) {
      if (isModuleName(stage.use)) return undefined; // it was said why it could not be loaded
      const hint = didYouMean(
        stage.use,
        [...this.registry.keys()].filter((name) => !isModuleName(name)),
      );
      this.problems.add(
        stage.useSpan,
        `stage '${stage.name}': unknown stage '${stage.use}', expected a stage name${hint || ' (see lamina stages)'}`,
      );
    }
    return definition;
  }

  /** Ports that depend on parameters are those that the pipeline itself writes down: what an experiment gives is not known yet. */
  #withPorts(stage: PipelineStage, definition: StageDefinition): StageDefinition {
    if (definition.ports === undefined) return definition;
    const given = stage.with === undefined ? {} : toPlain(stage.with);
    if (isObject(given)) return withPorts(definition, given as JsonObject);
    this.problems.add(
      stage.key,
      `stage '${stage.name}': 'with' says which inputs and outputs there are, expected a mapping written out here, got one value`,
    );
    return definition;
  }

  link(stage: PipelineStage, definition: StageDefinition): LinkedStage {
    const links: Link[] = [];
    const meant = new Set<string>();
    let broken = false;
    for (const [input, { key, from, span }] of stage.inputs) {
      const port = Object.hasOwn(definition.inputs, input) ? definition.inputs[input] : undefined;
      if (port === undefined) {
        const known = Object.keys(definition.inputs);
        meant.add(nearest(input, known) ?? '');
        const hint = expectedNames(input, known, `'${stage.use}' has none`);
        this.problems.add(key, `stage '${stage.name}': unknown input '${input}'${hint}`);
      }
      const link = port === undefined ? undefined : this.#resolve(stage, input, port, from, span);
      if (link === undefined) broken = true;
      else links.push(link);
    }
    for (const [input, port] of Object.entries(definition.inputs)) {
      if (port.optional === true || stage.inputs.has(input)) continue;
      broken = true;
      if (!meant.has(input) && !stage.partial) this.#missing(stage, input, port);
    }
    links.sort((a, b) => (a.input < b.input ? -1 : 1));
    return { ...stage, definition, links, broken };
  }

  #missing(stage: PipelineStage, input: string, port: InputPort): void {
    const hint = this.#suggestion(stage, input, port, input);
    this.problems.add(
      stage.key,
      `stage '${stage.name}': input '${input}' of kind '${port.kind}' is missing: give it under 'in'${hint}`,
    );
  }

  #resolve(stage: PipelineStage, input: string, port: InputPort, from: string, span: Span): Link | undefined {
    const dot = from.indexOf('.');
    const name = dot < 0 ? from : from.slice(0, dot);
    const where = `stage '${stage.name}': input '${input}'`;
    const source = this.pipeline.stages.get(name);
    if (source === undefined) {
      if (isExcused(this.pipeline, 'stages', name)) return undefined;
      const fitting = this.#fitting(stage, port);
      const hint =
        didYouMean(name, this.pipeline.stages.keys()) || expectedNames(name, fitting, `no stage makes '${port.kind}'`);
      this.problems.add(span, `${where} comes from an unknown stage '${name}'${hint}`);
      return undefined;
    }
    const definition = this.definitions.get(name);
    if (definition === undefined) return undefined;
    const output = dot < 0 ? this.#onlyOutput(definition, port) : from.slice(dot + 1);
    if (output === undefined) {
      this.#ambiguous(where, name, definition, port, stage, input, span);
      return undefined;
    }
    const made = Object.hasOwn(definition.outputs, output) ? definition.outputs[output] : undefined;
    if (made === undefined) {
      const hint = expectedNames(output, Object.keys(definition.outputs), 'it has none');
      this.problems.add(span, `${where}: stage '${name}' has no output '${output}'${hint}`);
      return undefined;
    }
    if (made.kind !== port.kind) {
      this.#wrongKind(where, port, made.kind, from, stage, input, span);
      return undefined;
    }
    return { input, stage: name, output, span };
  }

  #onlyOutput(definition: StageDefinition, port: InputPort): string | undefined {
    const outputs = Object.entries(definition.outputs);
    const fitting = outputs.filter(([, output]) => output.kind === port.kind);
    const [only] = fitting.length === 1 ? fitting : outputs.length === 1 ? outputs : [];
    return only?.[0];
  }

  #ambiguous(
    where: string,
    name: string,
    definition: StageDefinition,
    port: InputPort,
    stage: PipelineStage,
    input: string,
    span: Span,
  ): void {
    const outputs = Object.entries(definition.outputs);
    const fitting = outputs.filter(([, output]) => output.kind === port.kind).map(([output]) => `${name}.${output}`);
    if (fitting.length === 0) {
      const kinds = [...new Set(outputs.map(([, output]: [string, OutputPort]) => output.kind))];
      const hint = this.#suggestion(stage, input, port, name);
      const made = kinds.length === 0 ? 'nothing' : orList(kinds).replace(' or ', ' and ');
      this.problems.add(span, `${where} expects kind '${port.kind}', got ${made} from stage '${name}'${hint}`);
    } else {
      this.problems.add(
        span,
        `${where}: stage '${name}' has several outputs of kind '${port.kind}', expected ${orList(fitting)}`,
      );
    }
  }

  #wrongKind(
    where: string,
    port: InputPort,
    kind: string,
    from: string,
    stage: PipelineStage,
    input: string,
    span: Span,
  ): void {
    const hint = this.#suggestion(stage, input, port, from);
    this.problems.add(span, `${where} expects kind '${port.kind}', got '${kind}' from stage '${from}'${hint}`);
  }

  /** The output of the wanted kind whose stage is named most like the input or like what was written. */
  #suggestion(stage: PipelineStage, input: string, port: InputPort, written: string): string {
    const distance = (name: string) => Math.min(editDistance(name, written), editDistance(name, input));
    const best = this.#fitting(stage, port).reduce<string | undefined>(
      (a, b) => (a === undefined || distance(b) < distance(a) ? b : a),
      undefined,
    );
    return best === undefined ? '' : ` (did you mean '${best}'?)`;
  }

  /** What other stages make of the kind that is wanted, as it is written under `in`. */
  #fitting(stage: PipelineStage, port: InputPort): string[] {
    return [...this.pipeline.stages.values()].flatMap((other) => {
      if (other.name === stage.name) return [];
      const outputs = Object.entries(this.definitions.get(other.name)?.outputs ?? {});
      const fitting = outputs.filter(([, output]) => output.kind === port.kind);
      return fitting.map(([name]) => (fitting.length === 1 ? other.name : `${other.name}.${name}`));
    });
  }
}

/** Kahn's algorithm; what remains is on a cycle, behind one, or behind a stage that does not exist. */
function orderOf(stages: ReadonlyMap<string, LinkedStage>, problems: Problems): string[] {
  const waiting = new Map<string, number>();
  const users = new Map<string, string[]>();
  for (const { name, links } of stages.values()) {
    waiting.set(name, links.length);
    for (const { stage } of links) {
      const list = users.get(stage);
      if (list === undefined) users.set(stage, [name]);
      else list.push(name);
    }
  }
  const order = [...stages.keys()].filter((name) => waiting.get(name) === 0);
  for (let i = 0; i < order.length; i++) {
    for (const user of users.get(order[i] as string) ?? []) {
      const left = (waiting.get(user) as number) - 1;
      waiting.set(user, left);
      if (left === 0) order.push(user);
    }
  }
  const done = new Set(order);
  reportCycles(stages, done, problems);
  return order;
}

function reportCycles(stages: ReadonlyMap<string, LinkedStage>, done: ReadonlySet<string>, problems: Problems): void {
  const visited = new Set<string>();
  for (const start of stages.keys()) {
    const walk: string[] = [];
    let at: string | undefined = start;
    while (at !== undefined && !done.has(at) && !visited.has(at)) {
      visited.add(at);
      walk.push(at);
      at = stages.get(at)?.links.find(({ stage }) => stages.has(stage) && !done.has(stage))?.stage;
    }
    const from: number = at === undefined ? -1 : walk.indexOf(at);
    if (from < 0) continue;
    const cycle = walk.slice(from);
    const last = stages.get(cycle.at(-1) as string) as LinkedStage;
    const link = last.links.find(({ stage }) => stage === cycle[0]) as Link;
    problems.add(link.span, `dependency cycle: ${[...cycle, cycle[0]].join(' -> ')}`);
  }
}
