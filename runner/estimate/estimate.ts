// What is left to run will take on a device, by arithmetic: work, time, peak memory and disk for each stage.
import type { Cost, CostQuery, StageDefinition } from '../../contract/stage.ts';
import type { RecordedWork } from '../../store/record.ts';
import { costQuery, type FullCost, fullCost, recordedSize, type SizeOf } from '../survey/cost.ts';
import type { UnitState } from '../survey/graph.ts';
import type { Device } from './devices.ts';
import { isCached, type JointWork } from './work.ts';

/** Bytes per second to and from disk: one fast solid-state disk. */
export const diskBytesPerSecond = 2e9;

export interface EstimateOptions {
  device: Device;
  /** The share of the device's peak that is reached, above 0 and at most 1. */
  utilisation: number;
  /** Tokens of a record, where the data's facts do not say. */
  record_tokens: number;
}

/** What a stage, or all of them, will take: one attempt after the other on one device. */
export interface Amount {
  flops: number;
  duration_ms: number;
  /** The largest of all attempts. */
  memory_bytes: number;
  read_bytes: number;
  /** Outputs; the store keeps them. */
  written_bytes: number;
}

export interface StageEstimate extends Amount {
  stage: string;
  /** Units that are counted here. */
  units: number;
  /** Units whose cost is not known; they are in none of the figures. */
  unknown: number;
  /** False when the peak exceeds the device's memory. */
  fits: boolean;
  /** Where it does not fit, of a stage that says how many records it holds at once: the number with which it would, none where one is too many. */
  fitting?: { param: string; value?: number };
}

export interface Estimate {
  options: EstimateOptions;
  stages: readonly StageEstimate[];
  total: Amount;
  /** What the stages assumed, each phrase once. */
  assumed: readonly string[];
}

/** Different units of work, in plan order, and what identifies each. */
export type Identified = Pick<JointWork, 'distinct' | 'identities'>;

/** Estimates every different unit that has no result, in plan order, each stage by its `cost`. */
export function estimateWork(work: Identified, options: EstimateOptions): Estimate {
  const stages = new Map<string, StageEstimate>();
  const assumed = new Set<string>();
  for (const { units, definition, query, cost } of costedAttempts(work, options.record_tokens)) {
    const stage = stages.get(definition.name) ?? {
      stage: definition.name,
      units: 0,
      unknown: 0,
      fits: true,
      ...nothing,
    };
    stages.set(definition.name, cost === undefined ? { ...stage, unknown: stage.unknown + units.length } : stage);
    if (query === undefined || cost === undefined) continue;
    for (const phrase of cost.assumed ?? []) assumed.add(phrase);
    stages.set(definition.name, {
      ...stage,
      ...sum(stage, amountOf(cost, options)),
      units: stage.units + units.length,
      ...fitOf(stage, query, cost, options.device, definition),
    });
  }
  return {
    options,
    stages: [...stages.values()],
    total: [...stages.values()].reduce(sum, nothing),
    assumed: [...assumed],
  };
}

/** An attempt that is left, with what its stage says of it. */
export interface CostedAttempt {
  units: readonly UnitState[];
  definition: StageDefinition;
  /** Undefined where the units are not known yet. */
  query: CostQuery | undefined;
  cost: FullCost | undefined;
  /** What it reads of artifacts; undefined where it reads none, or not all sizes are known. */
  read_bytes: number | undefined;
}

/** Every attempt on different units that have no result, in plan order; what one is estimated to write, later ones read. */
export function* costedAttempts(work: Identified, record_tokens: number): Generator<CostedAttempt> {
  const sizes = new Sizes(work);
  for (const units of attemptsOf(work)) {
    const { definition } = (units[0] as UnitState).owner;
    const query = costQuery(units, sizes.of, record_tokens);
    const cost = query && fullCost(definition, query);
    if (cost !== undefined) sizes.keep(units, cost.written_bytes);
    yield { units, definition, query, cost, read_bytes: query && readBytes(query) };
  }
}

const nothing: Amount = { flops: 0, duration_ms: 0, memory_bytes: 0, read_bytes: 0, written_bytes: 0 };

function sum(a: Amount, b: Amount): Amount {
  return {
    flops: a.flops + b.flops,
    duration_ms: a.duration_ms + b.duration_ms,
    memory_bytes: Math.max(a.memory_bytes, b.memory_bytes),
    read_bytes: a.read_bytes + b.read_bytes,
    written_bytes: a.written_bytes + b.written_bytes,
  };
}

/** Units that run in one attempt: alone, or all of their node where the stage is grouped. */
function attemptsOf({ distinct }: Identified): UnitState[][] {
  const attempts: UnitState[][] = [];
  const groups = new Map<UnitState['owner'], UnitState[]>();
  for (const { unit } of distinct) {
    if (isCached(unit)) continue;
    const group = unit.owner.definition.grouped === true ? groups.get(unit.owner) : undefined;
    if (group !== undefined) {
      group.push(unit);
      continue;
    }
    const attempt = [unit];
    attempts.push(attempt);
    groups.set(unit.owner, attempt);
  }
  return attempts;
}

/** Of all inputs together. */
function readBytes({ inputs }: CostQuery): number | undefined {
  const sizes = Object.values(inputs).map((input) => input?.size_bytes);
  return sizes.length === 0 || sizes.includes(undefined)
    ? undefined
    : sizes.reduce((sum: number, size) => sum + (size ?? 0), 0);
}

/** Parameters that say how many records are in memory at once, and nothing else; the first that a stage has counts. */
const atOnce = ['micro_batch', 'batch_size'];

/** Whether the stage still fits with this attempt, which is the largest so far or no larger. */
function fitOf(
  stage: StageEstimate,
  query: CostQuery,
  cost: Cost,
  device: Device,
  definition: StageDefinition,
): Pick<StageEstimate, 'fits' | 'fitting'> {
  const { fits, fitting } = stage;
  if (cost.memory_bytes <= device.memory_bytes) return { fits, ...(fitting && { fitting }) };
  if (cost.memory_bytes <= stage.memory_bytes) return { fits: false, ...(fitting && { fitting }) };
  const found = fittingParam(query, device, definition);
  return { fits: false, ...(found && { fitting: found }) };
}

function fittingParam(
  query: CostQuery,
  { memory_bytes }: Device,
  definition: StageDefinition,
): StageEstimate['fitting'] {
  const param = atOnce.find((name) => typeof query.params[name] === 'number');
  if (param === undefined) return undefined;
  for (let value = Math.floor(Number(query.params[param]) / 2); value >= 1; value = Math.floor(value / 2)) {
    const cost = definition.cost?.({ ...query, params: { ...query.params, [param]: value } });
    if (cost !== undefined && cost.memory_bytes <= memory_bytes) return { param, value };
  }
  return { param };
}

function amountOf(cost: FullCost, { device, utilisation }: EstimateOptions): Amount {
  const { flops, memory_bytes, read_bytes, written_bytes } = cost;
  const seconds = secondsOf({ flops, moved_bytes: read_bytes + written_bytes }, device, utilisation);
  const starting_s = (cost.starts ?? 0) * device.start_s;
  return { flops, memory_bytes, read_bytes, written_bytes, duration_ms: 1000 * (seconds + starting_s) };
}

/** The time of operations at a share of the device's peak, and of bytes to and from its disk. */
export function secondsOf(
  { flops, moved_bytes }: RecordedWork,
  { flops_per_second, utilisation: usual }: Device,
  utilisation = usual,
): number {
  return flops / (flops_per_second * utilisation) + moved_bytes / diskBytesPerSecond;
}

/** Sizes of artifacts: what records say, or what was estimated before for the same work. */
class Sizes {
  readonly #identities: JointWork['identities'];
  readonly #estimated = new Map<string, number>();

  constructor({ identities }: Identified) {
    this.#identities = identities;
  }

  /** Shares the bytes of an attempt out over its units. */
  keep(units: readonly UnitState[], written_bytes: number): void {
    for (const unit of units) this.#estimated.set(this.#identity(unit), written_bytes / units.length);
  }

  /** Of an output; undefined when it is not known. */
  readonly of: SizeOf = (unit, output) => recordedSize(unit, output) ?? this.#estimated.get(this.#identity(unit));

  #identity(unit: UnitState): string {
    return this.#identities.get(unit) ?? '';
  }
}
