// Differential tests: what CPython and Jinja give, recorded by the scripts of test/fixtures/tasks/python, and what we give.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { compileTemplate } from '../../python/jinja/jinja.ts';
import { compileRegex } from '../../python/regex.ts';
import type { Doc } from '../../python/value.ts';
import { UserError } from '../../util/errors.ts';

const fixture = <T>(name: string) =>
  JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/tasks/python', name), 'utf8')) as T;
const said: string[] = [];
afterAll(() => console.log(said.join('\n')));

/** What `call` gives, or the message of the UserError that it throws; anything else that it throws is a bug. */
function outcome<T>(call: () => T): { value: T } | { refused: string } {
  try {
    return { value: call() };
  } catch (error) {
    if (error instanceof UserError) return { refused: error.message };
    throw error;
  }
}

describe('a template', () => {
  const { record, cases } = fixture<{ record: Doc; cases: [string, string | null, string?][] }>('jinja.json');
  const results = cases.map(([template, text]) => ({
    ...{ template, text },
    own: outcome(() => compileTemplate(template, 'task.yaml:4')(structuredClone(record)).text),
  }));
  const rendered = results.filter(({ own }) => 'value' in own);
  const refused = results.filter(({ text, own }) => text !== null && 'refused' in own);

  it('gives the text that Jinja gives, or a message with its line', () => {
    for (const { template, text, own } of rendered) expect(own, template).toEqual({ value: text });
    for (const { own } of refused) {
      expect((own as { refused: string }).refused).toMatch(/^task\.yaml:4: the template '.*' cannot be rendered: ./s);
    }
  });

  // methods, filters, tests and statements that no task of the harness has, numbers beyond 2^53, chains such as a < b < c
  it('is refused no more often than this', () => {
    said.push(
      `templates: ${cases.length}, of which Jinja renders ${cases.filter(([, text]) => text !== null).length}; ${rendered.length} rendered alike, ${refused.length} refused`,
    );
    expect(refused.length).toBeLessThanOrEqual(103);
    expect(rendered.length).toBeGreaterThan(700);
  });

  it('is refused where it is nested without end', () => {
    for (const template of [
      `{{ ${'('.repeat(20_000)}n${')'.repeat(20_000)} }}`,
      `{{ ${'not '.repeat(20_000)}n }}`,
      `{{ n${'+n'.repeat(20_000)} }}`,
    ]) {
      expect(outcome(() => compileTemplate(template, 'task.yaml:4')({ n: 1 }).text)).toEqual({
        refused: expect.stringMatching(/nested too deep/),
      });
    }
  });
});

describe('a regular expression', () => {
  type Found = (string | string[])[];
  interface Fixture {
    texts: string[];
    /** Pattern, what findall and sub give of each text; or null and the reason where Python refuses the pattern. */
    cases: [string, Found[] | null, string[] | string][];
  }
  const { texts, cases } = fixture<Fixture>('regex.json');
  const results = cases.map(([pattern, found, removed]) => ({
    ...{ pattern, found, removed },
    own: outcome(() => {
      const regex = compileRegex(pattern, 'task.yaml:4');
      return { found: texts.map((text) => regex.findall(text)), removed: texts.map((text) => regex.remove(text)) };
    }),
  }));
  const used = results.filter(({ own }) => 'value' in own);
  const refused = results.filter(({ found, own }) => found !== null && 'refused' in own);

  it("finds and removes what Python's does, or is refused with its line", () => {
    for (const { pattern, found, removed, own } of used) expect(own, pattern).toEqual({ value: { found, removed } });
    for (const { own } of refused) {
      expect((own as { refused: string }).refused).toMatch(
        /^task\.yaml:4: the regular expression '.*' cannot be used: ./s,
      );
    }
  });

  // possessive and atomic parts, conditions, flags in the middle, loops over what may be empty, repeated look-arounds
  it('is refused no more often than this', () => {
    said.push(
      `patterns: ${cases.length}, of which Python takes ${cases.filter(([, found]) => found !== null).length}; ${used.length} alike on ${texts.length} texts, ${refused.length} refused`,
    );
    expect(refused.length).toBeLessThanOrEqual(44);
    expect(used.length).toBeGreaterThan(350);
  });
});
