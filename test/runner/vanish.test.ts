// A store that goes away, or refuses, while a run is at work: one sentence that names it, and nothing in its place.
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { asWriteError, StoreWriteError } from '../../store/write-error.ts';
import { emptyFolder } from '../store/drafts.ts';
import { messages, openToy, statuses } from './harness.ts';
import { canMount, inMount } from './mounts.ts';
import { startRun } from './processes.ts';
import { node, plan } from './toy-plan.ts';

describe('a store whose folder is removed while stages run', () => {
  it.each([1, 2])('is named once, with -j %i, and is not made again', async (jobs) => {
    const [store, file] = [join(emptyFolder(), 'store'), join(emptyFolder(), 'go')];
    const stages = ['a', 'b', 'c'].map((id) => node(id, 'until', { file, value: id }));
    const run = startRun(store, plan(...stages, node('after', 'sha', {}, { a: 'a' })), { jobs });
    await run.saw('unit-started', jobs);
    rmSync(store, { recursive: true });
    writeFileSync(file, '');
    const { code, outcome, err } = await run.ended;
    expect([code, err]).toEqual([0, '']);
    expect(outcome?.failures.map(({ reason }) => reason)).toEqual(['store-gone']);
    expect(outcome?.failures[0]?.message).toMatch(
      /^stage '[ab]': cannot write .* into the store '.*store': its folder is gone, removed or unmounted while lamina used it; run again to begin anew, or choose another folder with --store$/,
    );
    expect(outcome?.summary).toMatchObject({ ran: 0, failed: 1, blocked: 3 });
    expect(existsSync(store)).toBe(false);
  });

  it('before anything runs is named too', async () => {
    const toy = await openToy();
    rmSync(toy.folder, { recursive: true });
    const outcome = await toy.run(plan(node('a', 'value', { value: 1 }), node('b', 'value', { value: 2 })));
    expect(messages(outcome)).toEqual([
      `stage 'a': cannot write a lease into the store '${toy.folder}': its folder is gone, removed or unmounted while lamina used it; run again to begin anew, or choose another folder with --store`,
    ]);
    expect(statuses(outcome, 'b')).toEqual({ '': 'blocked' });
    expect(existsSync(toy.folder)).toBe(false);
  });

  it('can be used again at once, where only what is in it was removed', async () => {
    const toy = await openToy();
    for (const name of readdirSync(toy.folder)) rmSync(join(toy.folder, name), { recursive: true });
    expect((await toy.run(plan(node('a', 'value', { value: 1 })))).status).toBe('done');
    const again = await openToy(toy.folder);
    expect((await again.run(plan(node('a', 'value', { value: 1 })))).summary).toMatchObject({ cached: 1 });
  });
});

describe('a store that refuses', () => {
  it.skipIf(!canMount())('the folders of attempts is named, and the stage is not blamed', () => {
    const script = [
      '"$2" "$3" "$1/store" "$4" > /dev/null',
      'mount --bind "$1/store/attempts" "$1/store/attempts" && mount -o remount,bind,ro "$1/store/attempts"',
      'sed "s/\\"value\\":1/\\"value\\":2/" "$4" > "$4.2" && "$2" "$3" "$1/store" "$4.2"',
    ].join('\n');
    const { stdout } = inMount('size=2m', `{ ${script}\n}`, plan(node('a', 'value', { value: 1 })));
    const [failure] = JSON.parse(stdout).failures;
    expect(failure).toMatchObject({ reason: 'store-error', stack: null });
    expect(failure.message).toMatch(
      /^stage 'a': cannot write the folder of an attempt into the store '.*store': the file system is read-only; choose another folder with --store$/,
    );
  });

  it.each([
    ['EIO', 'the disk reports an error; check it, or choose another folder with --store'],
    ['EMFILE', 'too many open files; raise the limit (ulimit -n) or run fewer jobs with -j'],
    ['EPERM', 'the operation is not permitted there; choose another folder with --store'],
    ['ESTALE', 'the system says ESTALE; choose another folder with --store'],
  ])('with %s has a sentence for it', (code, way) => {
    const refusal = Object.assign(new Error('x'), { code, syscall: 'mkdir' });
    const told = asWriteError('/s', 'a lease', refusal);
    expect(told).toBeInstanceOf(StoreWriteError);
    expect((told as Error).message).toBe(`cannot write a lease into the store '/s': ${way}`);
  });
});
