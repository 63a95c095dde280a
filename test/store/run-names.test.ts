// Names of runs: numbered ones, and those of before they were numbered.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareRunNames, isRunName, runName, runNumber, runsMeant, runTime } from '../../store/runs/run-names.ts';

const start = new Date('2026-11-22T15:02:11.987Z');

describe('the name of a run', () => {
  it('is its number and its start', () => {
    expect(runName(17, start)).toBe('17-2026-11-22T15-02-11Z');
    expect(runNumber('17-2026-11-22T15-02-11Z')).toBe(17);
    expect(runTime('17-2026-11-22T15-02-11Z')).toBe('2026-11-22T15:02:11Z');
    expect(runNumber('2026-11-22T15-02-11Z-2')).toBeNull();
    expect(runTime('2026-11-22T15-02-11Z-2')).toBe('2026-11-22T15:02:11Z');
  });

  it.each(['', 'x', '17', '17-', 'notes.txt', '2026-11-22', '1-2026-11-22T15-02-11Z-2', '1.5-2026-11-22T15-02-11Z'])(
    'is not %j',
    (name) => {
      expect(isRunName(name)).toBe(false);
    },
  );
});

describe('the order of runs', () => {
  it('is that of their numbers, whatever the clock said; those without a number come first, by their time', () => {
    const inOrder = [
      '2026-11-21T15-02-11Z',
      '2026-11-22T15-02-11Z',
      '2026-11-22T15-02-11Z-2',
      '2026-11-22T15-02-11Z-10',
      '1-2026-11-22T16-00-00Z',
      '2-2026-11-22T15-00-00Z',
      '9-1999-01-01T00-00-00Z',
      '10-2026-11-22T15-00-00Z',
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(inOrder, { minLength: inOrder.length }), (names) => {
        expect(names.sort(compareRunNames)).toEqual(inOrder);
      }),
    );
  });
});

describe('what a user writes for a run', () => {
  const names = [
    '2026-11-21T15-02-11Z',
    '2-2026-11-22T15-00-00Z',
    '17-2026-11-22T15-02-11Z',
    '2026-2027-01-01T00-00-00Z',
  ];
  it.each([
    ['17', ['17-2026-11-22T15-02-11Z']],
    ['1', []],
    ['17-2026', ['17-2026-11-22T15-02-11Z']],
    ['2026-11-22T15', ['2-2026-11-22T15-00-00Z', '17-2026-11-22T15-02-11Z']],
    ['2026-11-21', ['2026-11-21T15-02-11Z']],
    ['2026', ['2026-2027-01-01T00-00-00Z']],
    ['202', ['2026-11-21T15-02-11Z', '2-2026-11-22T15-00-00Z', '17-2026-11-22T15-02-11Z', '2026-2027-01-01T00-00-00Z']],
    ['HEAD', []],
  ])('%s', (wanted, meant) => {
    expect(runsMeant(names, wanted)).toEqual(meant);
  });
});
