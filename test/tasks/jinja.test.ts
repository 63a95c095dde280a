// Templates: the forms that the task files of Table 6 use, with Python's meaning.
import { describe, expect, it } from 'vitest';
import { compileTemplate } from '../../python/jinja/jinja.ts';
import type { Doc } from '../../python/value.ts';

const render = (template: string, doc: Doc = {}) => compileTemplate(template, 'task.yaml:4')(doc);

describe('a template', () => {
  it('is text with expressions, its last line break kept', () => {
    expect(render('Question: {{q}}\nAnswer:\n', { q: 'why?' }).text).toBe('Question: why?\nAnswer:\n');
    expect(render('a\n\n').text).toBe('a\n\n');
    expect(render('').text).toBe('');
  });

  it('that is one expression gives its value', () => {
    expect(render('{{[a, b]}}', { a: "it's", b: '"' }).value).toEqual(["it's", '"']);
    expect(render('{{choices.label.index(key)}}', { choices: { label: ['A', 'B'] }, key: 'B' })).toEqual({
      text: '1',
      value: 1,
    });
    expect(render("{{['a', 'b'].index(k)}}", { k: 'b' }).text).toBe('1');
    expect(render('x{{1}}').value).toBeUndefined();
  });

  it('prints values as Python does', () => {
    expect(render('{{a}} {{b}} {{c}}', { a: [1, 'x'], b: true, c: null }).text).toBe("[1, 'x'] True None");
  });

  it('indexes and slices from both ends', () => {
    const doc = { text: 'one two three', list: ['a', 'b', 'c'] };
    expect(render("{{text.split(' ')[:-1]|join(' ')}}", doc).text).toBe('one two');
    expect(render("{{' '+text.split(' ')[-1]}}", doc).text).toBe(' three');
    expect(render('{{list[::-1]}} {{list[1:]}} {{text[-2:]}} {{list[-3]}}', doc).text).toBe(
      "['c', 'b', 'a'] ['b', 'c'] ee a",
    );
  });

  it('binds a filter closer than a minus', () => {
    expect(render('{{id|int - 1}}', { id: '3' })).toEqual({ text: '2', value: 2 });
  });

  it('strips as Python does', () => {
    expect(render('{{s.strip()}}|{{s.lstrip()}}|{{s.rstrip()}}', { s: '\u0085 a\ufeff ' }).text).toBe(
      'a\ufeff|a\ufeff |\u0085 a\ufeff',
    );
  });

  it('reads a list of structs as a struct of lists', () => {
    const choices = [
      { text: 'x', label: 'A' },
      { text: 'y', label: 'B' },
    ];
    expect(render('{{choices.text}}', { choices }).value).toEqual(['x', 'y']);
    expect(render("{{choices['label'][1]}}", { choices }).text).toBe('B');
  });

  it('knows conditions, loops and assignments', () => {
    const template =
      '{% set n = items|length %}{% for one in items %}{{loop.index}}/{{n}} {{one}}{% if not loop.last %}, {% endif %}{% endfor %}';
    expect(render(template, { items: ['a', 'b'] }).text).toBe('1/2 a, 2/2 b');
    expect(render("{{'a' if x is defined else 'b'}}{{x|default('c')}}").text).toBe('bc');
  });

  const mistakes: [string, RegExp][] = [
    [
      '{{missing}}',
      /^task.yaml:4: the template '\{\{missing\}\}' cannot be rendered: 'missing' is undefined, the record has a$/,
    ],
    ['{{a.b}}', /has no 'b'/],
    ['{{a|nonsense}}', /unknown filter 'nonsense'/],
    ["{{['x'].index(a)}}", /is not in the list/],
    ['{{a[9]}}', /index 9 of a text of 4/],
    ['{{a.constructor}}', /has no 'constructor'/],
    ['{{a.__class__}}', /has no '__class__'/],
    ["{{a.constructor('x')}}", /has no method 'constructor'/],
    ['{{ lipsum() }}', /unknown function 'lipsum'/],
    ['{{ a', /cannot be rendered/],
    ['{% for x in range(1000000) %}{% endfor %}', /a range of more than/],
  ];
  it.each(mistakes)('%s is a mistake', (template, message) => {
    expect(() => render(template, { a: 'text' })).toThrow(message);
  });
});
