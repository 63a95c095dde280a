// Python's text, literals, regular expressions and random numbers, as CPython 3.11 has them.
import { describe, expect, it } from 'vitest';
import { literalValue } from '../../python/literal.ts';
import { PythonRandom } from '../../python/random.ts';
import { compileRegex } from '../../python/regex.ts';
import { codePoints, isDigit, lstrip, rstrip, split, strip } from '../../python/text.ts';
import { repr } from '../../python/value.ts';

describe('random.Random', () => {
  it('gives the 32-bit outputs of seed 1234 (methods D.3)', () => {
    const random = new PythonRandom(1234);
    expect([random.next32(), random.next32(), random.next32()]).toEqual([4150886329, 3342196574, 1892932127]);
  });

  it('samples range(7473) as seed 1234 does (methods D.3)', () => {
    const random = new PythonRandom(1234);
    expect([1, 2, 3].map(() => random.sample(7473, 5))).toEqual([
      [6374, 3610, 957, 61, 742],
      [7462, 6610, 4769, 286, 5501],
      [5677, 687, 806, 6279, 2905],
    ]);
  });

  // CPython 3.11: random.Random(0).random(), random.Random(7).sample(range(30), 8) (pool), random.Random(7).choices(range(9), k=6)
  it('draws floats, pools and choices', () => {
    expect(new PythonRandom(0).random()).toBe(0.8444218515250481);
    expect(new PythonRandom(7).sample(30, 8)).toEqual([10, 4, 12, 20, 1, 2, 17, 3]);
    const random = new PythonRandom(7);
    expect(Array.from({ length: 6 }, () => random.choice(9))).toEqual([2, 1, 5, 0, 4, 3]);
  });
});

describe('text', () => {
  it("strips Python's white space and no other", () => {
    expect(strip('\u001c\u0085 \u3000a\ufeff\u00a0\n')).toBe('a\ufeff');
    expect(lstrip(' a ')).toBe('a ');
    expect(rstrip('a , ,', ' ,')).toBe('a');
    expect(strip('xxaxx', 'x')).toBe('a');
    expect(rstrip(`${' '.repeat(100_000)}a`)).toHaveLength(100_001);
  });

  it('splits by a separator and by white space', () => {
    expect(split('a  b ', ' ')).toEqual(['a', '', 'b', '']);
    expect(split('  a  b ')).toEqual(['a', 'b']);
    expect(split('a b c', null, 1)).toEqual(['a', 'b c']);
    expect(split('a-b-c', '-', 1)).toEqual(['a', 'b-c']);
  });

  it('counts code points, not UTF-16 units', () => expect(codePoints('a😀é')).toBe(3));

  it('knows digits', () => {
    expect(['12', '٣', '²'].map(isDigit)).toEqual([true, true, true]);
    expect(['', '-1', '1.0', '½', 'a'].map(isDigit)).toEqual([false, false, false, false, false]);
  });

  it('prints as repr does', () => {
    expect(repr(["it's", 'a "b"', '\'"', '\n\t\\', '\u00a0é\u200b', null, true, 1, 1.5, 1e-7, { a: [1] }])).toBe(
      `["it's", 'a "b"', '\\'"', '\\n\\t\\\\', '\\xa0é\\u200b', None, True, 1, 1.5, 1e-07, {'a': [1]}]`,
    );
  });

  it('reads what it prints, and nothing that has to be run', () => {
    const value = ["it's", 'x\n', null, false, -2.5, ['a', { b: 1 }]];
    expect(literalValue(repr(value))).toEqual(value);
    expect(repr(literalValue(`('a' "b", '\\x41\\u00e9', ('c'))`) ?? null)).toBe("('ab', 'Aé', 'c')");
    for (const text of ['[1, a]', '__import__("os")', '[1', '', '1 2', "'a"])
      expect(literalValue(text)).toBeUndefined();
  });
});

describe('regular expressions', () => {
  const findall = (pattern: string, text: string) => compileRegex(pattern, 'test').findall(text);

  it('finds numbers as the filters of gsm8k do', () => {
    expect(findall('#### (\\-?[0-9\\.\\,]+)', 'a #### -1,234.5 b')).toEqual(['-1,234.5']);
    expect(findall('(-?[$0-9.,]{2,})|(-?[0-9]+)', 'pay $12.50 or 7.')).toEqual([
      ['$12.50', ''],
      ['7.', ''],
    ]);
  });

  it('$ also matches before a last line break', () => {
    expect(compileRegex('\\.$', 'test').remove('a.\n')).toBe('a\n');
    expect(compileRegex('\\.$', 'test').remove('a.\nb.')).toBe('a.\nb');
    expect(findall('a\\Z', 'a\n')).toEqual([]);
  });

  it('. stops at \\n alone, and not with (?s)', () => {
    expect(findall('a.*', 'a\u2028b\rc\nd')).toEqual(['a\u2028b\rc']);
    expect(compileRegex('(?s).*#### ', 'test').remove('x\ny #### 5')).toBe('5');
  });

  it('looks behind and ahead', () => {
    expect(findall('(?<=the answer is )(.*)(?=.)', 'So the answer is True.\nQ')).toEqual(['True']);
  });

  it('knows classes, words and names', () => {
    expect(findall('\\w+', 'né_1 ٣')).toEqual(['né_1', '٣']);
    expect(findall('\\bé', 'é né')).toEqual(['é']);
    expect(findall('[\\w-]+\\]', 'a-b]')).toEqual(['a-b]']);
    expect(findall('[^\\s,]+', 'a b,c')).toEqual(['a', 'b', 'c']);
    expect(findall('(?P<x>a|b)(?P=x)', 'ab bb')).toEqual(['b']);
    expect(findall('a{,2}b{x', 'aab{x')).toEqual(['aab{x']);
    expect(findall('(?i)THE', 'the')).toEqual(['the']);
    expect(compileRegex('\\s+', 'test').split(' a\u001cb ')).toEqual(['', 'a', 'b', '']);
  });

  it('refuses what cannot be translated, with its place', () => {
    expect(() => compileRegex('(', 'tasks/a.yaml:3')).toThrow(
      /^tasks\/a.yaml:3: the regular expression '\(' cannot be used/,
    );
    expect(() => compileRegex('(?>a)', 'x')).toThrow(/an atomic group \(\?>\.\.\.\) is not supported/);
  });
});
