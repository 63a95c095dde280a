// Carries an attempt out in a process that knows a store and a key, and nothing of the plan or of the run that ordered it.
import { rmSync } from 'node:fs';
import { codePointer } from '../../contract/plan.ts';
import type { StageRegistry } from '../../contract/stage.ts';
import { isHubName } from '../../hub/name.ts';
import { digestCode } from '../../store/code-digest.ts';
import { makeFolder } from '../../store/make-folder.ts';
import type { StoreRecord } from '../../store/record.ts';
import type { Attempt, Store } from '../../store/store.ts';
import { UserError } from '../../util/errors.ts';
import { canonicalJson, type Json } from '../../util/json.ts';
import { AttemptClock, draftOf } from '../attempt/draft.ts';
import { jobOf } from '../attempt/job.ts';
import { JobInputs } from '../attempt/job-inputs.ts';
import { type AttemptOrder, artifactsOf, type OrderUnit, parseOrder } from '../attempt/order.ts';
import type { FromWorker, UnitDone, WorkerFailure } from '../attempt/protocol.ts';
import { valueAt } from '../survey/preimage.ts';
import { DamagedInputs } from './inputs.ts';
import { runJob } from './job.ts';

export interface CarryOutOptions {
  /** Asks the stage to stop between two steps. */
  signal: AbortSignal;
  /** Is told of progress and warnings; the records have the rest. */
  hear?: (message: FromWorker) => void;
  /** The attempt that is meant, and the submission that it was given out with: where another one has the key by now, nothing is done. */
  as?: { attempt: string; submission: string };
}

/**
 * Carries out the attempt that was opened with `key` as its first, and publishes each unit before the stage goes on; the failure, if any, as
 * data. Whoever opened the attempt holds the leases. Throws UserError when the store has no such attempt.
 */
export async function carryOut(
  key: string,
  registry: StageRegistry,
  store: Store,
  { signal, hear = () => {}, as }: CarryOutOptions,
): Promise<WorkerFailure | null> {
  const found = await store.takeUp(key);
  if (as !== undefined && (found?.attempt.id !== as.attempt || found.carrier.submission !== as.submission)) {
    return {
      reason: 'cancelled',
      message: 'the attempt was given to somebody else, or is not wanted any more',
      stack: null,
    };
  }
  const where = `the attempt at '${key}' in the store '${store.folder}'`;
  if (found === undefined) throw new UserError(`${where} is not there: it has ended, or was never begun`);
  const whole = parseOrder(found.order);
  if (whole === undefined)
    throw new UserError(`${where} was ordered by another version of lamina; run it with that one`);
  const { attempt } = found;
  const order = { ...whole, units: await unitsLeft(whole, store) };
  if (order.units.length === 0) return null;
  for (const { key } of order.units) begin(attempt, key, order, store.folder);
  const publisher = new Publisher(order, attempt, store);
  const job = await jobOf(order, attempt, store);
  return runJob(job, registry, signal, async (message) => {
    if (message.type === 'inputs-read') publisher.inputs.note(message.read);
    if (message.type === 'unit-done') await publisher.publish(message);
    else hear(message);
  });
}

/** What has no result yet: a job that was ended half-way and is begun again does not do anew what it has published. */
async function unitsLeft({ units, outputs, replace }: AttemptOrder, store: Store): Promise<readonly OrderUnit[]> {
  if (replace) return units;
  const found = await store.find(units.map(({ key }) => ({ key, shape: outputs, fresh: true })));
  const isWhole = await Promise.all(found.map((each) => each.status === 'hit' && isThere(each.record.outputs, store)));
  return units.filter((_, i) => isWhole[i] !== true);
}

/** A record whose artifacts are not whole is why its unit was ordered. */
async function isThere(outputs: StoreRecord['outputs'], store: Store): Promise<boolean> {
  for (const output of Object.values(outputs)) if ((await store.check(output, 'use')) !== undefined) return false;
  return true;
}

/** An earlier beginning may have left outputs that it did not finish, and an empty folder for state may have been swept. */
function begin(attempt: Attempt, key: string, { outputs }: AttemptOrder, folder: string): void {
  for (const [name, { extension }] of Object.entries(outputs)) {
    rmSync(attempt.output(key, name, extension), { recursive: true, force: true });
  }
  makeFolder(folder, attempt.scratch(key));
}

/** Publishes the units of one attempt, each when it is done. */
class Publisher {
  readonly inputs: JobInputs;
  readonly #order: AttemptOrder;
  readonly #attempt: Attempt;
  readonly #store: Store;
  readonly #clock = new AttemptClock();

  constructor(order: AttemptOrder, attempt: Attempt, store: Store) {
    this.inputs = new JobInputs(artifactsOf(order), store);
    this.#order = order;
    this.#attempt = attempt;
    this.#store = store;
  }

  async publish(done: UnitDone): Promise<void> {
    const unit = this.#order.units.find((each) => each.unit === done.unit);
    if (unit === undefined) throw new Error(`the attempt has no unit '${done.unit}'`);
    await this.#refuseChanged(unit);
    const doubted = await this.inputs.findDoubted();
    if (doubted.length > 0) throw new DamagedInputs(doubted.map(({ ref }) => ref));
    const made = { attempt: this.#attempt, clock: this.#clock, trusted: this.inputs.trustedBy(unit.preimage) };
    await this.#store.publish(draftOf(this.#order, unit, done, made));
  }

  /** What a parameter names may have changed while the stage read it; a commit of the hub does not. */
  async #refuseChanged({ preimage }: OrderUnit): Promise<void> {
    const { module } = this.#order;
    for (const [pointer, before] of Object.entries(preimage.sources)) {
      if (pointer === codePointer && module !== undefined) {
        if (digestCode(module).digest === before.digest) continue;
        throw new UserError('the code of the stage was changed while it ran; run again');
      }
      const path = valueAt(this.#order.params, pointer);
      if (typeof path !== 'string' || isHubName(path)) continue;
      const now = await this.#store.digestSource(path);
      if (canonicalJson({ ...now } as Json) === canonicalJson({ ...before } as Json)) continue;
      throw new UserError(`what parameter '${pointer.slice(1)}' names was changed while the stage read it; run again`);
    }
  }
}
