// Regular expressions of tokenizers: what cannot be said in JavaScript is refused by its name.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readPattern } from '../../formats/tokenizer/matcher.ts';
import { Options } from '../../formats/tokenizer/options.ts';
import { UserError } from '../../util/errors.ts';

const find = (pattern: string) => readPattern(new Options('split', { pattern: { Regex: pattern } }));

describe('a pattern that lamina cannot read as Oniguruma does', () => {
  it.each([
    ['(a)\\1', "'\\1'"],
    ['a\\Kb', "'\\K'"],
    ['\\R', "'\\R'"],
    ['(?x)a b', "the option 'x'"],
    ['(?~abc)', "a group that begins with '(?~a'"],
    ['(?<=(?>a))b', 'an atomic group in a look-behind'],
    ['(?:a+)*', "'*' after what repeats without end itself"],
    ['a+*', "'*' after a quantifier"],
    ['*a', "'*' that repeats nothing"],
    ['(a', "a '(' without its ')'"],
    ['a)', "a ')' that closes nothing"],
    ['[a', "a '[' without its ']'"],
    ['[]', "a '[' without its ']'"],
    ['[b-a]', 'a range that runs backwards'],
    ['[\\d-z]', 'a range that begins with a set'],
    ['[[:alpha:]]', "the class '[:alpha:]'"],
    ['\\p{Klingon}', "the property 'Klingon'"],
    ['\\x{110000}', "the character '\\x{110000}'"],
    ['(?i:ß)', "'ß' where case is ignored"],
    ['(?i:ss)', "'ss' where case is ignored"],
    ['(?i)f(?:i)', "'fi' where case is ignored"],
    ['(?i:\\p{Lu})', "'\\p{Lu}' where case is ignored"],
    ['a\\', 'an end where more is expected'],
  ])('%s', (pattern, reason) => {
    const sentence = `split: lamina cannot read ${reason} in the pattern ${JSON.stringify(pattern)}; use another tokenizer, or write the pattern without it`;
    expect(() => find(pattern)).toThrow(new UserError(sentence));
  });

  it('of any characters is read or refused', () => {
    const sign = fc.constantFrom(...'()[]{}^$.|*+?\\-&:=!<>~#', 'a', 'i', 'p', 'x', '1', ',', 'é', '🚀', ' ');
    fc.assert(
      fc.property(fc.array(sign, { maxLength: 12 }), (signs) => {
        try {
          expect(find(signs.join(''))('aé1🚀 ').every(Number.isInteger)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('where a pattern is found', () => {
  it('nothing is found right behind something, and once between others', () => {
    expect(find('x*')('axxb')).toEqual([0, 0, 1, 3, 4, 4]);
    expect(find('')('🚀a')).toEqual([0, 0, 2, 2, 3, 3]);
    expect(find('a*')('')).toEqual([]);
  });

  it('what is matched once for all is not given back', () => {
    expect(find('a++a')('aaa')).toEqual([]);
    expect(find('(?>a|ab)c')('abc')).toEqual([]);
    expect(find('a+a')('aaa')).toEqual([0, 3]);
  });
});
