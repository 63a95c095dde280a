// An attempt as data: all that a process needs to carry it out from the store, without the plan and without building a graph.
import type { Facts, JsonObject, Numerics, OutputPort } from '../../contract/stage.ts';
import type { BlobRef } from '../../store/digest.ts';
import type { KeyPreimage } from '../../store/key.ts';
import type { RecordedWork, RecordShape } from '../../store/record.ts';
import { isObject } from '../../util/json.ts';
import { workOf } from '../survey/cost.ts';
import { nameOf, type UnitState, unitsRead } from '../survey/graph.ts';
import { withPins } from '../survey/pin.ts';

/** Kept with the attempt in the store; the attempt goes by the first of its keys. */
export interface AttemptOrder {
  format: 'lamina-attempt';
  version: 1;
  experiment: string;
  /** The plan node, its name in the pipeline and its cell, as records say them. */
  node: string;
  stage: string;
  cell: string;
  /** The stage definition's name. */
  use: string;
  /** The module of a stage of the user's own. */
  module?: string | undefined;
  /** What the stage gets; names on the hub have their commit. */
  params: JsonObject;
  seed: number;
  numerics: Numerics;
  /** Inputs that are not left empty. */
  inputs: Readonly<Record<string, OrderInput>>;
  units: readonly OrderUnit[];
  /** What is written: each output's ending, and whether it may be left out. */
  outputs: RecordShape;
  /** Take these results even where the keys have others already (--force). */
  replace: boolean;
  /** What all units together are to do, by the stage's cost. */
  work?: RecordedWork | undefined;
  /** Kept in the records as observed. */
  versions: Readonly<Record<string, string>>;
}

export interface OrderInput {
  /** By unit name; a stage without units has the one name ''. */
  artifacts: Readonly<Record<string, BlobRef>>;
  facts: Facts;
}

export interface OrderUnit {
  unit: string;
  key: string;
  params: JsonObject;
  preimage: KeyPreimage;
}

/** What orders of one run have in common. */
export interface OrderFrame {
  experiment: string;
  versions: Readonly<Record<string, string>>;
}

/** The order of one attempt at `units`, which belong to one node, whose keys are known and whose inputs have records. */
export function orderOf(units: readonly UnitState[], { experiment, versions }: OrderFrame): AttemptOrder {
  const first = units[0] as UnitState;
  const { node, inputs, definition } = first.owner;
  const { stage, cell } = nameOf(first);
  const filled = inputs.filter(({ name }) => first.preimage?.inputs[name] !== undefined); // the others are optional
  return {
    format: 'lamina-attempt',
    version: 1,
    experiment,
    ...{ node: node.id, stage, cell, use: node.use, module: node.module },
    params: withPins(node.params, first.preimage?.sources ?? {}),
    seed: node.seed,
    numerics: node.numerics,
    inputs: Object.fromEntries(filled.map((input) => [input.name, orderInput(units, input)])),
    units: units.map(orderUnit),
    outputs: Object.fromEntries(Object.entries(definition.outputs).map(shapeOf)),
    replace: node.force,
    work: workOf(units),
    versions,
  };
}

/** The order that a store has kept; undefined for what is none that this version can carry out. */
export function parseOrder(value: unknown): AttemptOrder | undefined {
  if (!isObject(value) || value.format !== 'lamina-attempt' || value.version !== 1) return undefined;
  return value as unknown as AttemptOrder;
}

/** The artifacts that an attempt reads, each once. */
export function artifactsOf({ inputs }: AttemptOrder): BlobRef[] {
  const all = Object.values(inputs).flatMap(({ artifacts }) => Object.values(artifacts));
  return [...new Map(all.map((ref) => [ref.digest, ref])).values()];
}

function shapeOf([name, { extension, optional }]: [string, OutputPort]): [string, RecordShape[string]] {
  return [name, { extension, ...(optional !== undefined && { optional }) }];
}

function orderUnit({ unit, key, preimage }: UnitState): OrderUnit {
  const made = preimage as KeyPreimage;
  return { unit: unit.name, key: key as string, params: withPins(unit.params, made.sources), preimage: made };
}

/** What any of the units reads of an input, with the facts of all of it. */
function orderInput(units: readonly UnitState[], input: UnitState['owner']['inputs'][number]): OrderInput {
  const artifacts: Record<string, BlobRef> = {};
  let facts = { ...input.from.facts };
  for (const each of new Set(units.flatMap((unit) => unitsRead(unit, input) ?? []))) {
    const artifact = each.record?.outputs[input.output];
    if (artifact === undefined) throw new Error(`'${input.from.node.id}' has no output '${input.output}'`);
    artifacts[each.unit.name] = { digest: artifact.digest, size: artifact.size };
    facts = { ...facts, ...each.record?.facts };
  }
  return { artifacts, facts };
}
