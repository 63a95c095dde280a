// The page on config.json against the code: every key stands there, in the row that says what is done about it.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { configKeys } from '../../model/architecture/config-keys.ts';

const page = readFileSync(fileURLToPath(new URL('../../docs/models.md', import.meta.url)), 'utf8');

/** The keys of the first column of the page's table, with what its second column begins with. */
const section = page.slice(page.indexOf('## config.json')).split(/\n(?=## )/)[0] as string;
const rows = section
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => {
    const [, keys = '', what = ''] = line.split('|');
    return [...keys.matchAll(/`([^`]+)`/g)].map(([, key = '']) => [key, /^\w+/.exec(what.trim())?.[0] ?? ''] as const);
  });

test('the page lists every key once, and no others', () => {
  const listed = rows.map(([key]) => key);
  expect(new Set(listed).size).toBe(listed.length);
  expect(listed.sort()).toEqual(Object.values(configKeys).flat().sort());
});

test('the page says of each key what the code does', () => {
  const words: Record<keyof typeof configKeys, string[]> = {
    honoured: ['honoured', 'refused', 'for'],
    idle: ['without', 'warned'],
    refused: ['refused'],
    warned: ['warned'],
    quantized: ['refused'],
  };
  for (const [kind, keys] of Object.entries(configKeys)) {
    for (const key of keys) {
      const [, what] = rows.find(([listed]) => listed === key) ?? [];
      expect(words[kind as keyof typeof configKeys], `${key}: ${what}`).toContain(what);
    }
  }
});
