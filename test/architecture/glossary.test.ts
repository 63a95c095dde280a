// docs/glossary.md keeps to the code: each type that it names is there, and each word has one meaning.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const rows = readFileSync(join(root, 'docs/glossary.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| word'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const named = rows.flatMap(([, word = '', , types = '']) =>
  [...types.matchAll(/`(\w+)`/g)].map(([, type = '']) => ({ word, type })),
);

const folders = ['contract', 'spec', 'store', 'runner', 'model', 'stages', 'report', 'tasks', 'located'];
const exported = new Set(
  folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .flatMap((name) => [
        ...readFileSync(join(root, folder, name), 'utf8').matchAll(/^export (?:interface|type|class) (\w+)/gm),
      ])
      .map(([, name]) => name),
  ),
);

describe('the glossary', () => {
  it('is read, and names the types of a run and of a store', () => {
    expect(rows.length).toBeGreaterThan(80);
    expect(named.map(({ type }) => type)).toEqual(expect.arrayContaining(['PlanNode', 'Attempt', 'Executor', 'Store']));
  });

  it('names types that the code has', () => {
    expect(named.filter(({ type }) => !exported.has(type))).toEqual([]);
  });

  it('has each word once', () => {
    const words = rows.map(([, word]) => word);
    expect(words.filter((word, i) => words.indexOf(word) !== i)).toEqual([]);
  });
});
