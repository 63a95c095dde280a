// "did you mean": near names are found, far ones are not.
import { expect, test } from 'vitest';
import { editDistance, expectedNames, nearest } from '../../spec/nearest.ts';

test.each([
  ['slww', ['sft', 'slw'], 'slw'],
  ['rnak', ['rank', 'type'], 'rank'],
  ['bse', ['base', 'data'], 'base'],
  ['activ', ['metrics', 'activations'], 'activations'],
  ['Max-Length', ['max_length'], 'max_length'],
  ['blah', ['slw', 'sft', 'load'], undefined],
  ['ab', ['abc', 'abd'], 'abc'],
  ['x', [], undefined],
])('%s of %j is %s', (name, candidates, expected) => {
  expect(nearest(name, candidates)).toBe(expected);
});

test('edits are insertions, deletions, substitutions and swaps of neighbours', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abcd', 'acbd')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3); // the textbook example of Levenshtein's distance
});

test('when nothing is near, all names are listed, up to a dozen', () => {
  expect(expectedNames('zzz', ['a', 'b', 'c'], 'there are none')).toBe(", expected 'a', 'b' or 'c'");
  expect(expectedNames('zzz', [], 'there are none')).toBe(', there are none');
  const many = Array.from({ length: 14 }, (_, i) => `name${i}`);
  expect(expectedNames('zzz', many, '')).toMatch(/'name11' or 2 more$/);
});
