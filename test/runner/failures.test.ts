// What is said when something goes wrong, and what goes on regardless.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../contract/stage.ts';
import { messages, openToy, statuses, type Toy, values } from './harness.ts';
import { canMount, inMount } from './mounts.ts';
import { node, plan } from './toy-plan.ts';

/** A plan with one bad stage, one after it, and one beside it. */
function broken(use: string, params: JsonObject = {}) {
  return plan(
    node('bad[rank=8]', use, params),
    node('after', 'add', {}, { a: 'bad[rank=8]' }),
    node('end', 'add', {}, { a: 'after' }),
    node('beside', 'value', { value: 1 }),
  );
}

async function fail(use: string, params?: JsonObject) {
  const toy = await openToy();
  const outcome = await toy.run(broken(use, params), { jobs: 1 });
  const [failure] = outcome.failures;
  if (failure === undefined) throw new Error('it did not fail');
  return { toy, outcome, failure };
}

describe('a failure', () => {
  it('of the user is a sentence; what depends on it is blocked, the rest goes on', async () => {
    const { outcome, failure, toy } = await fail('refuse', { rank: 8 });
    expect(failure.message).toBe("stage 'bad' (rank=8): rank 8 is larger than the width 4");
    expect([failure.reason, failure.stack]).toEqual(['user-error', null]);
    expect(statuses(outcome, 'after')).toEqual({ '': 'blocked' });
    expect(statuses(outcome, 'end')).toEqual({ '': 'blocked' });
    expect(statuses(outcome, 'beside')).toEqual({ '': 'ran' });
    expect(outcome.status).toBe('failed');
    expect(outcome.summary).toMatchObject({ cached: 0, ran: 1, failed: 1, blocked: 2 });
    const blocked = toy.events.flatMap((event) => (event.type === 'blocked' ? [`${event.node} by ${event.by}`] : []));
    expect(blocked.sort()).toEqual(['after by bad[rank=8]', 'end by after']);
  });

  it('stops what has not started when the run is not to keep going', async () => {
    const toy = await openToy();
    const outcome = await toy.run(broken('refuse', { rank: 8 }), { jobs: 1, keepGoing: false });
    expect(statuses(outcome, 'beside')).toEqual({ '': 'blocked' });
  });

  it('that is a bug keeps its stack and its output', async () => {
    const { failure } = await fail('break');
    expect(failure.reason).toBe('bug');
    expect(failure.message).toBe(
      `stage 'bad' (rank=8): it broke, which is a bug: x is not a function; its output is in '${failure.log}'`,
    );
    expect(failure.stack).toContain('TypeError');
    expect(readFileSync(failure.log as string, 'utf8')).toContain('TypeError: x is not a function');
  });

  it.each([
    [
      { signal: 'SIGKILL' },
      'its worker process was killed (SIGKILL), most likely because memory ran out; run fewer jobs at once (-j 1) or smaller batches',
    ],
    [{ signal: 'SIGSEGV' }, 'its worker process crashed (SIGSEGV)'],
    [{ code: 3 }, 'its worker process ended with exit code 3'],
  ])('of a worker process that dies by %j ends the attempt, not the run', async (how, what) => {
    const { failure, outcome } = await fail('die', how);
    expect(failure.reason).toBe('worker-died');
    expect(failure.message).toContain(`stage 'bad' (rank=8): ${what}`);
    expect(statuses(outcome, 'beside')).toEqual({ '': 'ran' });
  });

  it('names a log only where the worker wrote one', async () => {
    const { failure } = await fail('die', { code: 3 });
    expect(readFileSync(failure.log as string, 'utf8')).toContain('last words');
    expect((await fail('refuse', { rank: 8 })).failure.log).toBeNull();
  });

  it('of a stage that writes nothing is seen', async () => {
    const [silent, forget] = [await fail('silent'), await fail('forget')];
    expect(silent.failure.message).toBe(
      "stage 'bad' (rank=8): it returned without calling done for unit ''; this is a bug in the stage",
    );
    expect(forget.failure.message).toBe(
      "stage 'bad' (rank=8): output 'out' was not written; this is a bug in the stage",
    );
    expect(forget.failure.reason).toBe('output-missing');
  });

  it('in a group keeps the units that were finished before', async () => {
    const toy = await openToy();
    const group = (params: JsonObject) => plan(node('g', 'group', { parts: 4, ...params }));
    const outcome = await toy.run(group({ crash_at: 3 }));
    expect(statuses(outcome, 'g')).toEqual({
      'part 1': 'ran',
      'part 2': 'ran',
      'part 3': 'failed',
      'part 4': 'failed',
    });
    expect(outcome.failures).toHaveLength(1);
    expect(outcome.failures[0]?.units).toEqual(['part 3', 'part 4']);
    expect(messages(outcome)[0]).toContain("stage 'g', 2 units: its worker process was killed (SIGKILL)");
    toy.worked();
    expect(await values(await toy.run(group({})), 'g')).toEqual(['1', '2', '3', '4']);
    expect(toy.worked()).toEqual(['group part 3', 'group part 4']);
  });

  it('leaves nothing half-published, and the next run does only what is missing', async () => {
    const { toy } = await fail('die', { code: 3 });
    expect(filesBelow(toy, 'cas')).toHaveLength(1);
    expect(filesBelow(toy, 'leases')).toEqual([]);
    toy.worked();
    const outcome = await toy.run(broken('value', { value: 5 }));
    expect(await values(outcome, 'end')).toEqual(['5']);
    expect(toy.worked().sort()).toEqual(['add', 'value']);
  });
});

describe('a store that cannot be written', () => {
  const big = plan(node('small', 'value', { value: 1 }), node('big', 'big', { bytes: 3_000_000 }));

  it.skipIf(!canMount())('is full: the sentence names it, and what was finished stays', () => {
    const { stdout } = inMount('size=2m', 'exec "$2" "$3" "$1/store" "$4" 1', big); // one after the other: both at once could meet the full disk
    const outcome = JSON.parse(stdout);
    const [failure] = outcome.failures;
    expect(outcome.failures).toHaveLength(1);
    expect(failure.reason).toBe('no-space');
    expect(failure.message).toMatch(
      /^stage 'big': the disk is full while writing into the store '.*store': free space there, or choose another folder with --store$/,
    );
    expect(outcome.summary).toMatchObject({ ran: 1, failed: 1 });
  });

  it.skipIf(!canMount())('is read-only: that is said before anything runs', () => {
    const { stdout } = inMount('ro', '"$2" "$3" "$1/store" "$4" 2>&1 || true', big);
    expect(stdout).toMatch(
      /StoreWriteError: cannot write anything into the store '.*store': the file system is read-only; choose another folder with --store/,
    );
  });
});

function filesBelow(toy: Toy, folder: string): string[] {
  const entries = readdirSync(join(toy.folder, folder), { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
}
