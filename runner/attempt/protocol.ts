// The messages between the runner and its worker processes.
import type { Facts, JsonObject, Numerics, Progress, StageInput } from '../../contract/stage.ts';
import type { BlobRef } from '../../store/digest.ts';
import type { Observed } from '../../store/record.ts';

/** One attempt: everything that a worker needs to run a stage. */
export interface Job {
  type: 'job';
  id: string;
  /** The stage definition's name. */
  use: string;
  /** The module of the definition, where it is a stage of the user's own. */
  module?: string | undefined;
  params: JsonObject;
  seed: number;
  numerics: Numerics;
  inputs: Readonly<Record<string, StageInput>>;
  /** Every file that is among the inputs, once, with what it has to be. */
  artifacts: readonly JobArtifact[];
  units: readonly JobUnit[];
}

/** A file that the worker reads over before the stage sees it. */
export interface JobArtifact extends BlobRef {
  path: string;
  /** What the file system said of it when it was last read over, not long ago: while it still does, it need not be read again. */
  known: string | null;
}

export interface JobUnit {
  unit: string;
  params: JsonObject;
  /** Output name to the path where it is to be written. */
  outputs: Readonly<Record<string, string>>;
  scratch: string;
  /** Where numbers that the stage reports are noted, to be drawn. */
  trace: string;
}

export type ToWorker = Job | { type: 'abort'; id: string };

/** All inputs are whole; these were read over just now, the others are trusted. */
export interface InputsRead {
  type: 'inputs-read';
  id: string;
  read: readonly (BlobRef & { identity: string })[];
}

/** What the worker wrote, hashed by it after fsync: the runner never guesses from a directory listing. */
export interface UnitDone {
  type: 'unit-done';
  id: string;
  unit: string;
  outputs: Readonly<Record<string, BlobRef>>;
  facts: Facts;
  /** What the stage said with `warn` of this unit, each sentence once. */
  warnings: readonly string[];
  /** What it was computed with. */
  observed: Observed;
  peak_rss_bytes: number;
}

export interface WorkerFailure {
  reason: 'user-error' | 'bug' | 'output-missing' | 'no-space' | 'cancelled' | 'input-damaged';
  /** Without the name of stage, cell and unit, which the runner adds. */
  message: string;
  stack: string | null;
  /** The artifacts that are not what they have to be, where that is the reason. */
  damaged?: readonly BlobRef[];
}

export type FromWorker =
  | { type: 'progress'; id: string; report: Progress }
  | { type: 'warning'; id: string; message: string }
  | InputsRead
  | UnitDone
  | { type: 'end'; id: string; failure: WorkerFailure | null };
