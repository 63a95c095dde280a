// "did you mean": near names are found, far ones are not.
import { expect, test } from 'vitest';
import { didYouMean, editDistance, expectedNames, nearest } from '../../located/nearest.ts';

test.each([
  ['slww', ['sft', 'slw'], 'slw'],
  ['rnak', ['rank', 'type'], 'rank'],
  ['bse', ['base', 'data'], 'base'],
  ['activ', ['metrics', 'activations'], 'activations'],
  ['Max-Length', ['max_length'], 'max_length'],
  ['blah', ['slw', 'sft', 'load'], undefined],
  ['ab', ['abc', 'abd'], 'abc'],
  ['tuned_pl', ['tuned', 'tuned_ppl'], 'tuned_ppl'],
  ['x', [], undefined],
])('%s of %j is %s', (name, candidates, expected) => {
  expect(nearest(name, candidates)).toBe(expected);
});

test('edits are insertions, deletions, substitutions and swaps of neighbours', () => {
  expect(editDistance('', 'abc')).toBe(3);
  expect(editDistance('abcd', 'acbd')).toBe(1);
  expect(editDistance('kitten', 'sitting')).toBe(3); // the textbook example of Levenshtein's distance
});

test('what was typed is never what was meant', () => {
  expect(didYouMean('small', ['small'])).toBe('');
  expect(didYouMean('small', ['small', 'smell'])).toBe(" (did you mean 'smell'?)");
  expect(expectedNames('small', ['small'], 'it has none')).toBe(', it has none');
  expect(expectedNames('small', ['small', 'zzz'], 'it has none')).toBe(", expected 'zzz'");
});

test.each([
  ['sm\u0430ll', 'small', "character 3 is U+0430, there 'a'"],
  ['small', 'sm\u0430ll', "character 3 is 'a', there U+0430"],
  ['small\u200b', 'small', 'character 6 is U+200B, there none'],
  ['small', 'small\u200b', 'character 6 is none, there U+200B'],
  ['a\u00a0b', 'a b', "character 2 is U+00A0, there ' '"],
  ['caf\u00e9', 'cafe\u0301', "character 4 is U+00E9, there 'e'"],
  ['\u200b\u200b\u200b\u200bx', 'x', "character 1 is U+200B, there 'x'"],
])('names that look alike are told apart: %j for %j', (given, known, difference) => {
  expect(didYouMean(given, ['zzz', known])).toBe(` (did you mean '${known}'? ${difference})`);
});

test('when nothing is near, all names are listed, up to a dozen', () => {
  expect(expectedNames('zzz', ['a', 'b', 'c'], 'there are none')).toBe(", expected 'a', 'b' or 'c'");
  expect(expectedNames('zzz', [], 'there are none')).toBe(', there are none');
  const many = Array.from({ length: 14 }, (_, i) => `name${i}`);
  expect(expectedNames('zzz', many, '')).toMatch(/'name11' or 2 more$/);
});
