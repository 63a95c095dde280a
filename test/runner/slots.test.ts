import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { type Share, Slots } from '../../runner/executor/slots.ts';

const small: Share = { threads: 1, memory_bytes: 0 };

/** Takes slots under names; `started` lists who has one, in order. */
function taker(slots: Slots) {
  const started: string[] = [];
  const releases = new Map<string, () => void>();
  const take = (name: string, order: [number, number], need: Share = small) => {
    void slots.take(order, need).then((release) => {
      started.push(name);
      releases.set(name, release);
    });
  };
  const release = (name: string) => releases.get(name)?.();
  return { started, take, release };
}

describe('slots', () => {
  it('go to what comes first in the plan, not to who asked first', async () => {
    const { started, take, release } = taker(new Slots(1, { threads: 4, memory_bytes: 1 }));
    take('c', [2, 0]);
    take('b', [1, 5]);
    take('a', [1, 3]);
    for (const name of ['a', 'b', 'c']) {
      await nextTurn();
      await nextTurn();
      expect(started.at(-1)).toBe(name);
      release(name);
    }
  });

  it('share threads and memory, and never pass the first in the queue', async () => {
    const { started, take, release } = taker(new Slots(4, { threads: 4, memory_bytes: 100 }));
    take('a', [0, 0], { threads: 3, memory_bytes: 0 });
    take('wide', [1, 0], { threads: 2, memory_bytes: 0 });
    take('small', [2, 0]);
    await nextTurn();
    await nextTurn();
    expect(started).toEqual(['a']);
    release('a');
    await nextTurn();
    await nextTurn();
    expect(started).toEqual(['a', 'wide', 'small']);
    take('large', [3, 0], { threads: 1, memory_bytes: 100 });
    take('other', [4, 0], { threads: 0, memory_bytes: 1 });
    await nextTurn();
    await nextTurn();
    expect(started).toEqual(['a', 'wide', 'small', 'large']);
  });

  it('give everything to one who wants more than there is', async () => {
    const { started, take } = taker(new Slots(2, { threads: 2, memory_bytes: 100 }));
    take('huge', [0, 0], { threads: 64, memory_bytes: 1e12 });
    take('next', [1, 0]);
    await nextTurn();
    await nextTurn();
    expect(started).toEqual(['huge']);
  });
});
