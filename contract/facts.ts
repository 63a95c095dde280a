// What the record of an artifact says of it, by kind: what planning knows without opening it, and what stages read of each other.
import type { JsonObject } from '../util/json.ts';
import type { ArtifactKind } from './ports.ts';

/** Small JSON that a record keeps about an artifact, for planning without opening it (`layers`, `records`, ...). */
export type Facts = JsonObject;

/**
 * Facts by the kind of the artifact. Each may be missing, as long as it is not known or where it says nothing; whatever else a stage
 * keeps in its record is {@link Facts} to all others.
 */
export interface FactsOfKind {
  checkpoint: CheckpointFacts;
  recovery: RecoveryFacts;
  exit: ExitFacts;
  activations: ActivationsFacts;
  states: StatesFacts;
  dataset: DatasetFacts;
  tasks: TasksFacts;
  metrics: Facts;
  table: Facts;
  file: FileFacts;
}

/** Of a model: its sizes, named as in Hugging Face's config.json but for `layers`, `heads`, `kv_heads` and `tied`. */
export type CheckpointFacts = {
  readonly layers?: number;
  readonly hidden_size?: number;
  readonly intermediate_size?: number;
  /** MLP width of each layer where they differ. */
  readonly intermediate_sizes?: readonly number[];
  readonly vocab_size?: number;
  readonly heads?: number;
  readonly kv_heads?: number;
  readonly head_dim?: number;
  readonly tied?: boolean;
  /** Bytes of a stored weight. */
  readonly weight_bytes?: number;
  /** Layers that are stored, where some run another's block. */
  readonly stored_layers?: number;
  /** Of each layer, one that runs the same block: equal numbers are one stored block. */
  readonly sources?: readonly number[];
  /** Of each layer, the layer of the original model in whose place it stands, where these are other layers. */
  readonly origins?: readonly number[];
  /** How `quantize` is going to store it. */
  readonly quantize?: QuantizeFacts;
};

/** The settings of `quantize` that decide which codes a model will have. */
export type QuantizeFacts = {
  readonly scheme: 'float' | 'rtn' | '8da4w' | 'nf4' | 'gptq' | '8da4w-gptq';
  readonly bits: 4 | 8;
  readonly symmetric: boolean;
  readonly group_size: number;
  readonly scale_dtype: 'F32' | 'F16';
  readonly block_size: number;
  readonly double_quant: boolean;
  readonly embedding_bits: 32 | 8 | 4;
  readonly embedding_group_size: number;
};

/** Of replacements and their recovery parameters. */
export type RecoveryFacts = {
  /** `3:4; 5:6` (reference:targets). */
  readonly map?: string;
  /** MLPs that are not stored. */
  readonly targets?: number;
  readonly recovery_parameters?: number;
  /** The lowest layer that has recovery parameters. */
  readonly first_layer?: number;
  /**
   * The lowest layer of which anything is not the original model's. Only what a stage expects says it, never a record: what is chosen by it
   * is the same before the recovery exists and after.
   */
  readonly first_replaced?: number;
  /** The range of layers (from 1) that run side by side, two by two; said by what a stage expects. */
  readonly parallel?: { readonly first: number; readonly last: number; readonly variant: string };
  /** How many layers have MLPs that are cut into experts; said by what a stage expects. */
  readonly routing?: { readonly layers: number; readonly experts: number; readonly active: number };
  /** Numbers of the routers. */
  readonly router_parameters?: number;
  /** Layers whose MLPs contribute nothing. */
  readonly pruned?: readonly number[];
};

/** Of a description of when a model stops early. */
export type ExitFacts = {
  /** The layers (from 1) after which a token may stop. */
  readonly exits?: readonly number[];
  readonly confidence?: string;
};

/** Of captured inputs of MLPs. */
export type ActivationsFacts = {
  /** Precision on disk. */
  readonly dtype?: 'F32' | 'F16';
  readonly tokens?: number;
  readonly records?: number;
};

/** Of hidden states between two layers. */
export type StatesFacts = ActivationsFacts;

/** Of records; a stage that splits them names the number in each of its outputs. */
export type DatasetFacts = {
  readonly records?: number;
  readonly train?: number;
  readonly eval?: number;
  /** Mean tokens of a record. */
  readonly record_tokens?: number;
  /** No record has more, where that is known. */
  readonly longest_tokens?: number;
};

/** Of the records of tasks: those that are scored, of all tasks together, and how many tasks there are. */
export type TasksFacts = { readonly records?: number; readonly tasks?: number };

/** Of a file of any form; of a tokenizer.json, its size. */
export type FileFacts = { readonly vocab_size?: number };

/** The facts of one kind; of any kind, where none in particular is meant. */
export type FactsOf<K extends ArtifactKind> = [ArtifactKind] extends [K] ? Facts : FactsOfKind[K];

/** The facts of a record whose outputs are of these kinds, and whatever else there is to say. */
export type FactsOfKinds<K extends ArtifactKind> = [ArtifactKind] extends [K] ? Facts : Facts & Joined<FactsOfEach<K>>;

type FactsOfEach<K> = K extends ArtifactKind ? FactsOfKind[K] : never;

/** `A & B` of `A | B`. */
type Joined<U> = (U extends unknown ? (each: U) => void : never) extends (all: infer All) => void ? All : never;
