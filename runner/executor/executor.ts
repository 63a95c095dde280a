// Where attempts are carried out: what a run knows of it, whether that is processes of this machine or the queue of a cluster.
import type { Resources } from '../../contract/plan.ts';
import type { JsonObject } from '../../contract/stage.ts';
import type { Attempt } from '../../store/store.ts';
import type { AttemptOrder } from '../attempt/order.ts';
import type { FromWorker, WorkerFailure } from '../attempt/protocol.ts';

/** What an attempt takes. */
export interface Need {
  /** The stage's name in the pipeline. */
  stage: string;
  /** Infinite for a timing, beside which nothing may run. */
  threads: number;
  /** As its stage declares or estimates it; 0 where neither is known. */
  memory_bytes: number;
  /** What was declared; `memory_bytes` of these is a limit, and no estimate. */
  resources: Resources;
  /** Work of one kind of numerics is never done where another kind was; undefined: it uses none. */
  kind: string | undefined;
}

/** What an executor says of itself. */
export interface ExecutorAbout {
  /** In one word, for people: `local`. */
  name: string;
  /** How many attempts it takes at once. */
  at_once: number;
}

/**
 * Carries attempts out. What becomes of a unit is decided by its record in the store, not by what is said here: an end of any type may
 * come with all records published, and a record may be there although the end is `lost`.
 */
export interface Executor {
  readonly about: ExecutorAbout;
  /** Waits until there is room for one more attempt; the first by `order`, the place in the plan (node, unit), comes first. */
  room(need: Need, order: readonly [number, number]): Promise<Room>;
  /** Asks all attempts to stop between two steps and to keep their state; what is given afterwards is not begun. */
  takeBack(): void;
  /** Ends all attempts at once. */
  stop(): void;
  /** Lets go of what it holds, when no attempt is left. */
  close(): Promise<void>;
}

/** Room for one attempt, which is given or not. */
export interface Room {
  /**
   * Carries out one attempt: the store has its folders and its order, the leases of its keys are held. Its output goes to the attempt's
   * log. Whoever carries it out either says each `unit-done` and leaves the rest to the listener, or publishes by itself.
   */
  give(attempt: Attempt, order: AttemptOrder, hear: (event: ExecutorEvent) => void): Promise<AttemptEnd>;
  /**
   * Waits for an attempt that another process gave out, by the carrier that was noted then, as if it had been given here; undefined where it
   * is none of this executor's.
   */
  attach?(attempt: Attempt, carrier: JsonObject, hear: (event: ExecutorEvent) => void): Promise<AttemptEnd> | undefined;
  /** Asks the attempt that was given to stop, and ends it where it has not done so after `grace_ms`; its end is then told as any other. */
  end(grace_ms: number): void;
  leave(): void;
}

/** What happens to an attempt until its end. */
export type ExecutorEvent =
  | {
      type: 'started';
      /** Who carries it out, for people and to tell one from another: `process 4711`. */
      where: string;
      /** The same as data that outlives this process: whoever finds the attempt left behind can end it by that. */
      carrier: JsonObject;
    }
  /** It waits for its turn again, through no fault of its own; another `started` follows. */
  | { type: 'put-back' }
  | Exclude<FromWorker, { type: 'end' }>;

/**
 * How an attempt ended. `lost`: whatever carried it out is gone, and `message` says what is known of that; `limit` is the one that it
 * went beyond, where it was ended for that.
 */
export type AttemptEnd =
  | { type: 'finished' }
  | { type: 'failed'; failure: WorkerFailure }
  | { type: 'lost'; message: string; limit?: 'memory' | 'time' };
