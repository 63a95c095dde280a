// Tests wait for events, never for a time that is thought to be enough: a busy machine may take any time for anything.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
const files = names.map((name) => ({ name, text: readFileSync(join(root, name), 'utf8') }));

/** A time has to pass in these, and may be as long as it likes. */
const passing: Readonly<Record<string, string>> = {
  'store/lease.test.ts': 'leases grow stale',
  'store/source-digest.test.ts': 'files come to rest',
  'runner/kill.test.ts': 'kills at any moment, each of which is right',
  'ui/browser.test.ts': 'the browser driver has limits of its own, which are taken away',
};

/** The lines of all files in which `pattern` is found and `allowed` is not. */
function linesWith(pattern: RegExp, allowed?: RegExp): string[] {
  return files.flatMap(({ name, text }) => {
    const lines = text.split('\n').filter((line) => pattern.test(line) && !(allowed?.test(line) ?? false));
    return name in passing || name === 'architecture/time.test.ts'
      ? []
      : lines.map((line) => `${name}: ${line.trim()}`);
  });
}

describe('tests', () => {
  it('have no time limits of their own: the one of vitest.config.ts is only there for what hangs', () => {
    expect(files.length).toBeGreaterThan(100);
    expect(linesWith(/^ *\}, \d[\d_]*\);$|\btimeout:|setConfig\(|waitFor\(|waitUntil\(|expect\.poll\(/)).toEqual([]);
  });

  it('pause only while they wait for something', () => {
    expect(linesWith(/\b(sleep|setTimeout)\(/, /\bwhile \(/)).toEqual([]);
  });
});
