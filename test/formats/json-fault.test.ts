// What JSON does not allow is found and told without JSON.parse, whose words differ between releases of Node.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findJsonFault, jsonFault } from '../../formats/text/json-fault.ts';
import { parseStrictJson } from '../../formats/text/strict-json.ts';
import { damagedBytes, damagedJson } from './mutate.ts';

const isJson = (text: string) => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

describe('a text that is not JSON', () => {
  it.each([
    ['', 'nothing'],
    [' \n', 'nothing'],
    ['{"a": [1, 2', 'text that ends too early'],
    ['{"a"', 'text that ends too early'],
    ['"abc', 'text that ends too early'],
    ['["\\u00', 'text that ends too early'],
    ['{"a": tru', 'text that ends too early'],
    ['{"a": -', 'text that ends too early'],
    ['{"a": 1.5e-', 'text that ends too early'],
    ['<!DOCTYPE html>\n<html></html>', "a page of HTML or XML (it begins with '<')"],
    ['\n<?xml version="1.0"?>', "a page of HTML or XML (it begins with '<')"],
    ['{"a": NaN}', "text that is not JSON from column 7 on (JSON has no value 'NaN')"],
    ['[1, Infinity]', "text that is not JSON from column 5 on (JSON has no value 'Infinity')"],
    ['[1, -Infinity]', "text that is not JSON from column 5 on (JSON has no value '-Infinity')"],
    ['{"a": True}', "text that is not JSON from column 7 on ('True' is 'true' in JSON)"],
    ['{"a": None}', "text that is not JSON from column 7 on ('None' is 'null' in JSON)"],
    ['{"a": undefined}', "text that is not JSON from column 7 on ('undefined' is 'null' in JSON)"],
    ['{"a": 1 // one\n}', 'text that is not JSON from line 1, column 9 on (JSON has no comments)'],
    ['/* a */ {}', 'text that is not JSON from column 1 on (JSON has no comments)'],
    ['[\n  # one\n  1]', 'text that is not JSON from line 2, column 3 on (JSON has no comments)'],
    ['[1, 2,]', "text that is not JSON from column 6 on (this comma is one too many before ']')"],
    ['{"a": 1,\n}', "text that is not JSON from line 1, column 8 on (this comma is one too many before '}')"],
    ["{'a': 1}", "text that is not JSON from column 2 on (JSON has texts in double quotes only, not in ')"],
    ["['a']", "text that is not JSON from column 2 on (JSON has texts in double quotes only, not in ')"],
    ['{“a”: 1}', `text that is not JSON from column 2 on (“ is a typographic quote, JSON has '"' only)`],
    ['{a: 1}', 'text that is not JSON from column 2 on (a key in double quotes is expected)'],
    ['{1: 1}', 'text that is not JSON from column 2 on (a key in double quotes is expected)'],
    ['{"a" 1}', "text that is not JSON from column 6 on (':' is missing between the key and its value)"],
    ['{"a": 1 "b": 2}', "text that is not JSON from column 9 on (a comma is missing before it, or '}')"],
    ['[1 2]', "text that is not JSON from column 4 on (a comma is missing before it, or ']')"],
    ['[1}', "text that is not JSON from column 3 on ('}' where ']' would close what is open)"],
    ['[1,,2]', "text that is not JSON from column 4 on (a value is expected here, not ',')"],
    ['{"a": }', "text that is not JSON from column 7 on (a value is expected here, not '}')"],
    ['{"a": 1}\n{"a": 2}', 'text that is not JSON from line 2, column 1 on (there is more text after the value)'],
    ['[1]]', 'text that is not JSON from column 4 on (there is more text after the value)'],
    ['[01]', "text that is not JSON from column 2 on ('01' is no number of JSON)"],
    ['[.5]', "text that is not JSON from column 2 on ('.5' is no number of JSON)"],
    ['[+1]', "text that is not JSON from column 2 on ('+1' is no number of JSON)"],
    ['[1.]', "text that is not JSON from column 2 on ('1.' is no number of JSON)"],
    ['[0x1f]', "text that is not JSON from column 2 on ('0x1f' is no number of JSON)"],
    ['[1_000]', "text that is not JSON from column 2 on ('1_000' is no number of JSON)"],
    ['[-]', "text that is not JSON from column 2 on ('-' is no number of JSON)"],
    ['["a\nb"]', 'text that is not JSON from line 1, column 4 on (a line break within a text, where JSON writes \\n)'],
    [
      '["\t"]',
      'text that is not JSON from column 3 on (the control character U+0009 within a text, where JSON writes \\t)',
    ],
    [
      '["\u0001"]',
      'text that is not JSON from column 3 on (the control character U+0001 within a text, where JSON writes \\u0001)',
    ],
    ['["\\x41"]', "text that is not JSON from column 3 on ('\\x' is no escape of JSON)"],
    ['["\\u12g4"]', "text that is not JSON from column 3 on ('\\u' is followed by fewer than four hexadecimal digits)"],
    ['\ufeff{}', 'text that is not JSON from column 1 on (an invisible character U+FEFF)'],
    ['{\u00a0"a": 1}', 'text that is not JSON from column 2 on (an invisible character U+00A0)'],
    ['[1]\u2028', 'text that is not JSON from column 4 on (an invisible character U+2028)'],
    ['[💥]', "text that is not JSON from column 2 on (a value is expected here, not '💥')"],
  ])('%j is %s', (text, fault) => {
    expect(isJson(text)).toBe(false);
    expect(jsonFault(text)).toBe(fault);
  });

  it('has its place in the file when it is a part of one', () => {
    expect(jsonFault(' [1 2]', { line: 7, column: 10 })).toBe(
      "text that is not JSON from line 7, column 14 on (a comma is missing before it, or ']')",
    );
    expect(jsonFault('\n [1 2]', { line: 7, column: 10 })).toContain('from line 8, column 5 on');
  });

  it('is never told as a repeated key or as too deep', () => {
    expect(() => parseStrictJson('{a: 1, b: 2}', 'x', 9)).toThrow(
      'x: expected JSON, got text that is not JSON from column 2',
    );
    expect(() => parseStrictJson(`<a>${'{'.repeat(40)}`, 'x', 9)).toThrow(
      'x: expected JSON, got a page of HTML or XML',
    );
    expect(() => parseStrictJson('{"a": 1, "a": 2,}', 'x', 9)).toThrow("x: the key 'a' appears twice in one object");
    expect(() => parseStrictJson(`${'['.repeat(10)}x`, 'x', 9)).toThrow(
      'x: expected JSON of at most 9 levels, got more',
    );
  });
});

describe('the fault of any text', () => {
  const agrees = (text: string) => {
    const fault = findJsonFault(text);
    expect(fault === undefined, JSON.stringify(text)).toBe(isJson(text));
    if (fault === undefined) return;
    expect(fault.at).toBeLessThanOrEqual(text.length);
    // what was read up to there can still become JSON, and not with the fault
    expect(findJsonFault(text.slice(0, fault.at))?.reason ?? '').toBe('');
    // text that ends too early is the beginning of some JSON
    if (fault.reason === '') expect(completes(text), JSON.stringify(text)).toBe(true);
  };

  it('is none exactly when JSON.parse takes the text', () => {
    const token = fc.constantFrom(
      ...[
        '{',
        '}',
        '[',
        ']',
        ',',
        ':',
        '"',
        '"a"',
        "'",
        '\\',
        'u00',
        '0',
        '1',
        '-',
        '.',
        'e',
        '+',
        'E9',
        'true',
        'fal',
      ],
      ...[
        'se',
        'null',
        'NaN',
        ' ',
        '\n',
        '\t',
        '//',
        '/*',
        '\u00a0',
        '\u2028',
        '\ufeff',
        '\u0001',
        'é',
        '💥',
        '\ud800',
      ],
    );
    fc.assert(
      fc.property(fc.array(token, { maxLength: 12 }), (parts) => agrees(parts.join(''))),
      { numRuns: 20_000 },
    );
    fc.assert(fc.property(fc.json(), agrees), { numRuns: 500 });
    fc.assert(fc.property(fc.string({ unit: 'binary' }), agrees), { numRuns: 500 });
  });

  it('is none exactly when JSON.parse takes a damaged one', () => {
    const whole = { 'a"\n': [1.5e-7, -0, true, null, { b: '\u2028 é 💥 \\' }], c: {}, d: [[], 'x'] };
    fc.assert(fc.property(damagedJson(whole), agrees), { numRuns: 500 });
    const bytes = damagedBytes(Buffer.from(JSON.stringify(whole, undefined, 1)));
    fc.assert(
      fc.property(bytes, (damaged) => agrees(damaged.toString('utf8'))),
      { numRuns: 3000 },
    );
  });

  it('is found in a text that nests as deeply as it likes', () => {
    const deep = '['.repeat(1_000_000);
    expect(findJsonFault(deep)).toEqual({ at: deep.length, reason: '' });
    expect(findJsonFault(`${deep}x`)?.at).toBe(deep.length);
    expect(findJsonFault(`${deep}${']'.repeat(deep.length)}`)).toBeUndefined();
  });
});

/** True when some ending makes JSON of `text`: tried by what may stand next, then closing what is open. */
function completes(text: string): boolean {
  const endings = [
    '',
    '"',
    '"a"',
    '\\"',
    '0"',
    '00"',
    '000"',
    '0000"',
    'u0000"',
    '0',
    '"a":0',
    ':0',
    ',0',
    '0:0',
    '":0',
    '\\":0',
    '0":0',
    '00":0',
    '000":0',
    '0000":0',
    'u0000":0',
  ];
  for (const word of ['true', 'false', 'null']) for (let i = 1; i < word.length; i++) endings.push(word.slice(i));
  const closers = closersOf(text);
  return endings.some((ending) => isJson(`${text}${ending}${closers}`));
}

/** The brackets that are open at the end of `text`, closed. */
function closersOf(text: string): string {
  const open: string[] = [];
  for (const part of text.match(/"(?:[^"\\]|\\[\s\S])*(?:"|$|\\$)|[{}[\]]/g) ?? []) {
    if (part === '{' || part === '[') open.push(part === '{' ? '}' : ']');
    else if (part === '}' || part === ']') open.pop();
  }
  return open.reverse().join('');
}
