// The stage contract: what a stage declares, and what it is given when it runs. Stages and the runner meet here.
import type { TSchema } from 'typebox';
import type { Json, JsonObject } from '../util/json.ts';
import type { Facts, FactsOf, FactsOfKinds } from './facts.ts';
import type { ArtifactKind, InputPort, InputPorts, OutputPort, OutputPorts } from './ports.ts';

/**
 * One independent part of a stage, planned, cached and scheduled by itself. An output of a stage with units is the
 * set of its units' artifacts. Only units that somebody needs are run.
 */
export interface Unit<Params = JsonObject> {
  /** Unique within the stage, shown to people and used by consumers to pick: `3→4`, `layer 4`. */
  name: string;
  /**
   * What enters the unit's cache key instead of the stage's parameters, and what its `run` gets as `params`: leave
   * out what does not change the unit, so that grids that share units share work.
   */
  params: Params;
  /** Which units of an input it reads, by input name; an input not named here is read whole. */
  needs?: Readonly<Record<string, readonly string[]>>;
}

/** What is known of the inputs' facts, by input: nothing of one that has yet to say, or is not joined. */
export type KnownFacts<I extends InputPorts> = { readonly [K in keyof I]?: FactsOf<I[K]['kind']> | undefined };

/** The facts of what a stage makes, all outputs together. */
export type OutputFacts<O extends OutputPorts> = FactsOfKinds<O[keyof O]['kind']>;

/**
 * What a stage says of itself: all that planning reads. `Params` is what its schema lets through, `I` and `O` are its ports, and `U` is what
 * its units are given (`never` for a stage without units); to those who know no stage in particular it is JSON.
 */
export interface StageDeclaration<
  Params = JsonObject,
  I extends InputPorts = InputPorts,
  O extends OutputPorts = OutputPorts,
  U = JsonObject,
> {
  name: string;
  /** Raised when the same key would give other bytes; part of the cache key. */
  version: number;
  summary: string;
  /** Where the method comes from: paper and section or equation. */
  reference?: string;
  /**
   * A JSON Schema (object, additionalProperties false, defaults given). A string with `format: 'path'` names a file or
   * folder: its content digest enters the key, the path itself does not.
   */
  params: TSchema;
  inputs: I;
  outputs: O;
  /**
   * The ports, where the parameters say which there are; `inputs` and `outputs` are then empty. Asked with what the pipeline itself gives,
   * so what decides them has to be written there.
   */
  ports?(params: Params): { readonly inputs: InputPorts; readonly outputs: OutputPorts };
  /** True when the bytes depend on backend, provider, precision and threads; these then enter the key. */
  numeric: boolean;
  /** True when the stage draws from the seed; the seed then enters the key. */
  seeded: boolean;
  /**
   * Throws UserError where parameters that are right one by one do not go together, or not with the names of the inputs that are
   * joined. Asked when a spec is read: the mistake is shown at the stage's place in it.
   */
  check?(params: Params, inputs: ReadonlySet<string>): void;
  /**
   * The parameters with what they mean on this machine filled in: the files that patterns match, the values of variables. Asked when a
   * spec is read, after `check`; `folder` is that of the pipeline. What comes back enters the key. Throws UserError.
   */
  settle?(params: Params, folder: string): JsonObject;
  /**
   * Throws UserError for what would stop the stage and can be seen in the files that its parameters name; gives the sentences that
   * are to be known of them, as `warn` does. Asked before anything runs, where something of the stage has yet to run and its
   * sources are there: what the work itself finds is kept in the record, and the two are shown once where they are the same.
   */
  preflight?(params: Params): Promise<readonly string[]>;
  /**
   * Sentences on what will be done and may not be what was meant: a rank above the width. Cheap, from parameters and facts; asked
   * by `check`, `plan` and `run` with what is known, whether or not anything runs. A sentence names no unit, cell or path, so that
   * it is the same wherever the same is done: who asks adds the stage and counts the cells.
   */
  warn?(params: Params, inputs: KnownFacts<I>): readonly string[];
  /** Facts of the outputs before the stage has run, from parameters and the inputs' facts; undefined when unknown. */
  expect?(params: Params, inputs: KnownFacts<I>): Promise<OutputFacts<O> | undefined>;
  /** The units it splits into; called once the inputs' facts are known. Throws UserError on impossible parameters. */
  units?(params: Params, inputs: KnownFacts<I>): readonly Unit<U>[];
  /**
   * Which units of its inputs a stage without units reads, by input name; an input not named is read whole. Called once the inputs' facts are
   * known.
   */
  needs?(params: Params, inputs: KnownFacts<I>): Readonly<Record<string, readonly string[]>>;
  /**
   * True when the result is a timing: nothing else runs beside it, and other bytes for the same key are no warning. It is the
   * one kind of stage that looks at a clock.
   */
  timing?: boolean;
  /** True when several units run cheaper together: all that are ready then go to one attempt. */
  grouped?: boolean;
  /**
   * What one attempt takes, by arithmetic on parameters and facts: `lamina plan` prints it before anything runs, and a run keeps attempts
   * apart, or does not begin, that would take more memory than there is. Cheap, and
   * without the code that does the work; undefined while a fact that decides it is unknown.
   */
  cost?(query: CostQuery<NoInfer<Params>, NoInfer<I>, NoInfer<O>, NoInfer<U>>): Cost | undefined;
}

/** A stage: what it says of itself, and its work. */
export interface StageDefinition extends StageDeclaration {
  /**
   * The digest and size of its code where that is not what its version stands for; it then enters the key among the sources. Looked up anew
   * with `fresh`. Only lamina's own stages have it: the code of a user's stage always enters the key.
   */
  code?(fresh?: boolean): { digest: string; size: number } | undefined;
  /** Loads the code that does the work; kept apart so that planning never loads it. */
  run(): Promise<StageRun>;
}

/** What `cost` is asked about: the units that one attempt would do. */
export interface CostQuery<
  Params = JsonObject,
  I extends InputPorts = InputPorts,
  O extends OutputPorts = OutputPorts,
  U = JsonObject,
> {
  /** The stage's parameters. */
  params: Params;
  /** One unit (named `''` for a stage without units), or all that run together where the stage is `grouped`. */
  units: readonly Unit<[U] extends [never] ? Params : U>[];
  inputs: { readonly [K in keyof I]?: CostInput<FactsOf<I[K]['kind']>> | undefined };
  /** Facts of its own outputs, as `expect` gives them. */
  facts: OutputFacts<O>;
  /** Tokens of a record, where the data's facts do not say. */
  record_tokens: number;
}

/** An input as far as planning knows it. */
export interface CostInput<F = Facts> {
  facts: F;
  /** Which output of its stage it is: `train`. */
  output: string;
  /** Bytes of the artifacts that are read, recorded or estimated; undefined when neither is known. */
  size_bytes: number | undefined;
}

export interface Cost {
  /** Floating-point operations; a multiply-add is two. */
  flops: number;
  /** The most memory of the device that computes, at any time. */
  memory_bytes: number;
  /** Bytes read from disk or fetched; default: all bytes of the inputs. */
  read_bytes?: number | undefined;
  /** Bytes of the outputs, all units together; they stay in the store. */
  written_bytes: number;
  /** Runs of a layer on one token of each text: on a processor each takes time to begin, beside its operations. Default: none. */
  starts?: number;
  /** What was assumed, in words that can stand in a list: `300 tokens per record`. */
  assumed?: readonly string[];
}

/** What does the work: once for a stage without units, once for the batch of units of an attempt otherwise. */
export type StageRun = (context: StageContext) => Promise<void>;

/** Everything that a running stage may touch. It never sees the store, a clock or global randomness. */
export interface StageContext<
  Params = JsonObject,
  I extends InputPorts = InputPorts,
  O extends OutputPorts = OutputPorts,
  U = JsonObject,
> {
  /** The stage's parameters, validated and with defaults; paths are absolute. */
  params: Params;
  seed: number;
  numerics: Numerics;
  inputs: StageInputs<I>;
  /** Exactly one entry for a stage without units (name `''`). */
  units: [U] extends [never] ? readonly [UnitWork<Params, O>] : readonly UnitWork<U, O>[];
  progress(report: Progress): void;
  /**
   * Says, before `done`, what whoever reads the number has to know: it is shown at once, and again whenever the record is used. Kept
   * with the record of `unit`, without one with those of all units that are not done. In sentences as those of `StageDefinition.warn`.
   */
  warn(message: string, unit?: string): void;
  /** Aborted when the user stops the run; long stages save their state and throw `signal.reason`. */
  signal: AbortSignal;
}

/** The inputs of a running stage, by name; an optional one may be missing. */
export type StageInputs<I extends InputPorts> = {
  readonly [K in keyof I]: I[K] extends { readonly optional: true }
    ? StageInput<FactsOf<I[K]['kind']>> | undefined
    : StageInput<FactsOf<I[K]['kind']>>;
};

/** The files of an input. */
export interface InputFiles {
  /** Absolute paths by unit name; a stage without units has the one name `''`. */
  files: Readonly<Record<string, string>>;
}

export interface StageInput<F = Facts> extends InputFiles {
  /** SHA-256 of each file: what a stage keeps with its output where that may stand in for work on the same input. */
  digests: Readonly<Record<string, string>>;
  facts: F;
}

export interface UnitWork<Params = JsonObject, O extends OutputPorts = OutputPorts> {
  name: string;
  params: Params;
  /** Where to write each output; nothing is there before, and it is published when `done` is called. */
  outputs: { readonly [K in keyof O]: string };
  /** A folder that survives a killed attempt of the same key; for resumable state. */
  scratch: string;
  /** Call when all outputs are written and closed; `facts` are kept in the record. */
  done(facts?: OutputFacts<O>): Promise<void>;
}

export interface Progress {
  done: number;
  total: number;
  /** What is counted: `step`, `epoch`, `token`, `layer`. */
  of: string;
  /** The unit it belongs to, when the attempt has several. */
  unit?: string;
  /** A short remark: `loss 0.0132`. */
  note?: string;
  /** Numbers of this moment that are kept beside the log, to be drawn: `{ loss: 0.0132, tokens: 4096 }`. */
  measured?: Readonly<Record<string, number>>;
}

/** What the numeric stages run on; part of their key. */
export interface Numerics {
  backend: 'onnx' | 'tensorflow' | 'cpu';
  provider: 'cpu' | 'webgpu' | 'cuda';
  /** What the operands of matrix products are rounded to; everything else is float32. */
  precision: 'float32' | 'bfloat16' | 'float16';
  threads: number;
}

/** The stages that specs can use: lamina's by their names, and a user's own by the paths of their modules once a spec that uses them was read. */
export type StageRegistry = Map<string, StageDefinition>;

export type { ArtifactKind, Facts, InputPort, InputPorts, Json, JsonObject, OutputPort, OutputPorts };
