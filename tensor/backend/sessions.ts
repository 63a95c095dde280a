// Compiled sessions, kept by the structure of their graph, least recently used first out.
import { DeviceMemory } from '../graph/device-memory.ts';
import { tensorsOf } from '../graph/fed.ts';
import { sizeOf, type Value } from '../graph/graph.ts';
import { encodePlan, type Plan, peakBytes, valueName } from '../graph/lowering.ts';
import {
  createSession,
  type Provider,
  type RuntimeOptions,
  type RuntimeTensor,
  type Session,
  type TensorData,
} from '../graph/runtime.ts';
import { arenaBytes } from './bounds.ts';

/** How much the cache keeps: a number of sessions, and the bytes that their graphs and memory arenas may hold together. */
export interface SessionLimits {
  readonly sessions: number;
  readonly bytes: number;
}

/** Counts of what the cache has done since the process began. */
export interface SessionCounts {
  sessions: number;
  /** What the arenas of its sessions keep, by estimate. */
  arena_bytes: number;
  compiled: number;
  runs: number;
  run_ms: number;
  compile_ms: number;
  /** Of the inputs that sessions were handed from this process, and of what came back to it. */
  fed_bytes: number;
  fetched_bytes: number;
}

/** Nothing done yet. */
export const noCounts: Readonly<SessionCounts> = {
  sessions: 0,
  arena_bytes: 0,
  compiled: 0,
  runs: 0,
  run_ms: 0,
  compile_ms: 0,
  fed_bytes: 0,
  fetched_bytes: 0,
};

interface Compiled {
  readonly session: Session;
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  readonly bytes: number;
  /** Of them those of an arena of its own. */
  readonly arena_bytes: number;
}

/** What a session keeps for a node of its graph, before it has run: measured, see tensor/README.md. */
const NODE_BYTES = 12 * 1024;
const DEFAULT_LIMITS: SessionLimits = { sessions: 128, bytes: 2 ** 31 };

/** Runs plans, compiling each structure once while it stays within the limits. */
export class SessionCache {
  readonly #options: RuntimeOptions;
  readonly #limits: SessionLimits;
  readonly #compiled = new Map<string, Compiled>();
  #bytes = 0;
  readonly counts: SessionCounts = { ...noCounts };
  /** Where values stay between runs, if that is not this process. */
  readonly device: DeviceMemory | undefined;

  constructor(options: RuntimeOptions, limits: SessionLimits = DEFAULT_LIMITS) {
    this.#options = options;
    this.#limits = limits;
    this.device = options.provider === 'webgpu' ? new DeviceMemory(options, this.counts) : undefined;
  }

  get provider(): Provider {
    return this.#options.provider;
  }

  /** Computes the plan's outputs, in their order; they stay on the device where there is one. */
  run(plan: Plan): RuntimeTensor[] {
    if (this.device === undefined) return this.runHere(plan);
    const onDevice = plan.outputs.filter(({ shape }) => sizeOf(shape) > 0).map(valueName);
    return this.#run(this.#find(`${plan.key} stays`, plan, onDevice), plan.inputs);
  }

  /** Computes the plan's outputs, in their order, and brings them to this process. */
  runHere(plan: Plan): RuntimeTensor[] {
    return this.#run(this.#find(plan.key, plan), plan.inputs);
  }

  /**
   * Computes the outputs of an earlier plan of `runHere`, by its key, with other inputs; undefined when it is not kept any more. They are written
   * to the tensors `into` where there are such.
   */
  rerun(key: string, inputs: readonly Value[], into?: readonly RuntimeTensor[]): RuntimeTensor[] | undefined {
    const compiled = this.#known(key);
    return compiled && this.#run(compiled, inputs, into);
  }

  #run(compiled: Compiled, inputs: readonly Value[], into?: readonly RuntimeTensor[]): RuntimeTensor[] {
    const feeds: Record<string, RuntimeTensor> = {};
    const fetches: Record<string, RuntimeTensor | null> = {};
    for (const [i, tensor] of tensorsOf(inputs, this.device).entries()) {
      feeds[compiled.inputNames[i] as string] = tensor;
      this.counts.fed_bytes += bytesOf(tensor);
    }
    for (const [i, name] of compiled.outputNames.entries()) fetches[name] = into?.[i] ?? null;
    const start = performance.now();
    const results = compiled.session.run(feeds, fetches);
    this.counts.run_ms += performance.now() - start;
    this.counts.runs++;
    return compiled.outputNames.map((name) => {
      const tensor = results[name] as RuntimeTensor;
      this.counts.fetched_bytes += bytesOf(tensor);
      return tensor;
    });
  }

  /** Releases every session. */
  clear(): void {
    for (const key of [...this.#compiled.keys()]) this.#evict(key);
  }

  /** The session of that key, which now is the one used last. */
  #known(key: string): Compiled | undefined {
    const known = this.#compiled.get(key);
    if (known === undefined) return undefined;
    this.#compiled.delete(key);
    this.#compiled.set(key, known);
    return known;
  }

  #find(key: string, plan: Plan, onDevice?: readonly string[]): Compiled {
    const known = this.#known(key);
    if (known !== undefined) return known;
    const start = performance.now();
    const compiled = this.#compile(plan, onDevice);
    this.counts.compile_ms += performance.now() - start;
    this.counts.compiled++;
    this.#keep(key, compiled);
    return compiled;
  }

  #compile(plan: Plan, onDevice?: readonly string[]): Compiled {
    const peak = peakBytes(plan);
    const arena = this.counts.arena_bytes + peak <= arenaBytes;
    const arena_bytes = arena ? peak : 0;
    return {
      session: createSession(encodePlan(plan), { ...this.#options, arena, onDevice }),
      inputNames: plan.inputs.map(valueName),
      outputNames: plan.outputs.map(valueName),
      bytes: arena_bytes + plan.nodes.length * NODE_BYTES,
      arena_bytes,
    };
  }

  #keep(key: string, compiled: Compiled): void {
    this.#compiled.set(key, compiled);
    this.#bytes += compiled.bytes;
    this.counts.arena_bytes += compiled.arena_bytes;
    for (const oldest of this.#compiled.keys()) {
      const fits = this.#compiled.size <= this.#limits.sessions && this.#bytes <= this.#limits.bytes;
      if (fits || oldest === key) break;
      this.#evict(oldest);
    }
    this.counts.sessions = this.#compiled.size;
  }

  #evict(key: string): void {
    const compiled = this.#compiled.get(key) as Compiled;
    compiled.session.dispose();
    this.#compiled.delete(key);
    this.#bytes -= compiled.bytes;
    this.counts.arena_bytes -= compiled.arena_bytes;
    this.counts.sessions = this.#compiled.size;
  }
}

/** What a tensor has in this process. */
function bytesOf(tensor: RuntimeTensor): number {
  return tensor.location === 'cpu' ? (tensor.data as TensorData).byteLength : 0;
}
