// The cache key: what a result depends on, field by field, and the digest taken over it.
import type { Json, JsonObject, Numerics } from '../contract/stage.ts';
import { canonicalJson } from '../util/json.ts';
import { type BlobRef, sha256 } from './digest.ts';

/** Everything that a result depends on by contract. What is not here never causes a rerun, and never hides one. */
export interface KeyPreimage {
  /** The kind of this object and the version of its layout: a new layout can never meet an old key. */
  t: 'action/1';
  /** Which stage definition does the work. */
  stage: string;
  /** Raised by the stage's author when the same inputs would give other bytes. */
  version: number;
  /** The values that the work is done with; a unit's own, where the stage has units. Paths are taken out. */
  params: JsonObject;
  /** The bytes that it reads from other stages. Not which stage made them: equal bytes stop the wave of reruns. */
  inputs: Readonly<Record<string, InputDigest>>;
  /** The bytes of files and folders that parameters name, by JSON pointer into the parameters; where they lie is no matter. */
  sources: Readonly<Record<string, BlobRef>>;
  /** Only where the stage draws random numbers. */
  seed?: number;
  /** Only where arithmetic decides the bytes: another backend, provider, precision or thread count rounds otherwise. */
  numerics?: Numerics;
  /** Only where the stage has units: two units may have equal parameters and read different parts of an input. */
  unit?: string;
}

/** One artifact, or the artifacts of the units that are read, by unit name. */
export type InputDigest = BlobRef | { readonly units: Readonly<Record<string, BlobRef>> };

/** The cache key of a pre-image: 64 hexadecimal digits. */
export function cacheKey(preimage: KeyPreimage): string {
  return sha256(preimageText(preimage));
}

/** The canonical text of a pre-image, over which its key is taken. */
export function preimageText(preimage: KeyPreimage): string {
  return canonicalJson(preimage as unknown as Json);
}
