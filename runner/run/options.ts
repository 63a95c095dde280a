import type { Numerics } from '../../contract/stage.ts';
import type { SourceRef } from '../../store/hub-source.ts';
import type { UserError } from '../../util/errors.ts';
import type { Executor } from '../executor/executor.ts';
import type { RunEvent } from '../survey/events.ts';
import type { UnitState } from '../survey/graph.ts';
import type { Survey } from '../survey/survey.ts';

/** How long a stage that is asked to stop may take to keep its state. */
export const usualGrace_ms = 10_000;

export interface RunOptions {
  /** Where attempts are carried out. */
  executor: Executor;
  /** Go on with what does not depend on a failure; true by default. */
  keepGoing?: boolean | undefined;
  /** How often units are tried again whose attempt failed; 0 by default. */
  retries?: number | undefined;
  /** How long an attempt may take, from when it is begun; no limit by default. */
  timeout_ms?: number | undefined;
  /** Stops gently: nothing new starts, running stages are asked to stop and are ended after `grace_ms`. */
  signal?: AbortSignal | undefined;
  /** Stops at once: ends all attempts. Abort `signal` before. */
  kill?: AbortSignal | undefined;
  grace_ms?: number | undefined;
  /** May refuse to begin, by throwing a UserError, when it has seen what is there and what would run. */
  gate?: ((survey: Survey) => Promise<void>) | undefined;
  /** What names on the hub mean, where that is settled beforehand. */
  pins?: ReadonlyMap<string, Promise<SourceRef>> | undefined;
  /** Why a unit whose key is known may not be answered or made, in a sentence; undefined where it may. */
  refuses?: ((unit: UnitState) => string | undefined) | undefined;
  /** Why the store cannot be written to; thrown where something has to run, for then it must. */
  refusal?: UserError | undefined;
  /** Asked once, when something numeric is left to run, before anything does. Throws UserError where the engine is not to be had here. */
  checkEngine?: ((numerics: Numerics) => Promise<void>) | undefined;
  onEvent?: ((event: RunEvent) => void) | undefined;
  /** Kept in the records as observed: `{ lamina: '0.1.0', node: ... }`. */
  versions?: Readonly<Record<string, string>> | undefined;
}
