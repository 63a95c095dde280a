// Metric references: `stage.field`, `stage.output.field`, or `stage.work.field` for what it took, where a cell's number is.
import { workFields, workOutput } from '../../contract/plan.ts';
import type { StageDefinition } from '../../contract/stage.ts';
import type { Problems } from '../../located/diagnostic.ts';
import type { LocatedScalar } from '../../located/located.ts';
import { expectedNames, orList } from '../../located/nearest.ts';
import type { LinkedPipeline } from '../pipeline/link.ts';
import { isExcused } from '../pipeline/pipeline.ts';

export interface MetricPlace {
  stage: string;
  output: string;
  field: string;
}

/** Reads a reference; undefined when the stage, the output or the field is unknown (reported). */
export function readMetric(scalar: LocatedScalar, linked: LinkedPipeline, problems: Problems): MetricPlace | undefined {
  const text = String(scalar.value);
  const [stage = '', ...rest] = text.split('.');
  const complain = (message: string) => {
    problems.add(scalar.span, `metric '${text}': ${message}`);
    return undefined;
  };
  const { pipeline } = linked;
  if (!pipeline.stages.has(stage)) {
    if (isExcused(pipeline, 'stages', stage)) return undefined;
    return complain(
      `unknown stage '${stage}'${expectedNames(stage, [...pipeline.stages.keys()], 'the pipeline has none')}`,
    );
  }
  const definition = linked.stages.get(stage)?.definition;
  if (definition === undefined) return undefined;
  if (rest.length === 0 || rest.includes('')) return complain(`expected '${stage}.field' or '${stage}.output.field'`);
  return locate(stage, rest, definition, complain);
}

function locate(
  stage: string,
  rest: readonly string[],
  definition: StageDefinition,
  complain: (message: string) => undefined,
): MetricPlace | undefined {
  const metrics = Object.keys(definition.outputs).filter((name) => definition.outputs[name]?.kind === 'metrics');
  const [first = '', ...others] = rest;
  if (others.length > 0 && first === workOutput && !Object.hasOwn(definition.outputs, workOutput)) {
    const field = others.join('.');
    if (workFields.some((known) => known === field)) return { stage, output: workOutput, field };
    return complain(`the work of a stage has no '${field}'${expectedNames(field, [...workFields], 'it has none')}`);
  }
  if (others.length > 0 && Object.hasOwn(definition.outputs, first)) {
    const kind = definition.outputs[first]?.kind;
    if (kind !== 'metrics')
      return complain(`output '${first}' of stage '${stage}' is of kind '${kind}', expected 'metrics'`);
    return withField({ stage, output: first, field: others.join('.') }, definition, complain);
  }
  const [only] = metrics;
  if (only === undefined) return complain(`stage '${stage}' has no output of kind 'metrics'`);
  if (metrics.length > 1) {
    const names = metrics.map((name) => `${stage}.${name}.${rest.join('.')}`);
    return complain(`stage '${stage}' has several outputs of kind 'metrics', expected ${orList(names)}`);
  }
  return withField({ stage, output: only, field: rest.join('.') }, definition, complain);
}

function withField(
  place: MetricPlace,
  definition: StageDefinition,
  complain: (message: string) => undefined,
): MetricPlace | undefined {
  const fields = definition.outputs[place.output]?.fields;
  if (fields === undefined || fields.includes(place.field)) return place;
  const hint = expectedNames(place.field, fields, 'it has none');
  return complain(`stage '${place.stage}' (${definition.name}) has no metric '${place.field}'${hint}`);
}
