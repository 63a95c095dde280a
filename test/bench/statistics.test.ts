// The statistics of the result tables, against values worked out by hand.
import { expect, it } from 'vitest';
import { pairedRatios, spreadOf } from '../../bench/statistics.ts';
import { median } from '../../util/statistics.ts';

it('the median of an even number of values lies between the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});

it('quartiles are linear between neighbours', () => {
  // numpy.percentile([1, 2, 3, 4], [25, 50, 75]) = [1.75, 2.5, 3.25]
  expect(spreadOf([4, 1, 3, 2])).toEqual({ low: 1.75, median: 2.5, high: 3.25 });
});

it('a moment that slows both sides alike leaves their ratio alone', () => {
  expect(pairedRatios([2, 20, 2], [1, 10, 1])).toEqual([2, 2, 2]);
});
